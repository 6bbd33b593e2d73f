// The words of the page in the reader's language: the node's catalogue, which the page carries.

const words: Record<string, string> = JSON.parse(document.getElementById("words")?.textContent ?? "{}");
const language = document.documentElement.lang || "en";
const formats = new Map<number, Intl.NumberFormat>();

/** The text of a key with its placeholders filled. */
export function t(key: string, values: Record<string, string | number> = {}): string {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

/** A number with a number of decimals. */
export function number(value: number, digits = 1): string {
  let format = formats.get(digits);
  if (!format) {
    const options = { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false };
    formats.set(digits, (format = new Intl.NumberFormat(language, options)));
  }
  return format.format(value);
}

/** A difference, with its sign. */
export function signed(value: number, digits = 1): string {
  const shown = number(Math.abs(value), digits);
  const nothing = Number(Math.abs(value).toFixed(digits)) === 0;
  return nothing ? shown : `${value < 0 ? "−" : "+"}${shown}`;
}

/** A moment in the reader's time zone. */
export function moment(iso: string): string {
  const when = new Date(iso);
  return Number.isNaN(when.getTime())
    ? iso
    : new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(when);
}

/** A day, of ISO 8601. */
export function day(iso: string): string {
  const when = new Date(`${iso}T00:00:00Z`);
  return Number.isNaN(when.getTime())
    ? iso
    : new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" }).format(when);
}

/** The name of a key as it is printed on keyboards. */
export function nameKey(key: string): string {
  return key
    .split(/(?<=.)\+/)
    .map((part) => words[`key_${part}`] ?? (part.length === 1 ? part.toUpperCase() : part))
    .join(" + ");
}
