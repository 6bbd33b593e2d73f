// Which key does what: keys.json, which the table in docs/reviewing.md is compared with.
import table from "./keys.json";

export type Action = string;

interface Row {
  action: Action;
  keys: string[];
}

export const ROWS: readonly Row[] = table;

const BY_KEY = new Map(ROWS.flatMap((row) => row.keys.map((key) => [key, row.action] as const)));

/** The action of a key event; undefined where the key is not ours or belongs to the browser. */
export function findAction(event: KeyboardEvent): Action | undefined {
  if (event.altKey || event.metaKey) return undefined;
  const named = event.key.length > 1;
  const letter = event.key.toLowerCase() !== event.key.toUpperCase();
  // a sign such as ? may need Shift on one keyboard and not on another
  const shift = event.shiftKey && (named || letter) ? "Shift+" : "";
  const control = event.ctrlKey ? "Ctrl+" : "";
  return BY_KEY.get(control + shift + (named ? event.key : event.key.toLowerCase()));
}

/** Whether a key event belongs to a field that is being filled in. */
export function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "range"].includes(target.type);
  return target.isContentEditable || target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement;
}
