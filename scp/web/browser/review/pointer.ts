// What the mouse, a pen and fingers do to a pane.
import type { Pane, Point } from "./pane";

export type Tool = "window" | "zoom" | "pan" | "measure";

export interface Hand {
  tool(): Tool;
  /** A click, or the first point of a drag that is none of the view's. */
  pick(point: Point): void;
  step(slices: number): void;
  measure(from: Point, to: Point, done: boolean): void;
  /** The pointer is over a point, or has left. */
  hover(point: Point | undefined): void;
}

const CLICK_PIXELS = 4;
const PIXELS_A_SLICE = 12;

/** Let pointers work on a pane. */
export function attachPointer(pane: Pane, hand: Hand): void {
  const down = new Map<number, PointerEvent>();
  let start: PointerEvent | undefined;
  let origin: Point = [0, 0];
  let before = pane.window;
  let moved = false;
  let walked = 0;

  pane.element.addEventListener("pointerdown", (event) => {
    if (event.target instanceof HTMLElement && event.target.closest("button, input")) return;
    pane.element.setPointerCapture(event.pointerId);
    down.set(event.pointerId, event);
    if (down.size > 1) return;
    start = event;
    origin = pane.toImage(event);
    before = pane.window;
    moved = false;
    walked = 0;
  });

  pane.element.addEventListener("pointermove", (event) => {
    hand.hover(pane.toImage(event));
    const last = down.get(event.pointerId);
    if (!last || !start) return;
    down.set(event.pointerId, event);
    if (down.size === 2) {
      pinch(pane, [...down.values()], event, last);
      moved = true;
      return;
    }
    if (!moved && Math.hypot(event.clientX - start.clientX, event.clientY - start.clientY) < CLICK_PIXELS) return;
    moved = true;
    drag(event, last);
  });

  const drag = (event: PointerEvent, last: PointerEvent): void => {
    const right = event.clientX - last.clientX;
    const below = event.clientY - last.clientY;
    const tool = start?.button === 1 ? "pan" : start?.button === 2 ? "zoom" : hand.tool();
    if (tool === "pan") pane.pan(right * pane.density, below * pane.density);
    else if (tool === "zoom") pane.zoom(Math.exp(-below / 150), origin);
    else if (tool === "measure") hand.measure(origin, pane.toImage(event), false);
    else if (event.pointerType === "touch") {
      // a finger has no wheel: it leafs through the slices
      walked += below / PIXELS_A_SLICE;
      const steps = Math.trunc(walked);
      walked -= steps;
      if (steps) hand.step(-steps);
    } else {
      // from where the drag began: steps of a fraction of a pixel must not be rounded one by one
      const across = event.clientX - (start?.clientX ?? 0);
      const down = event.clientY - (start?.clientY ?? 0);
      pane.setWindow({ width: before.width + across * 2, centre: before.centre + down * 2 });
    }
  };

  const end = (event: PointerEvent): void => {
    if (!down.delete(event.pointerId) || down.size || !start) return;
    if (event.type === "pointerup") {
      if (moved && hand.tool() === "measure" && start.button === 0) hand.measure(origin, pane.toImage(event), true);
      if (!moved && start.button === 0) hand.pick(origin);
    }
    start = undefined;
  };
  pane.element.addEventListener("pointerup", end);
  pane.element.addEventListener("pointercancel", end);
  pane.element.addEventListener("pointerleave", () => hand.hover(undefined));
  pane.element.addEventListener("contextmenu", (event) => event.preventDefault());
  pane.element.addEventListener("wheel", (event) => turn(pane, hand, event), { passive: false });
}

let turned = 0;

function turn(pane: Pane, hand: Hand, event: WheelEvent): void {
  event.preventDefault();
  if (event.ctrlKey) {
    pane.zoom(Math.exp(-event.deltaY / 300), pane.toImage(event));
    return;
  }
  // a trackpad sends many small turns, a wheel few large ones
  turned += event.deltaMode === 0 ? event.deltaY / 40 : event.deltaY;
  const steps = Math.abs(turned) >= 1 ? Math.sign(turned) : 0;
  if (steps) {
    turned = 0;
    hand.step(-steps);
  }
}

function pinch(pane: Pane, fingers: PointerEvent[], now: PointerEvent, before: PointerEvent): void {
  const other = fingers.find((finger) => finger.pointerId !== now.pointerId);
  if (!other) return;
  const apart = (finger: PointerEvent): number =>
    Math.hypot(finger.clientX - other.clientX, finger.clientY - other.clientY);
  const middle = { clientX: (now.clientX + other.clientX) / 2, clientY: (now.clientY + other.clientY) / 2 };
  pane.zoom(apart(now) / Math.max(1, apart(before)), pane.toImage(middle));
  pane.pan(((now.clientX - before.clientX) / 2) * pane.density, ((now.clientY - before.clientY) / 2) * pane.density);
}
