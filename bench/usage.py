"""Processor time and memory of a session of processes, from /proc (Linux, proc(5)).

A process started with `start_new_session=True` leads its own session, and its child processes stay in it.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_SESSION, _USER, _CHILDREN_SYSTEM = 3, 11, 14
"""Field positions in /proc/PID/stat after the name in brackets."""


def members(session: int) -> Iterator[tuple[int, list[str]]]:
    """Yield PID and /proc/PID/stat, from the state on, for each process of a session, zombies included."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        with suppress(FileNotFoundError, ProcessLookupError):  # the process has ended in the meantime
            fields = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if int(fields[_SESSION]) == session:
                yield int(folder.name), fields


def cpu_seconds(session: int) -> float:
    """Return user and system time so far, including ended children; in steps of 10 ms."""
    ticks = sum(sum(map(int, fields[_USER : _CHILDREN_SYSTEM + 1])) for _, fields in members(session))
    return ticks / _TICKS


def memory_mib(session: int) -> float:
    """Return the proportional set size in MiB: pages shared by several processes count once."""
    total = 0
    for number, _ in members(session):
        with suppress(OSError):
            for line in Path(f"/proc/{number}/smaps_rollup").read_text(encoding="ascii").splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total / 1024


class Watch:
    """Processor time and peak memory of a session while the `with` block runs.

    Memory is sampled every `period` seconds and at the end, so a shorter peak may be missed; for a session that ended
    before the first sample, the peak is NaN.
    """

    def __init__(self, session: int, period: float = 0.1) -> None:
        self._session, self._period = session, period
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watch", daemon=True)
        self._cpu_before = self._cpu_after = self.idle_mib = 0.0
        self._highest_mib = math.nan

    @property
    def cpu_seconds(self) -> float:
        """Processor time used in the block."""
        return self._cpu_after - self._cpu_before

    @property
    def peak_mib(self) -> float:
        """Peak memory, never below that at the beginning of the block."""
        return math.nan if math.isnan(self._highest_mib) else max(self._highest_mib, self.idle_mib)

    def __enter__(self) -> Self:
        self.idle_mib = memory_mib(self._session)
        self._cpu_before = cpu_seconds(self._session)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._sample()
        self._cpu_after = cpu_seconds(self._session)

    def _watch(self) -> None:
        while not self._ended.wait(self._period):
            self._sample()

    def _sample(self) -> None:
        if (memory := memory_mib(self._session)) > 0:
            self._highest_mib = memory if math.isnan(self._highest_mib) else max(self._highest_mib, memory)
