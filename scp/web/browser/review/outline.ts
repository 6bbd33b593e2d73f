// Outlines of lesions along the edges of their pixels.
import type { Lesion, Run } from "./api";

/** Edges between a pixel of the lesion and one outside: column and row of both ends, in pixels from the image's corner. */
export type Edge = [x1: number, y1: number, x2: number, y2: number];

/** Trace the edges of what a lesion has in one slice. */
export function traceEdges(runs: readonly Run[], slice: number): Edge[] {
  const inside = new Set<number>();
  for (const [where, row, column, length] of runs) {
    if (where === slice) for (let x = column; x < column + length; x++) inside.add(row * WIDEST + x);
  }
  const edges: Edge[] = [];
  for (const pixel of inside) {
    const y = Math.floor(pixel / WIDEST);
    const x = pixel % WIDEST;
    if (!inside.has(pixel - WIDEST)) edges.push([x, y, x + 1, y]);
    if (!inside.has(pixel + WIDEST)) edges.push([x, y + 1, x + 1, y + 1]);
    if (!inside.has(pixel - 1)) edges.push([x, y, x, y + 1]);
    if (!inside.has(pixel + 1)) edges.push([x + 1, y, x + 1, y + 1]);
  }
  return edges;
}

// more than any image has columns, so that the pixel before column 0 is no pixel of the row above
const WIDEST = 1 << 17;

/** The slice in which a lesion is largest, and the pixel of it that is nearest to its middle there. */
export function findLargest(lesion: Lesion): { slice: number; row: number; column: number } | undefined {
  const areas = new Map<number, number>();
  for (const [slice, , , length] of lesion.runs) areas.set(slice, (areas.get(slice) ?? 0) + length);
  const largest = [...areas].sort((a, b) => b[1] - a[1])[0];
  if (!largest) return undefined;
  const runs = lesion.runs.filter((run) => run[0] === largest[0]);
  const total = largest[1];
  const middle = {
    row: runs.reduce((sum, [, row, , length]) => sum + row * length, 0) / total,
    column: runs.reduce((sum, [, , column, length]) => sum + (column + (length - 1) / 2) * length, 0) / total,
  };
  let best = { slice: largest[0], row: 0, column: 0 };
  let least = Infinity;
  for (const [, row, first, length] of runs) {
    const column = Math.min(Math.max(Math.round(middle.column), first), first + length - 1);
    const distance = (row - middle.row) ** 2 + (column - middle.column) ** 2;
    if (distance < least) {
      least = distance;
      best = { slice: largest[0], row, column };
    }
  }
  return best;
}

/** The lesion that has a pixel at a place, or within `reach` pixels of it: counted ones first. */
export function findLesion(
  lesions: readonly Lesion[],
  [slice, row, column]: readonly [number, number, number],
  reach: number,
): Lesion | undefined {
  let best: Lesion | undefined;
  let least = Infinity;
  for (const lesion of lesions) {
    for (const [where, line, first, length] of lesion.runs) {
      if (where !== slice) continue;
      const aside = column < first ? first - column : Math.max(0, column - (first + length - 1));
      const distance = Math.hypot(row - line, aside) + (lesion.counted ? 0 : 0.1);
      if (distance < least && distance <= reach + 0.1) {
        least = distance;
        best = lesion;
      }
    }
  }
  return best;
}

/** Corners of what a lesion has in any slice. */
export function listCorners({ runs }: Lesion): [x: number, y: number][] {
  return runs.flatMap(([, row, column, length]): [x: number, y: number][] => [
    [column, row],
    [column + length, row + 1],
  ]);
}
