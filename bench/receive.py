"""How fast CT slices are received: Coronode, DCMTK, Orthanc and pynetdicom, one after the other, in rounds.

In each round every receiver is started with nothing in it and takes CT slices of 527 kB, a study an association, over 1
and then over 4 associations at once, from the same senders (`scanner.py`: the messages lie ready in memory). What the
receiver before has left to write is written to the disk before the next one begins. Ratios are of the same round.

    python bench/receive.py --out receive.md --picture receive.png
    python bench/receive.py --large

With `--large` each receiver takes one Enhanced CT image of about 1 GB, which is made while it is sent; needed are that
much free disk and, for the receivers that hold it in memory, some GB of memory.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import chart
import traffic
from peers import NAMES, Receiver, Running, chosen, started
from table import machine, median, number, quantile, ratio, table, write
from usage import Watch

ASSOCIATIONS: Final = (1, 4)
SENDER: Final = Path(__file__).parent / "scanner.py"
_WARM_UP: Final = 3
_SETTLE_SECONDS: Final = 0.3
_LONGEST: Final = 540
_FINE: Final = 0.02


@dataclass(frozen=True)
class Measured:
    """What one receiver did in one round: time and memory of the whole, or why there is none."""

    receiver: str
    associations: int
    round: int
    objects: int = 0
    seconds: float = math.nan
    bytes: float = math.nan
    cpu_seconds: float = math.nan
    idle_mib: float = math.nan
    peak_mib: float = math.nan
    error: str = ""

    @property
    def rate(self) -> float:
        """Objects a second."""
        return self.objects / self.seconds

    @property
    def cpu_per_gb(self) -> float:
        """Processor seconds for 10^9 bytes."""
        return self.cpu_seconds / self.bytes * 1e9


def send(port: int, arguments: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """Let senders begin together, one for each list of arguments. Raises RuntimeError with what one of them says."""
    senders = [
        subprocess.Popen(
            [sys.executable, str(SENDER), str(port), *given], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for given in arguments
    ]
    try:
        for sender in senders:
            if sender.stdout is None or sender.stdout.readline() != "ready\n":
                raise RuntimeError("a sender did not start")
        for sender in senders:
            if sender.stdin is not None:
                sender.stdin.write("\n")
                sender.stdin.flush()
        outcomes = [json.loads(sender.communicate(timeout=_LONGEST)[0]) for sender in senders]
    finally:
        for sender in senders:
            sender.kill()
            sender.communicate()
    failures = [outcome["error"] for outcome in outcomes if "error" in outcome]
    if failures:
        raise RuntimeError(failures[0])
    return outcomes


def measure(running: Running, turn: int, arguments: Sequence[Sequence[str]], objects: int, period: float) -> Measured:
    """Send, and see what it took."""
    os.sync()
    name = running.receiver.name
    with Watch(running.session, period) as watch:
        try:
            outcomes = send(running.port, arguments)
        except RuntimeError as error:
            return Measured(name, len(arguments), turn, error=str(error), peak_mib=watch.peak_mib)
        time.sleep(_SETTLE_SECONDS)  # what is done after the answer costs processor time too
    seconds = max(item["ended"] for item in outcomes) - min(item["began"] for item in outcomes)
    sent = sum(item["bytes"] for item in outcomes)
    return Measured(
        name, len(arguments), turn, objects, seconds, sent, watch.cpu_seconds, watch.idle_mib, watch.peak_mib
    )


def slices(receivers: Sequence[Receiver], rounds: int, objects: int, folder: Path) -> list[Measured]:
    """Every receiver in every round, over 1 and 4 associations."""
    found = []
    for turn in range(rounds):
        for receiver in receivers:
            print(f"round {turn + 1}: {receiver.title}", file=sys.stderr)
            with started(receiver, folder / f"{receiver.name}-{turn}") as running:
                send(running.port, [["--objects", str(_WARM_UP)]])
                for associations in ASSOCIATIONS:
                    each = max(1, objects // associations)
                    wanted = [["--objects", str(each)]] * associations
                    found.append(measure(running, turn, wanted, each * associations, 0.1))
    return found


def large(receivers: Sequence[Receiver], rounds: int, megabytes: int, folder: Path) -> list[Measured]:
    """Every receiver in every round, one Enhanced CT image."""
    frames, found = max(1, round(megabytes * 1e6 / traffic.FRAME_BYTES)), []
    for turn in range(rounds):
        for receiver in receivers:
            print(f"round {turn + 1}: {receiver.title}", file=sys.stderr)
            with started(receiver, folder / f"{receiver.name}-{turn}") as running:
                send(running.port, [["--objects", "1"]])
                found.append(measure(running, turn, [["--frames", str(frames)]], 1, _FINE))
    return found


def slices_table(receivers: Sequence[Receiver], found: Sequence[Measured]) -> str:
    """A row for each receiver and number of associations."""
    rows = []
    for associations in ASSOCIATIONS:
        rates = {
            receiver.name: {
                item.round: item.rate
                for item in found
                if (item.receiver, item.associations) == (receiver.name, associations) and not item.error
            }
            for receiver in receivers
        }
        for receiver in receivers:
            items = [item for item in found if (item.receiver, item.associations) == (receiver.name, associations)]
            rows.append(
                [
                    receiver.title,
                    str(associations),
                    number(median(rates[receiver.name].values()), 0),
                    number(ratio(rates[receiver.name], rates.get("storescp", {})), 2),
                    number(ratio(rates[receiver.name], rates.get("orthanc", {})), 2),
                    number(median(item.cpu_per_gb for item in items)),
                    number(quantile([item.peak_mib for item in items if math.isfinite(item.peak_mib)], 1), 0),
                ]
            )
    header = ["Receiver", "associations", "objects/s", "x storescp", "x Orthanc", "CPU s/GB", "peak memory MiB"]
    return table(header, rows) + failures(found)


def large_table(receivers: Sequence[Receiver], found: Sequence[Measured]) -> str:
    """A row for each receiver."""
    rows = []
    for receiver in receivers:
        items = [item for item in found if item.receiver == receiver.name]
        rows.append(
            [
                receiver.title,
                number(median(item.bytes / item.seconds / 1e6 for item in items), 0),
                number(median(item.cpu_per_gb for item in items)),
                number(median(item.idle_mib for item in items), 0),
                number(median(item.peak_mib - item.idle_mib for item in items), 0),
            ]
        )
    header = ["Receiver", "MB/s", "CPU s/GB", "idle memory MiB", "peak above idle MiB"]
    return table(header, rows) + failures(found)


def failures(found: Sequence[Measured]) -> str:
    """What went wrong, a line each."""
    lines = [f"- {item.receiver}, round {item.round + 1}: {item.error}" for item in found if item.error]
    return "\n" + "\n".join(lines) + "\n" if lines else ""


def picture(path: Path, receivers: Sequence[Receiver], found: Sequence[Measured]) -> None:
    """Objects a second."""
    groups = [
        chart.Group(
            receiver.title,
            tuple(
                median(i.rate for i in found if (i.receiver, i.associations) == (receiver.name, associations))
                for associations in ASSOCIATIONS
            ),
        )
        for receiver in receivers
    ]
    chart.draw(path, "CT slices of 527 kB received a second", ("1 association", "4 associations"), groups)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, help="default: 3, with --large 1")
    parser.add_argument("--objects", type=int, default=400, help="slices a receiver and number of associations")
    parser.add_argument("--receivers", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--large", action="store_true", help="one Enhanced CT image instead of slices")
    parser.add_argument("--megabytes", type=int, default=1000, help="its size")
    parser.add_argument("--out", type=Path, help="write the table there too")
    parser.add_argument("--picture", type=Path, help="write a PNG there")
    options = parser.parse_args()
    receivers = chosen(options.receivers)
    with tempfile.TemporaryDirectory(prefix="coronode-receive-") as name:
        if options.large:
            rounds = options.rounds or 1
            found = large(receivers, rounds, options.megabytes, Path(name))
            text = large_table(receivers, found)
            work = f"one Enhanced CT image of {options.megabytes} MB"
        else:
            rounds = options.rounds or 3
            found = slices(receivers, rounds, options.objects, Path(name))
            text = slices_table(receivers, found)
            work = f"{options.objects} CT slices of 527 kB"
    write(f"{text}\n{work}, {rounds} rounds; {machine()}\n", options.out)
    if options.picture and not options.large:
        picture(options.picture, receivers, found)
    return 1 if any(item.error for item in found) else 0


if __name__ == "__main__":
    sys.exit(main())
