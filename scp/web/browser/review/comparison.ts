// An earlier scan beside the one that is read: the same place in the patient as far as it is known.
import { Review, type State } from "./api";
import { listCorners } from "./outline";
import { announce, find } from "./elements";
import { findAddress, Stack } from "./stack";
import { View } from "./view";
import { day, number, t } from "./words";

type Prior = NonNullable<State["prior"]>;

export class Comparison {
  private view: View | undefined;
  private shift = 0;
  private sameFrame = false;
  private opening = false;

  constructor(private readonly current: View) {}

  get open(): boolean {
    return !find("prior").hidden;
  }

  /** Tell whether there is an earlier scan to compare with. */
  announcePrior({ prior, result }: State): void {
    const button = find<HTMLButtonElement>("do-compare");
    button.disabled = !prior?.series_instance_uid;
    const told = result.change !== null;
    find("prior-words").textContent = prior && !told
      ? t("prior_words", { date: day(prior.date), then: number(prior.agatston), now: number(result.agatston.total) })
      : "";
  }

  async toggle(prior: Prior): Promise<void> {
    const figure = find("prior");
    if (this.opening) return;
    if (this.open) figure.hidden = true;
    else if (prior.series_instance_uid) await this.start(prior, prior.series_instance_uid);
    find("do-compare").setAttribute("aria-pressed", String(this.open));
    find("panes").dataset.compared = this.open ? "yes" : "no";
  }

  /** Show the slice of the earlier scan that belongs to the one that is read. */
  follow(): void {
    if (this.view && this.open) this.view.show(this.findIndex(this.view));
  }

  setWindow(): void {
    if (this.view && this.open) this.view.pane.setWindow(this.current.pane.window);
  }

  setOutlines(): void {
    if (!this.view) return;
    this.view.outlines = this.current.outlines;
    this.view.draw();
  }

  private async start(prior: Prior, series: string): Promise<void> {
    this.opening = true;
    announce(t("opening_prior"));
    const figure = find("prior");
    try {
      if (!this.view) {
        const state = await new Review(series).load();
        figure.hidden = false;
        this.view = await this.load(state);
      }
      figure.hidden = false;
      this.setWindow();
      this.follow();
      announce(t("compared", { date: day(prior.date), agatston: number(prior.agatston) }));
    } catch (fault) {
      figure.hidden = true;
      announce(t("no_prior_images", { reason: fault instanceof Error ? fault.message : String(fault) }), "bad");
    } finally {
      this.opening = false;
    }
  }

  private async load(state: State): Promise<View> {
    const { study_instance_uid: study, series_instance_uid: series } = state.series;
    const view = new View(find("prior-pane"), "prior", { pick: () => undefined, moved: () => undefined });
    const stack = await Stack.open(state, fetch(`${findAddress(study, series)}/metadata`));
    const frame = stack.headers[0]?.frameOfReferenceUid ?? "";
    this.sameFrame = frame !== "" && frame === this.current.pane.header?.frameOfReferenceUid;
    // the two patients never lie alike: leafing over the earlier scan alone shifts it against the other
    view.onWheel = (slices) => {
      this.shift += slices;
      this.follow();
    };
    view.tool = "pan";
    await view.open(stack, Math.floor(state.images.length / 2));
    view.showLesions(state.lesions, undefined, state.images);
    view.pane.frame(state.lesions.filter((lesion) => lesion.counted).flatMap(listCorners));
    return view;
  }

  private findIndex(view: View): number {
    const position = this.current.position;
    const linked =
      this.sameFrame && position !== null
        ? view.findNearest(position)
        : Math.round((this.current.index / Math.max(1, this.current.count - 1)) * (view.count - 1));
    return linked + this.shift;
  }
}
