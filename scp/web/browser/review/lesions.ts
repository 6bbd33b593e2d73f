// The list of lesions: what was found, what counts, and why.
import { ARTERIES, type Lesion } from "./api";
import { find, make } from "./elements";
import { number, t } from "./words";

/** Below this confidence a counted lesion is uncertain, as in the result (scoring/result/lesion.py). */
const SURE = 0.8;

export class LesionList {
  private readonly list = find("lesions");
  private readonly places = new Map<string, number>();

  constructor(private readonly choose: (id: string) => void) {
    this.list.addEventListener("click", (event) => {
      const row = event.target instanceof Element ? event.target.closest<HTMLElement>("[role=option]") : null;
      if (row) this.choose(row.dataset.lesion ?? "");
    });
  }

  /** Put lesions in the order in which they are gone through: it does not change under the reader's hands. */
  arrange(lesions: readonly Lesion[]): Lesion[] {
    const rank = (lesion: Lesion): number => (lesion.counted ? 0 : 1);
    const fresh = lesions.filter((lesion) => !this.places.has(lesion.id));
    fresh.sort((a, b) => rank(a) - rank(b) || byArtery(a) - byArtery(b) || b.agatston - a.agatston);
    for (const lesion of fresh) this.places.set(lesion.id, this.places.size);
    return [...lesions].sort((a, b) => (this.places.get(a.id) ?? 0) - (this.places.get(b.id) ?? 0));
  }

  show(lesions: readonly Lesion[], chosen: string | undefined): void {
    this.list.replaceChildren(...lesions.map((lesion) => makeRow(lesion, lesion.id === chosen)));
    const current = lesions.some((lesion) => lesion.id === chosen);
    if (current) this.list.setAttribute("aria-activedescendant", `lesion-${chosen}`);
    else this.list.removeAttribute("aria-activedescendant");
    find(`lesions`).querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
    const counted = lesions.filter((lesion) => lesion.counted).length;
    find("lesion-count").textContent = t("lesion_count", { counted, others: lesions.length - counted });
    find("no-lesions").hidden = lesions.length > 0;
  }
}

function byArtery(lesion: Lesion): number {
  return lesion.artery ? ARTERIES.indexOf(lesion.artery) : ARTERIES.length;
}

function makeRow(lesion: Lesion, chosen: boolean): HTMLElement {
  const artery = lesion.artery ?? "?";
  const mark = make("span", { class: "artery", "data-artery": lesion.artery ?? "none" }, artery);
  const value = make("span", { class: "lesion-value" }, number(lesion.agatston));
  const row = make(
    "li",
    {
      id: `lesion-${lesion.id}`,
      role: "option",
      "aria-selected": chosen ? "true" : "false",
      "data-lesion": lesion.id,
      "data-counted": lesion.counted ? "yes" : "no",
    },
    mark,
    value,
    make("span", { class: "lesion-state" }, describe(lesion)),
    make("span", { class: "lesion-slices" }, tellSlices(lesion)),
    make("span", { class: "lesion-detail" }, measure(lesion)),
    make("span", { class: "lesion-reason" }, lesion.reason ?? ""),
  );
  return row;
}

/** How sure it is that it is coronary calcium, or where it came from; whether it does not count. */
function describe(lesion: Lesion): string {
  const parts = lesion.counted ? [] : [t("not_counted")];
  if (lesion.origin === "added" || lesion.origin === "split") parts.push(t(`origin_${lesion.origin}`));
  else if (lesion.confidence !== null) {
    parts.push(t("confidence", { percent: number(lesion.confidence * 100, 0) }));
    if (lesion.counted && lesion.confidence < SURE) parts.push(t("uncertain"));
  }
  return parts.join(" · ");
}

function tellSlices({ slices }: Lesion): string {
  const least = Math.min(...slices) + 1;
  const most = Math.max(...slices) + 1;
  return least === most ? t("slice_one", { slice: least }) : t("slice_range", { first: least, last: most });
}

function measure(lesion: Lesion): string {
  const parts = [`${number(lesion.volume_mm3)} mm³`, t("highest", { hu: number(lesion.max_hu, 0) })];
  if (lesion.mass_mg !== null) parts.splice(1, 0, `${number(lesion.mass_mg)} mg`);
  return parts.join(" · ");
}

/** One lesion in a sentence, for the announcement when it is chosen. */
export function tell(lesion: Lesion): string {
  const artery = lesion.artery ?? t("no_artery");
  const parts = [artery, `Agatston ${number(lesion.agatston)}`, describe(lesion), tellSlices(lesion), measure(lesion)];
  if (lesion.counted) parts.splice(2, 0, t("counted"));
  if (lesion.reason) parts.push(lesion.reason);
  return parts.join(", ");
}
