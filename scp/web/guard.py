"""What every request passes: the host that it names, where it comes from, who asks; and what every answer carries.

A page that answers on loopback alone can be reached by any page in the browser of whoever sits at the machine, under a
name that its owner lets point to 127.0.0.1. So the host must be ours, and a request that changes something must come
from one of our own pages.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.errors import Transient
from config.web import LOOPBACK_NAMES
from scoring.report.common.texts import load_english
from scp.web.accounts import cookies
from scp.web.accounts.identification import FOR_MACHINES, Caller, Elsewhere, Identification
from scp.web.accounts.secrets import make_token
from scp.web.accounts.signing_in import SignInRefused
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
_HTTPS_ALONE: Final = "max-age=31536000"
"""A browser that has reached this name over HTTPS does so for a year (RFC 6797)."""
_LOOK_SECONDS: Final = 30.0
"""How often a stream of events asks whether its session goes on."""


class Guard:
    """Middleware that refuses what does not come from one of our pages, and names who asks."""

    def __init__(self, app: ASGIApp, services: Services, identification: Identification) -> None:
        self._app = app
        web = services.settings.web
        self._hosts = LOOPBACK_NAMES | {web.host} | set(web.hosts)
        self._identification = identification

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        answer = _Answer(scope, send)
        refusal = self._find_refusal(scope, headers)
        if refusal:
            await PlainTextResponse(refusal + "\n", 403)(scope, receive, answer.send)
            return
        try:
            caller = await self._identify(scope, headers, answer)
        except Elsewhere as error:
            await PlainTextResponse(f"{error}\n", 403)(scope, receive, answer.send)
            return
        except SignInRefused as error:
            words = load_english()(f"accounts.refused_{error.code}", **error.values)
            after = {"Retry-After": str(error.seconds)} if error.seconds else {}
            await JSONResponse({"error": words}, error.status, after)(scope, receive, answer.send)
            return
        except Transient as error:
            await PlainTextResponse(f"{error}\n", 503)(scope, receive, answer.send)
            return
        scope.setdefault("state", {}).update(caller=caller, person=caller.person, csrf=caller.csrf)
        await self._app(scope, receive, answer.send)

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

    async def _identify(self, scope: Scope, headers: Headers, answer: _Answer) -> Caller:
        path, secure = scope["path"], scope["scheme"] == "https"
        client = scope.get("client")
        address = client[0] if client else ""
        if path.startswith(OPEN_PATHS):
            return Caller(None, address)
        browser = cookies.read(headers, cookies.BROWSER, secure=secure)
        if not browser and scope["method"] in _SAFE and not path.startswith(FOR_MACHINES):
            browser = answer.browser = make_token()

        def identify() -> Caller:
            return self._identification.identify(path, address, headers, secure=secure, browser=browser)

        # the index is asked: not in the loop that serves everybody
        caller = await run_in_threadpool(identify)
        if caller.session:
            answer.browser = ""
            answer.goes_on = lambda: self._identification.goes_on(caller)
        return caller


class _Answer:
    """Adds the headers to an answer; pages with patients' data stay in no cache. Events end with their session."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._path = scope["path"]
        self._secure = scope["scheme"] == "https"
        self._send = send
        self._looked: float | None = None
        self._ended = False
        self.browser = ""
        self.goes_on: Callable[[], bool] | None = None

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on."""
        if message["type"] == "http.response.start":
            self._adorn(MutableHeaders(scope=message))
        elif self._looked is not None and self.goes_on is not None:
            if self._ended:
                return
            if time.monotonic() - self._looked > _LOOK_SECONDS:
                self._looked = time.monotonic()
                self._ended = not await run_in_threadpool(self.goes_on)
            if self._ended:
                message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    def _adorn(self, headers: MutableHeaders) -> None:
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        if self._secure:
            headers.setdefault("Strict-Transport-Security", _HTTPS_ALONE)
        if not self._path.startswith("/static/"):
            headers.setdefault("Cache-Control", "no-store")
        kind = headers.get("content-type", "")
        if self.browser and kind.startswith("text/html"):
            headers.append("Set-Cookie", cookies.format_header(cookies.BROWSER, self.browser, secure=self._secure))
        if kind.startswith("text/event-stream"):
            self._looked = time.monotonic()
