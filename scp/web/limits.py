"""How much a request may send, and how slowly."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.settings import MIB
from scp.web.services import Services

_FORM_BYTES: Final = 4 * MIB
_NOBODY_BYTES: Final = 64 * 1024
"""Of whoever has not signed in: the form for that is small."""
_SILENT_SECONDS: Final = 30.0
_GRACE_SECONDS: Final = 30.0
_TOO_LARGE: Final = "at most {most} bytes may be sent here"


class Limits:
    """Middleware that ends a request whose body is too large (413), stops, or drips (408).

    Objects by STOW-RS may be as large as by C-STORE (`node.longest_object_mb`), and as slow
    (`node.slowest_bytes_per_second`).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with a bounded body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        services: Services = scope["app"].state.services
        node = services.settings.node
        most = _find_limit(scope, node.longest_object_mb * MIB)
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdigit() or int(declared) > most:
            # unread: what is on the way would be read as the next request
            headers = {"Connection": "close"}
            words = {"error": _TOO_LARGE.format(most=most)}
            await JSONResponse(words, 413, headers)(scope, receive, send)
            return
        await self._app(scope, _Bounded(receive, most, node.slowest_bytes_per_second).receive, send)


def _find_limit(scope: Scope, object_bytes: int) -> int:
    """Find how many bytes a request may have; `object_bytes` where objects are stored."""
    if scope.get("state", {}).get("person") is None:
        return _NOBODY_BYTES
    return object_bytes if scope["path"].startswith("/dicom-web/") else _FORM_BYTES


class _Bounded:
    """The body of one request, as it comes in."""

    def __init__(self, receive: Receive, most: int, slowest: float) -> None:
        self._receive = receive
        self._most = most
        self._slowest = slowest
        self._begin = time.monotonic()
        self._bytes = 0
        self._complete = False

    async def receive(self) -> Message:
        """Return the next part. Raises HTTPException (413 or 408)."""
        if self._complete:  # what follows is the end of the connection, which may take as long as the answer
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), _SILENT_SECONDS)
        except TimeoutError:
            raise HTTPException(408, "the rest of this request did not come") from None
        if message["type"] == "http.request":
            self._bytes += len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
            if self._bytes > self._most:
                raise HTTPException(413, _TOO_LARGE.format(most=self._most))
            seconds = time.monotonic() - self._begin - _GRACE_SECONDS
            if not self._complete and seconds > 0 and self._bytes < seconds * self._slowest:
                raise HTTPException(408, "this request came too slowly")
        return message
