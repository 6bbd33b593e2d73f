"""Decoding for the web services: in processes of its own, because decoders are native code and the bytes a peer's."""

from __future__ import annotations

import functools
import os
import queue
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

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


class Decoders:
    """A few processes that decode, started when they are first needed; thread-safe."""

    def __init__(self, count: int) -> None:
        self._free: queue.SimpleQueue[Transcoder] = queue.SimpleQueue()
        self._kept = ExitStack()
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
