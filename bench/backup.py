"""Measure backup and verify: their speed, what a running backup costs reception, and a check of a million objects.

    python bench/backup.py --out backup.md
    python bench/backup.py --million --out backup-million.md

A node holds CT slices of 527 kB. In each round more are received alone, beside a backup, and beside one as the timer of
docs/backup.md runs it (lowest priority, 50 MiB/s), in changing order; the backups go into an empty folder, again and
again. Ratios are taken within the round. Then the objects are copied by `cp` and `sync`, backed up in whole, backed up
again with nothing new, and verified: MB/s, in which the start of the program counts: store enough objects.

With `--million` an index of 1,000,000 rows is verified, and one of a hundredth of that for comparison: seconds, and the
peak memory of the process. Their files are hard links to a few, which the system keeps in its cache: what is measured
is the program, not a disk. This needs 1,000,000 free inodes' worth of names and about 2 GB of disk.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from find import EACH, STUDIES
from large_store import make_store
from peers import CORONODE, RECEIVERS, environment, started
from receive import send
from table import machine, median, number, ratio, table, write

GENTLE: Final = ("--rate", "50")


@dataclass(frozen=True)
class Run:
    """A command that has ended well: how long it took, and the most memory that its process had."""

    seconds: float
    peak_mib: float


@dataclass(frozen=True)
class Round:
    """One round: objects a second alone and beside backups, MB/s of each kind of reading, seconds with nothing new."""

    alone: float
    beside: float
    beside_gentle: float
    copied: float
    backed_up: float
    again_seconds: float
    verified: float
    quick_seconds: float


def run(*arguments: object, before: Sequence[str] = ()) -> Run:
    """Run a command of ours to its end, behind the words `before`. Raises RuntimeError when it fails."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [*before, *CORONODE, *map(str, arguments)], env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    said = process.stderr.read() if process.stderr else b""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"coronode {arguments[0]}: {said.decode(errors='replace')[-500:]}")
    return Run(time.perf_counter() - begun, usage.ru_maxrss / 1024)


def measure_round(turn: int, stored: int, objects: int, associations: int, folder: Path) -> Round:
    """Start a node, store some objects, and measure everything once."""
    receiver = next(item for item in RECEIVERS if item.name == "coronode")
    place = folder / f"node-{turn}"
    ways: list[Callable[[], AbstractContextManager[None]]] = [
        nullcontext,
        lambda: backing_up(place / "coronode.toml", folder / "beside"),
        lambda: backing_up(place / "coronode.toml", folder / "beside", *GENTLE, before=("nice", "-n", "19")),
    ]
    with started(receiver, place) as running:
        config, store = place / "coronode.toml", place / "data/objects"
        send(running.port, [["--objects", str(stored)]])
        rates = [0.0] * len(ways)
        for kind in (*range(turn % len(ways), len(ways)), *range(turn % len(ways))):
            os.sync()
            with ways[kind]():
                rates[kind] = receive(running.port, objects, associations)
        size = sum(path.stat().st_size for path in store.rglob("*.dcm")) / 1e6
        copied = measure_copy(store, folder / "copy")
        os.sync()
        first = run("backup", folder / "backup", "--config", config)
        again = run("backup", folder / "backup", "--config", config)
        shutil.rmtree(folder / "backup")
        whole, quick = run("verify", "--config", config), run("verify", "--quick", "--config", config)
    return Round(*rates, size / copied, size / first.seconds, again.seconds, size / whole.seconds, quick.seconds)


def receive(port: int, objects: int, associations: int) -> float:
    """Send slices over some associations and return how many were received a second."""
    each = max(1, objects // associations)
    outcomes = send(port, [["--objects", str(each)]] * associations)
    seconds = max(item["ended"] for item in outcomes) - min(item["began"] for item in outcomes)
    return float(each * associations / seconds)


@contextmanager
def backing_up(config: Path, folder: Path, *options: str, before: Sequence[str] = ()) -> Iterator[None]:
    """Back up into an empty folder, again and again, while the block runs."""
    stop, faults = threading.Event(), []

    def work() -> None:
        while not stop.is_set():
            try:
                run("backup", folder, "--config", config, *options, before=before)
            except RuntimeError as error:
                faults.append(error)
                return
            shutil.rmtree(folder)

    thread = threading.Thread(target=work, name="backup")
    thread.start()
    try:
        while thread.is_alive() and not (folder / "objects").exists():
            time.sleep(0.05)  # until it has been loaded, and copies
        yield
    finally:
        stop.set()
        thread.join()
        shutil.rmtree(folder, ignore_errors=True)
    if faults:
        raise faults[0]


def measure_copy(source: Path, target: Path) -> float:
    """Copy a folder as `cp` does and make it durable; return seconds."""
    os.sync()
    begun = time.perf_counter()
    subprocess.run(["cp", "-r", str(source), str(target)], check=True)
    os.sync()
    seconds = time.perf_counter() - begun
    shutil.rmtree(target)
    return seconds


def format_rounds(rounds: Sequence[Round]) -> str:
    """Format the medians over all rounds, and ratios within them."""

    def of(name: str) -> dict[int, float]:
        return {turn: getattr(item, name) for turn, item in enumerate(rounds)}

    def line(title: str, name: str, other: str = "", digits: int = 0) -> list[str]:
        share = number(ratio(of(name), of(other)), 2) if other else ""
        return [title, number(median(of(name).values()), digits), share]

    rows = [
        line("received alone, objects/s", "alone"),
        line("beside a backup", "beside", "alone"),
        line("beside a backup by the timer", "beside_gentle", "alone"),
        line("cp and sync, MB/s", "copied"),
        line("backup, MB/s", "backed_up", "copied"),
        line("verify, MB/s", "verified", "copied"),
        line("backup with nothing new, s", "again_seconds", digits=1),
        line("verify --quick, s", "quick_seconds", digits=1),
    ]
    return table(["", "median", "ratio"], rows)


def measure_million(folder: Path, studies: int) -> str:
    """Verify a small and a large store, whole and quick."""
    rows = []
    for many in (studies // 100, studies):
        place = folder / str(many)
        print(f"making {many * EACH:,} objects", file=sys.stderr)
        config = make_store(place, many)
        for title, options in {"verify": [], "verify --quick": ["--quick"]}.items():
            measured = run("verify", *options, "--config", config)
            rate = many * EACH / measured.seconds if measured.seconds else math.nan
            rows.append(
                [title, f"{many * EACH:,}", number(measured.seconds, 1), number(rate, 0), number(measured.peak_mib, 0)]
            )
        shutil.rmtree(place)
    return table(["", "objects", "seconds", "objects/s", "peak memory MiB"], rows)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--stored", type=int, default=1500, help="slices that the node holds before a round")
    parser.add_argument("--objects", type=int, default=400, help="slices received at a time")
    parser.add_argument("--associations", type=int, default=2)
    parser.add_argument("--million", action="store_true", help="verify a million objects")
    parser.add_argument("--studies", type=int, default=STUDIES, help=f"with --million: studies of {EACH} objects")
    parser.add_argument("--folder", type=Path, help="on the disk to measure; default: that of temporary files")
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coronode-backup-", dir=given.folder and given.folder.resolve()) as name:
        if given.million:
            text, work = measure_million(Path(name), given.studies), "files of 2 kB, hard links"
        else:
            rounds = []
            for turn in range(given.rounds):
                print(f"round {turn + 1}", file=sys.stderr)
                rounds.append(measure_round(turn, given.stored, given.objects, given.associations, Path(name)))
            text = format_rounds(rounds)
            work = f"{given.rounds} rounds, {given.stored} slices stored, {given.objects} received"
    write(f"{text}\n{work}; {machine()}\n", given.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
