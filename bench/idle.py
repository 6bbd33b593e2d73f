"""Cost of idle associations, and whether a new one is still accepted at once.

Each receiver gets 200 associations that stay silent: raw sockets, which cost the sender nothing. Its processor time is
measured over some seconds of silence; then one association after another is opened and released. One that is not
accepted and released within 3 s is stuck. A receiver that accepts fewer is measured with those that it accepted.

    python bench/idle.py --out idle.md
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from peers import NAMES, Running, chosen, started
from pydicom.uid import CTImageStorage
from scanner import Refused, Scanner
from table import machine, median, number, quantile, table, write
from usage import cpu_seconds, memory_mib

_PATIENCE: Final = 3.0
_CALM: Final = 0.03
_ENOUGH: Final = 3


@dataclass(frozen=True)
class Measured:
    """One receiver: share of one core while idle, and milliseconds until new associations were accepted.

    `stuck` counts the new associations that were refused, or accepted but not released, within the time.
    """

    title: str
    held: int
    core: float
    core_empty: float
    memory_mib: float
    accept_ms: tuple[float, ...]
    stuck: int
    lost: int


@contextmanager
def held(port: int, count: int) -> Iterator[list[Scanner]]:
    """Open associations until there are `count` of them or one is not accepted within 3 s."""
    with ExitStack() as stack:
        opened: list[Scanner] = []
        while len(opened) < count:
            try:
                opened.append(stack.enter_context(closing(Scanner(port, CTImageStorage, timeout=_PATIENCE))))
            except (Refused, OSError) as error:
                print(f"  association {len(opened) + 1}: {error}", file=sys.stderr)
                break
        yield opened


def wait_until_calm(session: int) -> None:
    """Wait until a session has finished its start-up work, for at most 10 s."""
    deadline = time.monotonic() + 10
    while _core(session, 1) > _CALM and time.monotonic() < deadline:
        pass


def measure(running: Running, associations: int, seconds: float, tries: int) -> Measured:
    """Measure a receiver in silence, then with new associations."""
    wait_until_calm(running.session)
    core_empty = _core(running.session, seconds)
    with held(running.port, associations) as opened:
        wait_until_calm(running.session)
        core = _core(running.session, seconds)
        memory = memory_mib(running.session)
        times, stuck = [], 0
        for _ in range(tries):
            accept_ms, released = visit(running.port)
            times.append(accept_ms)
            stuck += not released
            if stuck == _ENOUGH:
                break
        lost = sum(not scanner.alive() for scanner in opened)
    title = running.receiver.title
    return Measured(title, len(opened), core, core_empty, memory, tuple(times), stuck, lost)


def results(measured: Sequence[Measured]) -> str:
    """Tabulate one row for each receiver."""
    rows = [
        [
            item.title,
            str(item.held - item.lost),
            number(100 * item.core, 2),
            number(100 * item.core_empty, 2),
            number(median(item.accept_ms), 1),
            number(quantile([ms for ms in item.accept_ms if math.isfinite(ms)], 0.95), 1),
            f"{item.stuck} of {len(item.accept_ms)}",
            number(item.memory_mib, 0),
        ]
        for item in measured
    ]
    header = [
        "Receiver",
        "held",
        "% of a core",
        "% without any",
        "accept ms",
        "95 % ms",
        "stuck",
        "memory MiB",
    ]
    return table(header, rows)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--associations", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20, help="of silence")
    parser.add_argument(
        "--tries", type=int, default=100, help="associations opened and released while the others are idle"
    )
    parser.add_argument("--receivers", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    options = parser.parse_args()
    measured = []
    with tempfile.TemporaryDirectory(prefix="coronode-idle-") as name:
        for receiver in chosen(options.receivers):
            print(receiver.title, file=sys.stderr)
            with started(receiver, Path(name) / receiver.name) as running:
                measured.append(measure(running, options.associations, options.seconds, options.tries))
    write(
        f"{results(measured)}\n{options.associations} associations wanted, {options.seconds:g} s; {machine()}\n",
        options.out,
    )
    return 0


def _core(session: int, seconds: float) -> float:
    """Return the share of one core that a session uses while nothing happens."""
    before, began = cpu_seconds(session), time.monotonic()
    time.sleep(seconds)
    return (cpu_seconds(session) - before) / (time.monotonic() - began)


def visit(port: int, *, accept_seconds: float = _PATIENCE, release_seconds: float = _PATIENCE) -> tuple[float, bool]:
    """Return milliseconds from connecting to A-ASSOCIATE-AC (NaN: not accepted), and whether it was then released."""
    began = time.monotonic()
    try:
        scanner = Scanner(port, CTImageStorage, timeout=accept_seconds)
    except (Refused, OSError):
        return math.nan, False
    accept_ms = 1000 * (time.monotonic() - began)
    try:
        scanner.release(timeout=release_seconds)
    except (Refused, OSError):
        return accept_ms, False
    return accept_ms, True


if __name__ == "__main__":
    sys.exit(main())
