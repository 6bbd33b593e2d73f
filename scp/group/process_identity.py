"""A process, named so that another one on the same machine can tell for certain that it has ended."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from storage.objects.boot import identify_boot

_PROC: Final = Path("/proc")
_STARTED: Final = 19
"""Place of starttime, field 22, among those after the name of the program (proc(5))."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where process numbers mean the same: one start of one kernel, one namespace; "" where that cannot be told."""

    name: str

    @classmethod
    def here(cls) -> Place:
        """Return the place of this process."""
        try:
            space = (_PROC / "self/ns/pid").stat().st_ino
        except OSError:
            return cls("")
        boot = identify_boot()
        return cls(f"{boot}:{space}" if boot else "")

    def name_process(self, pid: int) -> str:
        """Return the name of a process: its place, its number, when it started; "" where that cannot be told."""
        started = _read_start(pid)
        return f"{self.name}:{pid}:{started}" if self.name and started else ""

    def has_ended(self, process: str) -> bool:
        """Return whether a process of this place has ended; False where that cannot be told from here."""
        place, _, rest = process.rpartition(":")
        place, _, pid = place.rpartition(":")
        if not place or place != self.name or not pid.isdecimal():
            return False
        return _read_start(int(pid)) != rest


def _read_start(pid: int) -> str:
    """Return when a process started, in ticks of its kernel; "" for one that has ended, also while nobody waited."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[_STARTED]
