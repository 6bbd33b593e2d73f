// Elements of the page, found and made.

/** The element with an ID that the template has. */
export function find<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element as Kind;
}

type Attributes = Record<string, string | number | boolean | undefined>;

/** Make an element; attributes that are undefined or false are left out. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...content: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...content);
  return element;
}

/** Say something to whoever listens to the page and to whoever looks at it. */
export function announce(words: string, kind: "" | "bad" = ""): void {
  document.dispatchEvent(new CustomEvent("announce", { detail: { value: words } }));
  const shown = find("message");
  shown.textContent = words;
  shown.dataset.kind = kind;
}
