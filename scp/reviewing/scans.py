"""Scans in memory while they are reviewed, so that an edit is answered at once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from config.errors import Transient
from scoring.result import Score
from scoring.review.applying import apply_edit
from scoring.review.edits import Numbered
from scoring.review.region import Regions, list_regions
from scoring.review.scan import Scan, open_scan

AT_ONCE: Final = 2
"""Scans that are read at once: each takes two cores' work for a second or two, and the memory of its images twice."""
PATIENCE_SECONDS: Final = 60.0
_STEPS_KEPT: Final = 100


@dataclass(eq=False)
class Opened:
    """A scan with its automatic result, and the regions after each of the latest sequences of edits."""

    scan: Scan
    automatic: Score
    _known: OrderedDict[tuple[Numbered, ...], Regions] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def replay(self, edits: Sequence[Numbered]) -> Regions:
        """Return the regions after these edits. Raises EditRefused."""
        wanted = tuple(edits)
        done = next((count for count in range(len(wanted), 0, -1) if self._find(wanted[:count]) is not None), 0)
        regions = self._find(wanted[:done])
        if regions is None:
            regions = list_regions(self.scan, self.automatic)
            self._keep((), regions)
        for count in range(done, len(wanted)):
            regions = apply_edit(self.scan, regions, wanted[count]).regions
            self._keep(wanted[: count + 1], regions)
        return regions

    def _find(self, edits: tuple[Numbered, ...]) -> Regions | None:
        with self._lock:
            return self._known.get(edits)

    def _keep(self, edits: tuple[Numbered, ...], regions: Regions) -> None:
        with self._lock:
            self._known[edits] = regions
            while len(self._known) > _STEPS_KEPT:
                self._known.popitem(last=False)


class Scans:
    """The scans that were opened last, in at most `limit_bytes`, or one; thread-safe.

    One that several readers ask for at once is read once.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._opened: OrderedDict[tuple[str, int], Opened] = OrderedDict()
        self._reading: dict[tuple[str, int], threading.Lock] = {}
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(AT_ONCE)

    def open(self, series_instance_uid: str, version: int, automatic: Score, files: Iterable[Path]) -> Opened:
        """Return the scan of the automatic result that a version has, read from `files` unless it is in memory.

        Raises NotScorable and Permanent as `open_scan`, Transient when too many others are being read, or disk or
        memory fail.
        """
        key = (series_instance_uid, version)
        found = self._find(key)
        if found is not None:
            return found
        with self._lock:
            mine = self._reading.setdefault(key, threading.Lock())
        if not mine.acquire(timeout=PATIENCE_SECONDS):
            raise Transient("the images are still being read: try again in a minute")
        try:
            return self._find(key) or self._read(key, automatic, files)
        finally:
            mine.release()
            with self._lock:
                self._reading.pop(key, None)

    def _read(self, key: tuple[str, int], automatic: Score, files: Iterable[Path]) -> Opened:
        if not self._turns.acquire(timeout=PATIENCE_SECONDS):
            raise Transient("other scans are still being read: try again in a minute")
        try:
            opened = Opened(open_scan(tuple(files), automatic), automatic)
        except OSError as error:
            raise Transient(f"the images cannot be read from the disk: {error.strerror or error}") from error
        except MemoryError as error:
            raise Transient("there is no memory for these images: try again when fewer scans are reviewed") from error
        finally:
            self._turns.release()
        with self._lock:
            self._opened[key] = opened
            while len(self._opened) > 1 and sum(item.scan.bytes for item in self._opened.values()) > self._limit:
                self._opened.popitem(last=False)
        return opened

    def _find(self, key: tuple[str, int]) -> Opened | None:
        with self._lock:
            found = self._opened.get(key)
            if found is not None:
                self._opened.move_to_end(key)
            return found
