// What is drawn over an image: outlines of lesions, the cross, distances, the lens, which side is which.
import type { Artery, Lesion, Place } from "./api";
import { traceEdges, type Edge } from "./outline";
import type { Pane, Point } from "./pane";

/** As in every document (scoring/report/common/colours.py). */
export const COLOURS: Record<Artery | "none", string> = {
  LM: "#b250fa",
  LAD: "#f06030",
  LCX: "#3cc2f6",
  RCA: "#f0ec30",
  none: "#ffffff",
};

export interface Distance {
  slice: number;
  from: Point;
  to: Point;
}

export interface Marks {
  slice: number;
  lesions: readonly Lesion[];
  chosen: string | undefined;
  outlines: boolean;
  cross: Place | undefined;
  distances: readonly Distance[];
  lens: Point | undefined;
}

const edges = new WeakMap<Lesion, Map<number, Edge[]>>();

/** Draw over a pane. */
export function drawMarks(pane: Pane, marks: Marks, showMillimetres: (mm: number) => string): void {
  const context = pane.overlay.getContext("2d");
  if (!context) return;
  context.clearRect(0, 0, pane.overlay.width, pane.overlay.height);
  if (marks.outlines) {
    for (const lesion of marks.lesions) if (lesion.id !== marks.chosen) drawLesion(context, pane, lesion, marks);
    const chosen = marks.lesions.find((lesion) => lesion.id === marks.chosen);
    if (chosen) drawLesion(context, pane, chosen, marks);
  }
  for (const distance of marks.distances) {
    if (distance.slice === marks.slice) drawDistance(context, pane, distance, showMillimetres);
  }
  if (marks.cross && marks.cross[0] === marks.slice) drawCross(context, pane, [marks.cross[2], marks.cross[1]]);
  drawSides(context, pane);
  if (marks.lens) drawLens(context, pane, marks.lens);
}

function drawLesion(context: CanvasRenderingContext2D, pane: Pane, lesion: Lesion, marks: Marks): void {
  const traced = findEdges(lesion, marks.slice);
  if (!traced.length) return;
  const chosen = lesion.id === marks.chosen;
  const path = new Path2D();
  for (const [x1, y1, x2, y2] of traced) {
    path.moveTo(...pane.toScreen([x1, y1]));
    path.lineTo(...pane.toScreen([x2, y2]));
  }
  const width = (chosen ? 2.5 : 1.5) * pane.density * findEnlargement();
  context.save();
  context.lineCap = "square";
  if (!lesion.counted) context.setLineDash([4 * pane.density, 4 * pane.density]);
  // a dark edge keeps every colour apart from bright calcium
  context.lineWidth = width + 1.5 * pane.density;
  context.strokeStyle = "rgb(0 0 0 / 0.75)";
  context.stroke(path);
  context.lineWidth = width;
  context.strokeStyle = COLOURS[lesion.artery ?? "none"];
  context.stroke(path);
  context.restore();
  const right = Math.max(...traced.map((edge) => edge[2]));
  const top = Math.min(...traced.map((edge) => edge[1]));
  const label = `${lesion.artery ?? "?"}${chosen ? " ◂" : ""}`;
  const [x, y] = pane.toScreen([right, top]);
  write(context, pane, label, x + 6 * pane.density, y, COLOURS[lesion.artery ?? "none"], chosen ? 15 : 12);
}

function findEdges(lesion: Lesion, slice: number): Edge[] {
  let known = edges.get(lesion);
  if (!known) edges.set(lesion, (known = new Map()));
  let found = known.get(slice);
  if (!found) known.set(slice, (found = traceEdges(lesion.runs, slice)));
  return found;
}

function drawCross(context: CanvasRenderingContext2D, pane: Pane, [column, row]: Point): void {
  const [x, y] = pane.toScreen([column + 0.5, row + 0.5]);
  const gap = 8 * pane.density;
  const arm = 24 * pane.density;
  const path = new Path2D();
  for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]] as const) {
    path.moveTo(x + dx * gap, y + dy * gap);
    path.lineTo(x + dx * arm, y + dy * arm);
  }
  strokeTwice(context, pane, path, "#7cf0b0");
}

function drawDistance(
  context: CanvasRenderingContext2D,
  pane: Pane,
  { from, to }: Distance,
  showMillimetres: (mm: number) => string,
): void {
  const path = new Path2D();
  const [x, y] = pane.toScreen(to);
  path.moveTo(...pane.toScreen(from));
  path.lineTo(x, y);
  strokeTwice(context, pane, path, "#ffffff");
  write(context, pane, showMillimetres(measure(pane, from, to)), x + 8 * pane.density, y, "#ffffff", 13);
}

/** The distance between two points of an image in mm. */
export function measure(pane: Pane, from: Point, to: Point): number {
  const [row, column] = pane.header?.spacing ?? [1, 1];
  return Math.hypot((to[0] - from[0]) * column, (to[1] - from[1]) * row);
}

function drawSides(context: CanvasRenderingContext2D, pane: Pane): void {
  const orientation = pane.header?.orientation ?? [];
  if (orientation.length !== 6) return;
  const { width, height } = pane.overlay;
  const edge = 14 * pane.density;
  const across = orientation.slice(0, 3);
  const down = orientation.slice(3);
  const back = (direction: number[]): number[] => direction.map((value) => -value);
  write(context, pane, nameSide(back(across)), edge, height / 2, "#ffffff", 14);
  write(context, pane, nameSide(across), width - edge * 1.6, height / 2, "#ffffff", 14);
  write(context, pane, nameSide(back(down)), width / 2, edge, "#ffffff", 14);
  write(context, pane, nameSide(down), width / 2, height - edge, "#ffffff", 14);
}

/** The letter of the side that a direction points to (PS3.3 C.7.6.1.1.1). */
export function nameSide(direction: number[]): string {
  const sizes = direction.map(Math.abs);
  const axis = sizes.indexOf(Math.max(...sizes));
  const letters = [["R", "L"], ["A", "P"], ["F", "H"]][axis] ?? ["", ""];
  return letters[(direction[axis] ?? 0) > 0 ? 1 : 0] ?? "";
}

function drawLens(context: CanvasRenderingContext2D, pane: Pane, point: Point): void {
  const picture = pane.picture;
  if (!picture) return;
  const [x, y] = pane.toScreen(point);
  const radius = 90 * pane.density;
  const part = radius / 2.5;
  const marks = document.createElement("canvas");
  marks.width = marks.height = part * 2;
  marks.getContext("2d")?.drawImage(pane.overlay, x - part, y - part, part * 2, part * 2, 0, 0, part * 2, part * 2);
  context.save();
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = "#000000";
  context.fill();
  context.clip();
  for (const layer of [picture, marks]) {
    const [left, top] = layer === picture ? [x - part, y - part] : [0, 0];
    context.drawImage(layer, left, top, part * 2, part * 2, x - radius, y - radius, radius * 2, radius * 2);
  }
  context.restore();
  const ring = new Path2D();
  ring.arc(x, y, radius, 0, 2 * Math.PI);
  strokeTwice(context, pane, ring, "#ffffff");
}

function strokeTwice(context: CanvasRenderingContext2D, pane: Pane, path: Path2D, colour: string): void {
  context.save();
  context.lineWidth = 3.5 * pane.density;
  context.strokeStyle = "rgb(0 0 0 / 0.75)";
  context.stroke(path);
  context.lineWidth = 1.5 * pane.density;
  context.strokeStyle = colour;
  context.stroke(path);
  context.restore();
}

function write(
  context: CanvasRenderingContext2D,
  pane: Pane,
  text: string,
  x: number,
  y: number,
  colour: string,
  size: number,
): void {
  context.save();
  context.font = `600 ${size * findEnlargement() * pane.density}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  context.lineWidth = 3 * pane.density;
  context.strokeStyle = "rgb(0 0 0 / 0.85)";
  context.strokeText(text, x, y);
  context.fillStyle = colour;
  context.fillText(text, x, y);
  context.restore();
}

/** How much larger than usual the page's words are: on a large monitor lines are thicker, too. */
function findEnlargement(): number {
  return parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
}
