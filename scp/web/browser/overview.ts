// Lists by keyboard, and a question before what cannot be undone by a click. Without it every form and link still works.

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName));
}

function listRowLinks(): HTMLAnchorElement[] {
  return [...document.querySelectorAll<HTMLAnchorElement>("table[data-rows] tbody tr > :first-child a")];
}

function moveTo(step: number): void {
  const links = listRowLinks();
  const current = links.findIndex((link) => link.closest("tr")?.contains(document.activeElement));
  const next = current < 0 ? (step > 0 ? 0 : links.length - 1) : current + step;
  links[Math.min(Math.max(next, 0), links.length - 1)]?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const search = document.querySelector<HTMLInputElement>("[data-search]");
  if (event.key === "/" && search && !isTyping(event.target)) {
    event.preventDefault();
    search.focus();
    search.select();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (isTyping(event.target) && event.target !== search) return;
    if (!listRowLinks().length) return;
    event.preventDefault();
    moveTo(event.key === "ArrowDown" ? 1 : -1);
  }
});

document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm ?? (event.target as HTMLElement).dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

// A list that renews itself must not undo what somebody is doing in it.
document.addEventListener("htmx:beforeRequest", (event) => {
  const detail = (event as CustomEvent).detail;
  const part = detail.elt as HTMLElement;
  if (!detail.requestConfig.triggeringEvent?.type?.startsWith("sse:")) return;
  const isBusy = part.querySelector("input:checked") || (part.contains(document.activeElement) && isTyping(document.activeElement));
  if (isBusy) event.preventDefault();
});

let opened: string[] = [];
document.addEventListener("htmx:beforeSwap", () => {
  opened = [...document.querySelectorAll("details[open][id]")].map((element) => element.id);
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
});
