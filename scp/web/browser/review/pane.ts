// One stack of images on the screen: which slice, which window, which part of it.
import { Enums, RenderingEngine, setUseCPURendering, type StackViewport } from "@cornerstonejs/core";
import type { Place } from "./api";
import type { Header } from "./header";
import { prepareLoading, type Stack } from "./stack";

export interface Window {
  width: number;
  centre: number;
}

/** A point of the picture in pixels from the image's corner: x along a row, y along a column. */
export type Point = [x: number, y: number];

/** The least part of an image that is shown when a review opens: a heart is about as wide. */
const FRAME_MM = 140;
const MARGIN_MM = 40;

let engine: RenderingEngine | undefined;

/** Start Cornerstone, once a page: on the processor, which reading rooms without a graphics card have, too. */
function startEngine(): RenderingEngine {
  if (!engine) {
    setUseCPURendering(true, false);
    prepareLoading();
    engine = new RenderingEngine("coronode");
  }
  return engine;
}

export class Pane {
  readonly overlay: HTMLCanvasElement;
  index = 0;
  window: Window = { width: 800, centre: 200 };
  onDraw: () => void = () => {};
  onShown: (index: number) => void = () => {};
  onFault: (fault: Error) => void = () => {};
  private readonly viewport: StackViewport;
  private readonly layer: HTMLElement;
  private stack: Stack | undefined;
  private centre: Point = [0, 0];
  private scale = 0;
  private fitted = true;
  private busy = false;

  constructor(
    readonly element: HTMLElement,
    name: string,
  ) {
    this.layer = document.createElement("div");
    this.layer.className = "pane-image";
    this.overlay = document.createElement("canvas");
    this.overlay.className = "pane-overlay";
    element.prepend(this.layer, this.overlay);
    this.measureLayer();
    const started = startEngine();
    started.enableElement({ viewportId: name, element: this.layer as HTMLDivElement, type: Enums.ViewportType.STACK });
    this.viewport = started.getViewport(name) as StackViewport;
    this.layer.addEventListener(Enums.Events.IMAGE_RENDERED, () => this.onDraw());
    new ResizeObserver(() => this.resize()).observe(element);
  }

  get header(): Header | undefined {
    return this.stack?.headers[this.index];
  }

  get count(): number {
    return this.stack?.images.length ?? 0;
  }

  /** The picture under the overlay, for a lens. */
  get picture(): HTMLCanvasElement | null {
    return this.layer.querySelector("canvas");
  }

  /** Pixels of the screen to one of the style sheets. */
  get density(): number {
    return window.devicePixelRatio || 1;
  }

  async open(stack: Stack, index: number): Promise<void> {
    this.stack = stack;
    this.index = index;
    await this.viewport.setStack(stack.imageIds, index);
    this.fit();
    this.setWindow(this.window);
    stack.prefetch(index);
    this.onShown(index);
  }

  /** Show a slice; of several wanted while one is loading the last is shown. */
  show(index: number): void {
    const wanted = Math.max(0, Math.min(this.count - 1, index));
    if (!this.stack || wanted === this.index) return;
    this.index = wanted;
    this.onShown(wanted);
    if (!this.busy) void this.follow();
  }

  private async follow(): Promise<void> {
    this.busy = true;
    let shown = -1;
    while (shown !== this.index) {
      shown = this.index;
      try {
        await this.viewport.setImageIdIndex(shown);
      } catch (fault) {
        this.onFault(fault instanceof Error ? fault : new Error(String(fault)));
      }
    }
    this.busy = false;
    this.applyView();
    this.stack?.prefetch(shown);
  }

  setWindow(window: Window): void {
    this.window = { width: Math.max(1, Math.round(window.width)), centre: Math.round(window.centre) };
    const { width, centre } = this.window;
    this.viewport.setProperties({ voiRange: { lower: centre - width / 2, upper: centre + width / 2 - 1 } });
    this.viewport.render();
  }

  /** Show the whole image. */
  fit(): void {
    const header = this.header;
    if (!header) return;
    const [x, y] = this.stretch(header);
    this.centre = [header.columns / 2, header.rows / 2];
    this.scale = Math.min(this.overlay.width / (header.columns * x), this.overlay.height / (header.rows * y));
    this.fitted = true;
    this.applyView();
  }

  /** Show the part of the image in which points lie, and a hand's breadth around them. */
  frame(points: readonly Point[]): void {
    const header = this.header;
    if (!header || !points.length) return;
    const [row, column] = header.spacing;
    const [across, down] = this.stretch(header);
    const ends = (values: number[]): [number, number] => [Math.min(...values), Math.max(...values)];
    const [left, right] = ends(points.map((point) => point[0]));
    const [top, bottom] = ends(points.map((point) => point[1]));
    const width = Math.max(FRAME_MM, (right - left) * column + 2 * MARGIN_MM) / column;
    const height = Math.max(FRAME_MM, (bottom - top) * row + 2 * MARGIN_MM) / row;
    this.fit();
    this.scale = Math.max(
      this.scale,
      Math.min(this.overlay.width / (width * across), this.overlay.height / (height * down)),
    );
    this.centreAt([(left + right) / 2, (top + bottom) / 2]);
  }

  /** Enlarge by a factor; what is at `fixed` stays where it is. */
  zoom(factor: number, fixed: Point = this.centre): void {
    const scale = Math.max(0.25, Math.min(64, this.scale * factor));
    const used = scale / this.scale;
    this.centre = [fixed[0] + (this.centre[0] - fixed[0]) / used, fixed[1] + (this.centre[1] - fixed[1]) / used];
    this.scale = scale;
    this.fitted = false;
    this.applyView();
  }

  /** Move the image by pixels of the screen. */
  pan(right: number, down: number): void {
    const header = this.header;
    if (!header) return;
    const [x, y] = this.stretch(header);
    this.centreAt([this.centre[0] - right / (this.scale * x), this.centre[1] - down / (this.scale * y)]);
  }

  centreAt(point: Point): void {
    this.centre = point;
    this.fitted = false;
    this.applyView();
  }

  /** Let the view follow so that a point is on the screen. */
  reveal(point: Point): void {
    const [x, y] = this.toScreen(point);
    const edge = 24 * this.density;
    const seen = x > edge && y > edge && x < this.overlay.width - edge && y < this.overlay.height - edge;
    if (!seen) this.centreAt(point);
  }

  toScreen([x, y]: Point): Point {
    const [across, down] = this.header ? this.stretch(this.header) : [1, 1];
    return [
      (x - this.centre[0]) * this.scale * across + this.overlay.width / 2,
      (y - this.centre[1]) * this.scale * down + this.overlay.height / 2,
    ];
  }

  /** The point under an event. */
  toImage(event: { clientX: number; clientY: number }): Point {
    const [across, down] = this.header ? this.stretch(this.header) : [1, 1];
    const box = this.overlay.getBoundingClientRect();
    const x = (event.clientX - box.left) * this.density - this.overlay.width / 2;
    const y = (event.clientY - box.top) * this.density - this.overlay.height / 2;
    return [this.centre[0] + x / (this.scale * across), this.centre[1] + y / (this.scale * down)];
  }

  /** The HU at a place of the slice that is shown; undefined until it is loaded. */
  readValue([, row, column]: Place): number | undefined {
    const header = this.header;
    if (!header || this.busy) return undefined;
    return this.viewport.getCornerstoneImage()?.getPixelData()[row * header.columns + column];
  }

  /** Pixels that are not square are drawn wider or higher. */
  private stretch({ spacing: [row, column] }: Header): Point {
    return [Math.max(1, column / row), Math.max(1, row / column)];
  }

  private applyView(): void {
    const header = this.header;
    if (!header || !this.viewport.getCornerstoneImage()) return;
    // Cornerstone counts from the corner here, as we do
    const focalPoint: [number, number, number] = [
      this.centre[0] * header.spacing[1],
      this.centre[1] * header.spacing[0],
      0,
    ];
    this.viewport.setCamera({ focalPoint, scale: this.scale });
    this.viewport.render();
  }

  /** Cornerstone draws one pixel for one of the layer's: so that has as many as the screen, and is scaled back. */
  private measureLayer(): void {
    const { clientWidth, clientHeight } = this.element;
    const width = Math.max(1, Math.round(clientWidth * this.density));
    const height = Math.max(1, Math.round(clientHeight * this.density));
    this.layer.style.width = `${width}px`;
    this.layer.style.height = `${height}px`;
    this.layer.style.transform = `scale(${1 / this.density})`;
    this.overlay.width = width;
    this.overlay.height = height;
  }

  private resize(): void {
    this.measureLayer();
    if (!this.stack) return;
    this.viewport.resize();
    if (this.fitted) this.fit();
    else this.applyView();
  }
}
