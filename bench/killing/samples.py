"""What a node uses over time, and whether it grows."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.usage import members as processes
from bench.usage import memory_mib

WARM_UP: Final = 0.25
"""Part of the time that is left out of the fit: caches fill, and lazy imports happen."""


@dataclass(frozen=True)
class Sample:
    """What the processes of a session use at a moment."""

    seconds: float
    memory_mib: float
    threads: int
    descriptors: int
    disk_mib: float


@dataclass(frozen=True)
class Trend:
    """Mean, highest and lowest value after the warm-up, and the growth an hour of a straight line through them."""

    mean: float
    lowest: float
    highest: float
    an_hour: float


class Sampler(threading.Thread):
    """Takes samples until `end`; `session` gives the leader of the processes, None while there are none."""

    def __init__(self, session: Callable[[], int | None], disk: Callable[[], float], *, period: float = 5.0) -> None:
        super().__init__(name="sampler", daemon=True)
        self._session, self._disk, self._period = session, disk, period
        self._ended = threading.Event()
        self.samples: list[Sample] = []

    def run(self) -> None:
        """Take samples."""
        began = time.monotonic()
        while not self._ended.wait(self._period):
            leader = self._session()
            if leader is not None:
                pids = [pid for pid, _ in processes(leader)]
                memory, threads, descriptors = (
                    memory_mib(leader),
                    sum(map(_threads, pids)),
                    sum(map(_descriptors, pids)),
                )
                self.samples.append(Sample(time.monotonic() - began, memory, threads, descriptors, self._disk()))

    def end(self) -> None:
        """Stop sampling."""
        self._ended.set()
        self.join()

    def trends(self) -> dict[str, Trend]:
        """Fit each value after the warm-up; empty with fewer than three samples."""
        warm = self.samples[int(len(self.samples) * WARM_UP) :]
        if len(warm) < 3:  # noqa: PLR2004
            return {}
        at = [sample.seconds / 3600 for sample in warm]
        names = ("memory_mib", "threads", "descriptors", "disk_mib")
        return {name: fit(at, [float(getattr(sample, name)) for sample in warm]) for name in names}


def fit(hours: Sequence[float], values: Sequence[float]) -> Trend:
    """Fit a straight line."""
    slope = statistics.linear_regression(hours, values).slope
    return Trend(statistics.fmean(values), min(values), max(values), slope)


def folder_mib(*folders: Path) -> float:
    """Return the size of the files in some folders, MiB."""
    total = 0
    for folder in folders:
        for path in folder.rglob("*"):
            with suppress(OSError):
                total += path.lstat().st_size
    return total / 1024 / 1024


def _threads(pid: int) -> int:
    with suppress(OSError):
        return sum(1 for _ in Path(f"/proc/{pid}/task").iterdir())
    return 0


def _descriptors(pid: int) -> int:
    with suppress(OSError):
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    return 0
