// What every page has: htmx with server-sent events, the token against forged requests, and words for screen readers.
import "htmx.org";
import "htmx-ext-sse";

document.addEventListener("htmx:configRequest", (event) => {
  const token = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content;
  if (token) (event as CustomEvent).detail.headers["X-CSRF-Token"] = token;
});

document.addEventListener("announce", (event) => {
  const announcer = document.getElementById("announcer");
  if (announcer) announcer.textContent = String((event as CustomEvent).detail?.value ?? "");
});
