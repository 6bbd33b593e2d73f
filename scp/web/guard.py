"""What every request passes: the host that it names, where it comes from, who asks; and what every answer carries.

A page that answers on loopback alone can be reached by any page in the browser of whoever sits at the machine, under a
name that its owner lets point to 127.0.0.1. So the host must be ours, and a request that changes something must come
from one of our own pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scp.web.identity import LOCAL, Person
from scp.web.services import Services

OPEN_PATHS: Final = ("/health", "/ready", "/metrics", "/static/")
"""What answers without an account: no patient data."""

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; style-src 'self'; "
        "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # without any, a browser does not say where a form comes from
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES: Final = frozenset({"same-origin", "none"})
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class Guard:
    """Middleware that refuses what does not come from one of our pages, and names who asks."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        web = services.settings.web
        self._hosts = _LOOPBACK | {web.host} | set(web.hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._find_refusal(scope, headers)
        if refusal:
            await PlainTextResponse(refusal + "\n", 403)(scope, receive, _adorn(scope, send))
            return
        scope.setdefault("state", {})["person"] = self._identify(scope)
        await self._app(scope, receive, _adorn(scope, send))

    def _find_refusal(self, scope: Scope, headers: Headers) -> str:
        """Say why a request is refused, whoever asks; empty where it is not."""
        host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
        if host not in self._hosts:
            return "this name is not one of this node's: add it to web.hosts"
        if scope["method"] not in _SAFE:
            site = headers.get("sec-fetch-site")
            origin = headers.get("origin")
            if (site and site not in _OWN_SITES) or (origin and urlsplit(origin).netloc != headers.get("host")):
                return "this request does not come from a page of this node"
        return ""

    def _identify(self, scope: Scope) -> Person | None:
        client = scope.get("client")
        return LOCAL if client and client[0] in _LOOPBACK else None


def _adorn(scope: Scope, send: Send) -> Send:
    """Add the headers to an answer; pages with patients' data stay in no cache."""

    async def send_adorned(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            if not scope["path"].startswith("/static/"):
                headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return send_adorned
