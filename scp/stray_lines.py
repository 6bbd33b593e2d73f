"""Standard error of a node that logs JSON: whatever else is written there becomes an event of the log, too.

Libraries in C, a process that dies while it starts, and the last words of the command line write there without asking
the log. So the descriptor leads into a pipe, of this process and of all that it starts, and a thread turns what comes
out of it into JSON, line by line; lines that are JSON pass as they are.
"""

from __future__ import annotations

import atexit
import io
import json
import os
import sys
import threading
from datetime import UTC, datetime
from typing import Final, Literal, TextIO, cast

_STANDARD_ERROR: Final = 2
_END: Final = b"\0end\0\n"
_LONGEST_LINE: Final = 64 * 1024
_ENDING_SECONDS: Final = 2.0


class _Lines(io.TextIOBase):
    """Writes whole texts to a descriptor, one after the other, from any thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def write(self, text: str) -> int:
        """Write a text."""
        left = memoryview(text.encode(errors="backslashreplace"))
        with self._lock:
            while left:
                left = left[os.write(self._descriptor, left) :]
        return len(text)


class StrayLines:
    """Leads standard error through the pipe, from the first log in JSON to the end of the process."""

    def __init__(self) -> None:
        self._wraps = False
        self._lines: _Lines | None = None

    def lead(self, form: Literal["text", "json"]) -> TextIO | None:
        """Turn stray lines into JSON from now on, or leave them as they are.

        Returns what the log of this process writes to, the real standard error without the detour; None where there is
        no detour.
        """
        self._wraps = form == "json"
        if self._lines is None and self._wraps:
            self._lines = self._begin()
        return cast("TextIO | None", self._lines)

    def _begin(self) -> _Lines:
        sys.stderr.flush()
        self._real = os.dup(_STANDARD_ERROR)
        reading, writing = os.pipe()
        os.dup2(writing, _STANDARD_ERROR)
        os.close(writing)
        lines = _Lines(self._real)
        self._thread = threading.Thread(target=self._run, args=(reading, lines), name="standard error", daemon=True)
        self._thread.start()
        atexit.register(self._stop)
        return lines

    def _stop(self) -> None:
        """Write what is in the pipe; processes that still have its other end are not waited for."""
        sys.stderr.flush()
        os.write(_STANDARD_ERROR, _END)
        os.dup2(self._real, _STANDARD_ERROR)
        self._thread.join(_ENDING_SECONDS)

    def _run(self, reading: int, lines: _Lines) -> None:
        with open(reading, "rb") as stream:
            while (line := stream.readline(_LONGEST_LINE)) and not line.endswith(_END):
                if text := line.decode(errors="backslashreplace").strip():
                    lines.write(f"{_make_event(text) if self._wraps and not _is_event(text) else text}\n")


def _is_event(text: str) -> bool:
    try:
        return text.startswith("{") and isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _make_event(text: str) -> str:
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return json.dumps({"event": text, "level": "warning", "logger": "standard error", "timestamp": now})
