// A reading: the state of a review, what is chosen and shown of it, and what the reader does about it.
import { ARTERIES, Refused, Review, type Artery, type Edit, type Lesion, type Place, type State } from "./api";
import { Comparison } from "./comparison";
import { askArtery, askSignature } from "./dialogs";
import { announce, find } from "./elements";
import { LesionList, tell } from "./lesions";
import { findLargest, findLesion, listCorners } from "./outline";
import { showResult } from "./result";
import { findAddress, Stack } from "./stack";
import { View } from "./view";
import { number, signed, t } from "./words";
import { attachControls } from "./controls";

/** How near to a lesion a click must be to choose it, in pixels of the image. */
const REACH = 2;

export class Reading {
  readonly view: View;
  readonly comparison: Comparison;
  private readonly review: Review;
  private readonly list = new LesionList((id) => this.choose(id));
  private lesions: Lesion[] = [];
  private state: State | undefined;
  private chosen: string | undefined;
  private busy = false;

  constructor(private readonly root: HTMLElement) {
    this.review = new Review(root.dataset.series ?? "");
    this.view = new View(find("pane"), "current", { pick: (place) => this.pick(place), moved: () => this.follow() });
    this.comparison = new Comparison(this.view);
    attachControls(this);
  }

  async start(): Promise<void> {
    const { study = "", series = "" } = this.root.dataset;
    // the description of the images is fetched while the node computes the state
    const metadata = fetch(`${findAddress(study, series)}/metadata`);
    metadata.catch(() => undefined);
    try {
      const state = await this.review.load();
      this.take(state);
      const first = this.lesions[0];
      this.chosen = first?.id;
      this.show();
      const place = first && findPlace(first);
      const index = place ? this.indexOf(place[0]) : Math.floor(state.images.length / 2);
      await this.view.open(await Stack.open(state, metadata), index);
      this.view.pane.frame(this.lesions.filter((lesion) => lesion.counted).flatMap(listCorners));
      if (first) this.choose(first.id);
      this.root.dataset.ready = "yes";
    } catch (fault) {
      announce(t("no_images", { reason: tellFault(fault) }), "bad");
    }
  }

  /** Choose a lesion, in the list and on the images. */
  choose(id: string): void {
    const lesion = this.lesions.find((each) => each.id === id);
    if (!lesion) return;
    this.chosen = id;
    this.show();
    const place = findPlace(lesion);
    if (place) this.view.place([this.indexOf(place[0]), place[1], place[2]]);
    announce(tell(lesion));
  }

  chooseNext(step: 1 | -1): void {
    const count = this.lesions.length;
    if (!count) return;
    const current = this.lesions.findIndex((lesion) => lesion.id === this.chosen);
    const next = current < 0 ? (step > 0 ? 0 : count - 1) : (current + step + count) % count;
    this.choose(this.lesions[next]!.id);
  }

  accept(): void {
    this.change((lesion) => ({ kind: "accept", lesion: lesion.id }));
  }

  reject(): void {
    this.change((lesion) => ({ kind: "reject", lesion: lesion.id }));
  }

  move(artery: Artery): void {
    this.change((lesion) => ({ kind: "move", lesion: lesion.id, artery }));
  }

  split(): void {
    const at = this.findCross();
    if (at) this.change((lesion) => ({ kind: "split", lesion: lesion.id, at }));
  }

  trim(): void {
    const slice = this.sliceAt(this.view.index);
    this.change((lesion) => ({ kind: "trim", lesion: lesion.id, slice, keep: lesion.trimmed.includes(slice) }));
  }

  async add(): Promise<void> {
    const at = this.findCross();
    if (!at || !this.mayEdit()) return;
    const artery = await askArtery();
    if (artery) await this.send({ kind: "add", at, artery }, true);
  }

  step(step: "undo" | "redo" | "restart"): void {
    const state = this.state;
    if (!state || !this.mayEdit()) return;
    if ((step === "undo" && !state.can_undo) || (step === "redo" && !state.can_redo)) {
      announce(t(`nothing_to_${step}`));
      return;
    }
    void this.run(() => this.review.step(state.revision, step), t(`done_${step}`));
  }

  async sign(): Promise<void> {
    const state = this.state;
    if (!state || this.busy) return;
    if (!state.may_sign) {
      announce(t("may_not_sign"), "bad");
      return;
    }
    const reader = await askSignature(state, this.root.dataset.reader ?? "");
    if (reader === undefined) return;
    await this.run(async () => {
      await this.review.sign(state.revision, reader);
      return this.review.load();
    }, t("done_sign"));
  }

  toggleCompare(): void {
    const prior = this.state?.prior;
    if (prior) void this.comparison.toggle(prior);
    else announce(t("no_prior"));
  }

  private change(make: (lesion: Lesion) => Edit): void {
    const lesion = this.lesions.find((each) => each.id === this.chosen);
    if (!lesion) announce(t("choose_first"));
    else if (this.mayEdit()) void this.send(make(lesion), false);
  }

  private mayEdit(): boolean {
    const may = this.state?.may_review ?? false;
    if (!may) announce(t("may_not_edit"), "bad");
    return may && !this.busy;
  }

  private async send(edit: Edit, chooseNew: boolean): Promise<void> {
    const state = this.state;
    if (!state) return;
    const known = new Set(state.lesions.map((lesion) => lesion.id));
    await this.run(() => this.review.edit(state.revision, edit), "");
    const fresh = this.lesions.find((lesion) => !known.has(lesion.id));
    if (chooseNew && fresh) {
      this.chosen = fresh.id;
      this.show();
    }
  }

  /** Ask the node for a new state and say what it changed; a refusal is told in its own words. */
  private async run(ask: () => Promise<State>, words: string): Promise<void> {
    const before = this.state;
    this.busy = true;
    try {
      const after = await ask();
      this.take(after);
      this.show();
      announce([words || lastEdit(after), before && tellTotals(before, after)].filter(Boolean).join(" "));
    } catch (fault) {
      if (fault instanceof Refused && fault.state) {
        this.take(fault.state);
        this.show();
      }
      announce(tellFault(fault), "bad");
    } finally {
      this.busy = false;
    }
  }

  private take(state: State): void {
    this.state = state;
    this.lesions = this.list.arrange(state.lesions);
    if (!this.lesions.some((lesion) => lesion.id === this.chosen)) this.chosen = undefined;
  }

  private show(): void {
    const state = this.state;
    if (!state) return;
    showResult(state);
    this.list.show(this.lesions, this.chosen);
    this.view.showLesions(this.lesions, this.chosen, state.images);
    this.comparison.announcePrior(state);
    const lesion = this.lesions.find((each) => each.id === this.chosen);
    for (const [id, possible] of [
      ["accept", lesion && !lesion.counted && lesion.acceptable],
      ["reject", lesion?.counted],
      ["trim", lesion],
      ["split", lesion],
      ["add", true],
      ["undo", state.can_undo],
      ["redo", state.can_redo],
      ["restart", state.can_undo],
    ] as const) {
      find<HTMLButtonElement>(`do-${id}`).disabled = !state.may_review || !possible;
    }
    find<HTMLButtonElement>("do-sign").disabled = !state.may_sign;
    for (const artery of ARTERIES) {
      const button = find<HTMLButtonElement>(`do-artery_${artery.toLowerCase()}`);
      button.disabled = !state.may_review || !lesion;
      button.setAttribute("aria-pressed", String(lesion?.artery === artery));
    }
  }

  /** The reader clicked on the images: the cross goes there, and what is there is chosen. */
  private pick(place: Place): void {
    const lesion = findLesion(this.lesions, [this.sliceAt(place[0]), place[1], place[2]], REACH);
    if (lesion && lesion.id !== this.chosen) {
      this.chosen = lesion.id;
      this.show();
      announce(tell(lesion));
    } else if (!lesion) announce(this.view.tellCross());
  }

  private follow(): void {
    this.comparison.follow();
  }

  private findCross(): Place | undefined {
    const cross = this.view.cross;
    if (!cross) {
      announce(t("place_cross"));
      return undefined;
    }
    return [this.sliceAt(cross[0]), cross[1], cross[2]];
  }

  /** Lesions name slices of the source; images are shown by their place in the stack. */
  private sliceAt(index: number): number {
    return this.state?.images[index]?.slice ?? index;
  }

  private indexOf(slice: number): number {
    return Math.max(0, this.state?.images.findIndex((image) => image.slice === slice) ?? 0);
  }
}

/** Where a lesion is looked at first: its largest slice; the middle of its slices where its pixels are not known. */
function findPlace(lesion: Lesion): Place | undefined {
  const largest = findLargest(lesion);
  if (largest) return [largest.slice, largest.row, largest.column];
  const middle = lesion.slices[Math.floor(lesion.slices.length / 2)];
  return middle === undefined ? undefined : [middle, 0, 0];
}

function lastEdit(state: State): string {
  const words = state.edits.filter((edit) => !edit.undone).at(-1)?.words ?? "";
  return words && !words.endsWith(".") ? `${words}.` : words;
}

function tellTotals(before: State, after: State): string {
  const total = after.result.agatston.total;
  const difference = total - before.result.agatston.total;
  if (Math.abs(difference) < 0.05) return t("total_same", { total: number(total) });
  const values = { total: number(total), difference: signed(difference), category: after.result.category };
  return t("total_now", values);
}

function tellFault(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault);
}
