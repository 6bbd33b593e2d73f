"""Decoding for the web services: in processes of its own, because decoders are native code and the bytes a peer's."""

from __future__ import annotations

import atexit
import functools
import os
import queue
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from config.errors import Transient
from scp.services.retrieve.transcoding import Job, Transcoder

_MOST_PROCESSES: Final = 4
_PATIENCE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class FrameDecoding:
    """Decode one frame, counted from 0, to its stored values in little endian."""

    source: Path
    index: int

    def run(self) -> bytes:
        """Return rows of pixels, the samples of a pixel side by side; raises what pydicom and its decoders raise."""
        from scp.web.dicomweb.pixels import decode_frame  # noqa: PLC0415  # heavy, and for that process alone

        return decode_frame(self.source, self.index)


@dataclass(frozen=True, slots=True)
class Rendering:
    """Draw one frame of a file, counted from 0, as a picture (PS3.18 8.3.5.1).

    `window` is centre, width and function, None for what the header says; `size` the width and height that the picture
    fits into, `region` left, top, width and height of the part that is shown, in pixels of the frame.
    """

    format: Literal["JPEG", "PNG"]
    quality: int
    window: tuple[float, float, str] | None
    size: tuple[int, int] | None
    region: tuple[int, int, int, int] | None
    source: Path = Path()
    index: int = 0

    def of(self, source: Path, index: int) -> Rendering:
        """Return the same for a frame of a file."""
        return replace(self, source=source, index=index)

    def run(self) -> bytes:
        """Return the encoded picture; raises what pydicom and its decoders raise."""
        from scp.web.dicomweb.picture import render  # noqa: PLC0415  # heavy, and for that process alone

        return render(self)


class Decoders:
    """A few processes that decode, started when they are first needed; thread-safe."""

    def __init__(self, count: int) -> None:
        self._free: queue.SimpleQueue[Transcoder] = queue.SimpleQueue()
        self._kept = ExitStack()
        # before the interpreter takes its modules apart
        atexit.register(self._kept.close)
        for _ in range(count):
            transcoder = Transcoder()
            self._kept.enter_context(transcoder.using())
            self._free.put(transcoder)

    def perform(self, job: Job) -> bytes:
        """Do a job and return its result.

        Raises Permanent when the object cannot be decoded, Transient when that takes too long or all are busy.
        """
        try:
            transcoder = self._free.get(timeout=_PATIENCE_SECONDS)
        except queue.Empty as error:
            raise Transient("too many images are being decoded; try again later") from error
        try:
            return transcoder.perform(job)
        finally:
            self._free.put(transcoder)


@functools.cache
def find_decoders() -> Decoders:
    """Return the decoders of this process; they end with it."""
    return Decoders(max(1, min(_MOST_PROCESSES, os.cpu_count() or 1)))
