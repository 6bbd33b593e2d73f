// The review of a series as the node keeps it: every edit is computed there, by the code that scores.

export const ARTERIES = ["LM", "LAD", "LCX", "RCA"] as const;
export type Artery = (typeof ARTERIES)[number];

/** Slice, stored row, first stored column, length. */
export type Run = [slice: number, row: number, column: number, length: number];
/** Slice, stored row, stored column. */
export type Place = [slice: number, row: number, column: number];

export interface Lesion {
  id: string;
  origin: "automatic" | "candidate" | "added" | "split";
  counted: boolean;
  artery: Artery | null;
  confidence: number | null;
  reason: string | null;
  /** Whether it can be accepted: what old results list without its pixels cannot. */
  acceptable: boolean;
  agatston: number;
  volume_mm3: number;
  mass_mg: number | null;
  max_hu: number;
  mean_hu: number;
  slices: number[];
  /** Slices that the reader has left out of it. */
  trimmed: number[];
  centroid_mm: [number, number, number];
  runs: Run[];
}

export interface Result {
  agatston: Record<"total" | Artery, number>;
  volume_mm3: Record<"total" | Artery, number>;
  mass_mg: Record<"total" | Artery, number> | null;
  category: string;
  cac_drs: string;
  agatston_range: [number, number];
  percentile: string | null;
  change: string | null;
}

export interface Image {
  slice: number;
  sop_instance_uid: string;
  frame: number | null;
  position_mm: number | null;
}

export interface Edited {
  number: number;
  words: string;
  by: string;
  at: string;
  undone: boolean;
}

export interface State {
  series: {
    study_instance_uid: string;
    series_instance_uid: string;
    version: number;
    slices: number;
    rows: number;
    columns: number;
    spacing_mm: [number, number, number];
  };
  revision: number;
  images: Image[];
  lesions: Lesion[];
  result: Result;
  automatic: Result;
  edits: Edited[];
  can_undo: boolean;
  can_redo: boolean;
  signed: null | { by: string; at: string; version: number };
  warnings: string[];
  prior: null | { series_instance_uid: string | null; date: string; agatston: number };
  may_review: boolean;
  may_sign: boolean;
}

export type Edit =
  | { kind: "reject" | "accept"; lesion: string }
  | { kind: "move"; lesion: string; artery: Artery }
  | { kind: "add"; at: Place; artery: Artery }
  | { kind: "trim"; lesion: string; slice: number; keep: boolean }
  | { kind: "split"; lesion: string; at: Place };

/** What the node answered instead of a state, in words; `state` where somebody else has edited meanwhile. */
export class Refused extends Error {
  constructor(
    words: string,
    readonly status: number,
    readonly state?: State,
  ) {
    super(words);
  }
}

export class Review {
  private readonly address: string;

  constructor(seriesInstanceUid: string) {
    this.address = `/api/reviews/${encodeURIComponent(seriesInstanceUid)}`;
  }

  load(): Promise<State> {
    return ask<State>(this.address);
  }

  edit(revision: number, edit: Edit): Promise<State> {
    return ask<State>(`${this.address}/edits`, { revision, edit });
  }

  step(revision: number, step: "undo" | "redo" | "restart"): Promise<State> {
    return ask<State>(`${this.address}/${step}`, { revision });
  }

  sign(revision: number, reader: string): Promise<{ version: number }> {
    return ask<{ version: number }>(`${this.address}/sign`, { revision, reader });
  }
}

async function ask<Answer>(address: string, body?: object): Promise<Answer> {
  const token = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": token };
  const response = await fetch(address, body ? { method: "POST", headers, body: JSON.stringify(body) } : {});
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(answer.error ?? response.statusText, response.status, answer.state);
  return answer as Answer;
}
