"""Reading multipart/related as it arrives, within limits (RFC 2046 5.1.1, PS3.18 8.6.1.2).

Only what cannot be passed on yet is kept: the headers of a part, and as many bytes as a delimiter has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

LONGEST_BOUNDARY: Final = 200
"""RFC 2046 allows 70 characters; those of Orthanc have 73."""
_LONGEST_HEADERS: Final = 16 * 1024
_LONGEST_PREAMBLE: Final = 64 * 1024
_NEW_LINE: Final = b"\r\n"


class MalformedError(Exception):
    """The body is no multipart body with this boundary, or ends too early; the text says what is wrong."""


@dataclass(slots=True)
class IncomingPart:
    """A part: its headers by name in lower case, and its content, which is read once."""

    headers: Mapping[str, str]
    pieces: Iterator[bytes]


@dataclass(slots=True)
class Multipart:
    """The parts of a body that comes in `chunks`.

    A part that is not read to its end is skipped when the next one is asked for.
    """

    boundary: str
    chunks: Iterator[bytes]
    _buffer: bytearray = field(default_factory=lambda: bytearray(_NEW_LINE))

    def parts(self) -> Iterator[IncomingPart]:
        """Yield the parts. Raises MalformedError, and what reading the chunks raises."""
        self._skip_preamble()
        while not self._is_end():
            headers = self._read_headers()
            pieces = self._read_content()
            yield IncomingPart(headers, pieces)
            for _ in pieces:
                pass

    @property
    def _delimiter(self) -> bytes:
        return b"\r\n--" + self.boundary.encode("latin-1")

    def _fill(self) -> None:
        chunk = next(self.chunks, None)
        if chunk is None:
            raise MalformedError("the body ends before its last boundary")
        self._buffer += chunk

    def _skip_preamble(self) -> None:
        delimiter = self._delimiter
        while (found := self._buffer.find(delimiter)) < 0:
            if len(self._buffer) > _LONGEST_PREAMBLE:
                raise MalformedError("the boundary of the Content-Type is not found in the body")
            self._fill()
        del self._buffer[: found + len(delimiter)]

    def _is_end(self) -> bool:
        """Read what follows a delimiter: two hyphens after the last part, else the rest of its line."""
        while len(self._buffer) < len(_NEW_LINE):
            self._fill()
        if self._buffer.startswith(b"--"):
            return True
        line = self._read_until(_NEW_LINE)
        if line.strip(b" \t"):
            raise MalformedError("a boundary is followed by other characters on its line")
        return False

    def _read_headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        left = _LONGEST_HEADERS
        while line := self._read_until(_NEW_LINE):
            left -= len(line)
            if left < 0:
                raise MalformedError(f"the headers of a part have more than {_LONGEST_HEADERS} bytes")
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon:
                raise MalformedError("a line among the headers of a part is no header")
            headers.setdefault(name.strip().lower(), value.strip())
        return headers

    def _read_until(self, end: bytes) -> bytes:
        while (found := self._buffer.find(end)) < 0:
            if len(self._buffer) > _LONGEST_HEADERS:
                raise MalformedError(f"the headers of a part have more than {_LONGEST_HEADERS} bytes")
            self._fill()
        line = bytes(self._buffer[:found])
        del self._buffer[: found + len(end)]
        return line

    def _read_content(self) -> Iterator[bytes]:
        delimiter = self._delimiter
        keep = len(delimiter) - 1
        while (found := self._buffer.find(delimiter)) < 0:
            if len(self._buffer) > keep:
                yield bytes(self._buffer[:-keep])
                del self._buffer[:-keep]
            self._fill()
        content = bytes(self._buffer[:found])
        del self._buffer[: found + len(delimiter)]
        if content:
            yield content
