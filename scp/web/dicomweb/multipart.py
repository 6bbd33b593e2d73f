"""Writing multipart/related, one part after the other (PS3.18 8.6.1.2; RFC 2387)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from scp.web.dicomweb.media import RELATED

_NEW_LINE: Final = b"\r\n"


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its media type with parameters, where its content is found by itself, and the content in pieces."""

    content_type: str
    content: Iterable[bytes]
    location: str = ""


def respond_multipart(
    request: Request, media_type: str, parts: Iterable[Part], status_code: int = 200, syntax: str = ""
) -> Response:
    """Answer with parts that are read as they are sent; memory does not depend on their number.

    `syntax` is the transfer syntax of all of them, "" where they may differ.
    """
    boundary = secrets.token_hex(16)
    parameters = f"; transfer-syntax={syntax}" if syntax else ""
    content_type = f'{RELATED}; type="{media_type}"; boundary={boundary}{parameters}'
    return stream(request, _write(parts, boundary), content_type, status_code)


def stream(request: Request, pieces: Iterator[bytes], content_type: str, status_code: int = 200) -> Response:
    """Answer with pieces that are read as they are sent, and a HEAD with the headers alone."""
    headers = {"Content-Type": content_type}
    if request.method == "HEAD":
        return Response(None, status_code, headers)
    return StreamingResponse(pieces, status_code, headers)


def _write(parts: Iterable[Part], boundary: str) -> Iterator[bytes]:
    for part in parts:
        head = f"--{boundary}\r\nContent-Type: {part.content_type}\r\n"
        if part.location:
            head += f"Content-Location: {part.location}\r\n"
        begin = (head + "\r\n").encode("ascii", "replace")
        for piece in part.content:
            # one write for a small part and its header
            yield begin + piece if begin else piece
            begin = b""
        yield begin + _NEW_LINE
    yield f"--{boundary}--\r\n".encode()
