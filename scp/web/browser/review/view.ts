// A pane with what is drawn over it, its slider and its words: the images of one review.
import type { Image, Lesion, Place } from "./api";
import { drawMarks, measure, type Distance } from "./drawing";
import { Pane, type Point, type Window } from "./pane";
import { attachPointer, type Tool } from "./pointer";
import type { Stack } from "./stack";
import { number, t } from "./words";

export const WINDOWS: Readonly<Record<string, Window>> = {
  calcium: { width: 800, centre: 200 },
  mediastinum: { width: 400, centre: 40 },
  lung: { width: 1500, centre: -600 },
  bone: { width: 1800, centre: 400 },
};

const MOST_DISTANCES = 50;

interface Wishes {
  pick(place: Place): void;
  moved(): void;
}

export class View {
  readonly pane: Pane;
  cross: Place | undefined;
  tool: Tool = "window";
  lens = false;
  outlines = true;
  /** Slices that a turn of the wheel goes; the earlier scan takes them as its own shift. */
  onWheel: (slices: number) => void = (slices) => this.show(this.index + slices);
  onWindow: (window: Window) => void = () => {};
  private lesions: readonly Lesion[] = [];
  private images: readonly Image[] = [];
  private chosen: string | undefined;
  private distances: Distance[] = [];
  private drawn: Distance | undefined;
  private start: Place | undefined;
  private hovered: Point | undefined;
  private readonly words: HTMLElement;
  private readonly slider: HTMLInputElement | null;

  constructor(
    readonly element: HTMLElement,
    name: string,
    private readonly wishes: Wishes,
  ) {
    this.pane = new Pane(element, name);
    this.words = element.querySelector<HTMLElement>(".pane-words") ?? element;
    this.slider = document.querySelector<HTMLInputElement>(`input[data-pane="${name}"]`);
    this.pane.onDraw = () => this.draw();
    this.pane.onShown = () => this.shown();
    this.pane.onFault = (fault) => (this.words.textContent = fault.message);
    this.slider?.addEventListener("input", () => this.show(Number(this.slider?.value) - 1));
    attachPointer(this.pane, {
      tool: () => this.tool,
      pick: (point) => this.pick(point),
      step: (slices) => this.onWheel(slices),
      measure: (from, to, done) => this.drawDistance(from, to, done),
      hover: (point) => this.hover(point),
    });
  }

  get index(): number {
    return this.pane.index;
  }

  get count(): number {
    return this.pane.count;
  }

  async open(stack: Stack, index: number): Promise<void> {
    this.images = stack.images;
    if (this.slider) this.slider.max = String(stack.images.length);
    await this.pane.open(stack, index);
  }

  show(index: number): void {
    this.pane.show(index);
  }

  showLesions(lesions: readonly Lesion[], chosen: string | undefined, images: readonly Image[]): void {
    this.lesions = lesions;
    this.chosen = chosen;
    this.images = images;
    this.draw();
  }

  /** Put the cross at a place and show it. */
  place(place: Place): void {
    this.cross = place;
    this.show(place[0]);
    this.pane.reveal([place[2] + 0.5, place[1] + 0.5]);
    this.draw();
  }

  /** Move the cross by pixels; without one it begins in the middle of what is shown. */
  moveCross(columns: number, rows: number): string {
    const header = this.pane.header;
    if (!header) return "";
    const [row, column] = this.cross
      ? [this.cross[1] + rows, this.cross[2] + columns]
      : [Math.floor(header.rows / 2), Math.floor(header.columns / 2)];
    const within = (value: number, size: number): number => Math.max(0, Math.min(size - 1, value));
    this.place([this.index, within(row, header.rows), within(column, header.columns)]);
    return this.tellCross();
  }

  tellCross(): string {
    if (!this.cross) return "";
    const [, row, column] = this.cross;
    const value = this.pane.readValue(this.cross);
    return t("cross", { row, column, value: value === undefined ? "" : `${value} HU` });
  }

  /** Measure with keys: the first call takes one end at the cross, the second the other. */
  measureAtCross(): string {
    const cross = this.cross ?? [this.index, 0, 0];
    const end = (place: Place): Point => [place[2] + 0.5, place[1] + 0.5];
    if (!this.start || this.start[0] !== cross[0]) {
      this.start = cross;
      return t("measure_from");
    }
    const from = end(this.start);
    this.start = undefined;
    return this.drawDistance(from, end(cross), true);
  }

  reset(): void {
    this.distances = [];
    this.start = undefined;
    this.pane.setWindow(WINDOWS.calcium!);
    this.pane.fit();
  }

  /** Where the slice lies along the patient, in mm. */
  get position(): number | null {
    return this.images[this.index]?.position_mm ?? null;
  }

  /** The slice of this stack that is nearest to a position in mm. */
  findNearest(position: number): number {
    let best = 0;
    this.images.forEach((image, index) => {
      const apart = (each: Image | undefined): number => Math.abs((each?.position_mm ?? Infinity) - position);
      if (apart(image) < apart(this.images[best])) best = index;
    });
    return best;
  }

  draw(): void {
    const distances = this.drawn ? [...this.distances, this.drawn] : this.distances;
    const slice = this.images[this.index]?.slice ?? this.index;
    drawMarks(
      this.pane,
      {
        slice,
        lesions: this.lesions,
        chosen: this.chosen,
        outlines: this.outlines,
        cross: this.cross && [this.images[this.cross[0]]?.slice ?? this.cross[0], this.cross[1], this.cross[2]],
        distances: distances.filter((distance) => distance.slice === slice),
        lens: this.lens ? (this.hovered ?? this.crossPoint()) : undefined,
      },
      (mm) => t("millimetres", { mm: number(mm) }),
    );
    this.write();
  }

  private crossPoint(): Point | undefined {
    return this.cross && [this.cross[2] + 0.5, this.cross[1] + 0.5];
  }

  private shown(): void {
    if (this.slider) {
      this.slider.value = String(this.index + 1);
      this.slider.setAttribute("aria-valuetext", this.tellSlice());
    }
    this.draw();
    this.wishes.moved();
  }

  private tellSlice(): string {
    const where = this.position;
    const slice = t("slice_of", { slice: this.index + 1, slices: this.count });
    return where === null ? slice : `${slice}, ${number(where)} mm`;
  }

  private write(): void {
    const { width, centre } = this.pane.window;
    const under = this.hovered && this.readAt(this.hovered);
    const lines = [this.tellSlice(), t("window", { width, centre })];
    if (under !== undefined) lines.push(`${under} HU`);
    this.words.textContent = lines.join("\n");
    this.onWindow(this.pane.window);
  }

  private readAt([x, y]: Point): number | undefined {
    const header = this.pane.header;
    if (!header || x < 0 || y < 0 || x >= header.columns || y >= header.rows) return undefined;
    return this.pane.readValue([this.index, Math.floor(y), Math.floor(x)]);
  }

  private hover(point: Point | undefined): void {
    this.hovered = point;
    if (this.lens) this.draw();
    else this.write();
  }

  private pick([x, y]: Point): void {
    const header = this.pane.header;
    if (!header || x < 0 || y < 0 || x >= header.columns || y >= header.rows) return;
    this.cross = [this.index, Math.floor(y), Math.floor(x)];
    this.draw();
    this.wishes.pick(this.cross);
  }

  private drawDistance(from: Point, to: Point, done: boolean): string {
    const distance = { slice: this.images[this.index]?.slice ?? this.index, from, to };
    this.drawn = done ? undefined : distance;
    if (done) this.distances = [...this.distances, distance].slice(-MOST_DISTANCES);
    this.draw();
    return t("measured", { mm: number(measure(this.pane, from, to)) });
  }
}
