"""Where the processor time of storing one object goes: the way from its bytes to its row, in one thread, by stage.

No network; CT slices of 527 kB. In a folder in memory (the default) nothing waits for a disk, and what is left is
processor time; in another folder the times are those of the clock, waiting included.

    python bench/stages.py
    python bench/stages.py --folder /var/tmp
"""

from __future__ import annotations

import argparse
import functools
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import traffic
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom.dsutils import encode
from table import machine, table

from scp.reception.incoming import IncomingObject, StoreRequest
from storage.database.engine import Database
from storage.intake import group_commit
from storage.intake.group_commit import Intake
from storage.objects import files, incoming
from storage.objects.files import Files
from storage.objects.incoming import Incoming

_IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108  # a place for this bench, not for anybody's data
_PIECE: Final = 128 * 1024
_WARM_UP: Final = 20
STAGES: Final = (
    (IncomingObject, "__init__", "begin: free space, file opened, preface"),
    (IncomingObject, "write", "write: digest, bytes to the file"),
    (incoming, "begin_writing", "- of it: the disk told to begin"),
    (IncomingObject, "_read_header", "header read and indexed"),
    (Incoming, "settle", "settle: contents synchronised, renamed"),
    (files, "sync_data", "- of it: fdatasync"),
    (Files, "sync", "folder synchronised"),
    (group_commit, "register_all", "index: statements and commit"),
)


def watch(spent: Counter[str], clock: Callable[[], float]) -> None:
    """Let each stage add its time."""
    for owner, name, title in STAGES:
        setattr(owner, name, _timed(getattr(owner, name), title, spent, clock))


def _timed(function: Any, title: str, spent: Counter[str], clock: Callable[[], float]) -> Any:
    @functools.wraps(function)
    def timed(*arguments: Any, **named: Any) -> Any:
        began = clock()
        try:
            return function(*arguments, **named)
        finally:
            spent[title] += clock() - began  # type: ignore[assignment]  # seconds

    return timed


def store(count: int, folder: Path, spent: Counter[str], clock: Callable[[], float]) -> float:
    """Store objects of one series, and return the seconds of all."""
    image = traffic.ct_slice()
    data = encode(image, is_implicit_vr=False, is_little_endian=True) or b""
    uid = str(image.SOPInstanceUID)
    database = Database.open(f"sqlite:///{folder / 'index.sqlite'}")
    database.migrate()
    place = Files(folder / "objects")
    intake = Intake(database, place)
    began = clock()
    for number in range(1, _WARM_UP + count + 1):
        if number == _WARM_UP + 1:
            spent.clear()
            began = clock()
        own = traffic.numbered(uid, number)
        request = StoreRequest(CTImageStorage, own, ExplicitVRLittleEndian, "BENCH", "bench")
        view = memoryview(data.replace(uid.encode(), own.encode()))
        coming = IncomingObject(request, place, intake, clock=lambda: datetime.now(UTC))
        for start in range(0, len(view), _PIECE):
            coming.write(view[start : start + _PIECE])
        coming.finish()
    seconds = clock() - began
    database.close()
    return seconds


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="on the disk to be measured")
    parser.add_argument("--objects", type=int, default=300)
    options = parser.parse_args()
    clock = time.thread_time if options.folder is None else time.perf_counter
    spent: Counter[str] = Counter()
    watch(spent, clock)
    with tempfile.TemporaryDirectory(prefix="coronode-stages-", dir=options.folder or _IN_MEMORY) as name:
        seconds = store(options.objects, Path(name), spent, clock)
    rows = [[title, f"{spent[title] / options.objects * 1e6:,.0f}"] for _, _, title in STAGES]
    rows.append(["all", f"{seconds / options.objects * 1e6:,.0f}"])
    kind = "of processor time" if options.folder is None else "by the clock"
    print(table(["One object", f"microseconds {kind}"], rows))
    print(f"{options.objects} CT slices of 527 kB; {machine()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
