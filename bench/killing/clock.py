"""A clock that can be set while a program runs, by libfaketime (Debian: faketime)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_LIBRARIES: Final = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


class Clock:
    """The time of day of the programs that get `environment`; timers of theirs run as ever.

    Raises FileNotFoundError where libfaketime is not installed.
    """

    def __init__(self, file: Path) -> None:
        if not _LIBRARIES:
            raise FileNotFoundError("libfaketime is not installed (Debian: apt-get install faketime)")
        self._file = file
        self.set(0)

    @property
    def environment(self) -> dict[str, str]:
        """The variables for a program that is to run by this clock."""
        return {
            "LD_PRELOAD": str(_LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, offset: int) -> None:
        """Set the clock to so many seconds after the true time, before it if negative."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{offset:+d}\n", encoding="ascii")
        new.replace(self._file)
