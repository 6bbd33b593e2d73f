"""Measure how fast CT slices are received: Coronode, DCMTK, Orthanc and pynetdicom, in turn and in rounds.

In each round every receiver starts empty and receives CT slices of 527 kB, one study per association, over 1 and then 4
associations at once, from the same senders (`scanner.py`, with the messages prepared in memory). Pending writes are
flushed to disk before the next receiver starts. Ratios are within a round; so is the durable floor of the same disk
(`floor.py`), with as many writers as there are associations.

    python bench/receive.py --out receive.md --picture receive.png
    python bench/receive.py --large

With `--large` each receiver gets one Enhanced CT image of about 1 GB, generated while it is sent; this needs as much
free disk and, for receivers that keep it in memory, several GB of memory.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
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
from floor import Floor
from peers import NAMES, Receiver, Running, chosen, started
from table import machine, median, number, quantile, ratio, table, write
from usage import Watch

ASSOCIATIONS: Final = (1, 4)
SENDER: Final = Path(__file__).parent / "scanner.py"
_WARM_UP: Final = 3
_SETTLE_SECONDS: Final = 0.3
_LONGEST: Final = 540
_FINE: Final = 0.02
FLOOR: Final = "floor"


@dataclass(frozen=True)
class Measured:
    """The result of one receiver in one round: total time and memory, or the error."""

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
        """Objects per second."""
        return self.objects / self.seconds

    @property
    def cpu_per_gb(self) -> float:
        """Processor seconds per 10^9 bytes."""
        return self.cpu_seconds / self.bytes * 1e9


def send(port: int, arguments: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """Start senders together, one for each list of arguments. Raises RuntimeError with the error of one of them."""
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
    errors = [outcome["error"] for outcome in outcomes if "error" in outcome]
    if errors:
        raise RuntimeError(errors[0])
    return outcomes


def measure(running: Running, turn: int, arguments: Sequence[Sequence[str]], objects: int, period: float) -> Measured:
    """Send, and measure time and memory."""
    os.sync()
    name = running.receiver.name
    with Watch(running.session, period) as watch:
        try:
            outcomes = send(running.port, arguments)
        except RuntimeError as error:
            return Measured(name, len(arguments), turn, error=str(error), peak_mib=watch.peak_mib)
        time.sleep(_SETTLE_SECONDS)  # work after the response costs processor time too
    seconds = max(item["ended"] for item in outcomes) - min(item["began"] for item in outcomes)
    sent = sum(item["bytes"] for item in outcomes)
    return Measured(
        name, len(arguments), turn, objects, seconds, sent, watch.cpu_seconds, watch.idle_mib, watch.peak_mib
    )


def measure_slices(receivers: Sequence[Receiver], rounds: int, objects: int, folder: Path) -> list[Measured]:
    """Measure every receiver in every round, over 1 and 4 associations."""
    results = []
    for turn in range(rounds):
        results += measure_floor(turn, objects, folder / f"{FLOOR}-{turn}")
        for receiver in receivers:
            print(f"round {turn + 1}: {receiver.title}", file=sys.stderr)
            with started(receiver, folder / f"{receiver.name}-{turn}") as running:
                send(running.port, [["--objects", str(_WARM_UP)]])
                for associations in ASSOCIATIONS:
                    each = max(1, objects // associations)
                    wanted = [["--objects", str(each)]] * associations
                    results.append(measure(running, turn, wanted, each * associations, 0.1))
    return results


def measure_floor(turn: int, objects: int, folder: Path) -> list[Measured]:
    """Measure what the disk allows, with as many writers as there are associations."""
    print(f"round {turn + 1}: the floor", file=sys.stderr)
    results = []
    folder.mkdir()
    floor = Floor(folder)
    for writers in ASSOCIATIONS:
        os.sync()
        before, each = time.process_time(), max(1, objects // writers)
        seconds = floor.measure(writers, objects)
        cpu, size = time.process_time() - before, float(each * writers * floor.object_bytes)
        results.append(Measured(FLOOR, writers, turn, each * writers, seconds, size, cpu))
    floor.close()
    shutil.rmtree(folder)
    return results


def measure_large(receivers: Sequence[Receiver], rounds: int, megabytes: int, folder: Path) -> list[Measured]:
    """Measure every receiver in every round with one Enhanced CT image."""
    frames, results = max(1, round(megabytes * 1e6 / traffic.FRAME_BYTES)), []
    for turn in range(rounds):
        for receiver in receivers:
            print(f"round {turn + 1}: {receiver.title}", file=sys.stderr)
            with started(receiver, folder / f"{receiver.name}-{turn}") as running:
                send(running.port, [["--objects", "1"]])
                results.append(measure(running, turn, [["--frames", str(frames)]], 1, _FINE))
    return results


def format_slices(receivers: Sequence[Receiver], results: Sequence[Measured]) -> str:
    """Format a row for each receiver and number of associations."""
    rows = []
    titles = {FLOOR: "the disk's durable floor", **{receiver.name: receiver.title for receiver in receivers}}
    for associations in ASSOCIATIONS:
        rates = {
            name: {
                item.round: item.rate
                for item in results
                if (item.receiver, item.associations) == (name, associations) and not item.error
            }
            for name in titles
        }
        for name, title in titles.items():
            items = [item for item in results if (item.receiver, item.associations) == (name, associations)]
            rows.append(
                [
                    title,
                    str(associations),
                    number(median(rates[name].values()), 0),
                    *(number(ratio(rates[name], rates.get(other, {})), 2) for other in ("storescp", "orthanc", FLOOR)),
                    number(median(item.cpu_per_gb for item in items)),
                    number(quantile([item.peak_mib for item in items if math.isfinite(item.peak_mib)], 1), 0),
                ]
            )
    header = ["Receiver", "associations", "objects/s", "x storescp", "x Orthanc", "of the floor"]
    return table([*header, "CPU s/GB", "peak memory MiB"], rows) + format_failures(results)


def format_large(receivers: Sequence[Receiver], results: Sequence[Measured]) -> str:
    """Format a row for each receiver."""
    rows = []
    for receiver in receivers:
        items = [item for item in results if item.receiver == receiver.name]
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
    return table(header, rows) + format_failures(results)


def format_failures(results: Sequence[Measured]) -> str:
    """Format the errors, one per line."""
    lines = [f"- {item.receiver}, round {item.round + 1}: {item.error}" for item in results if item.error]
    return "\n" + "\n".join(lines) + "\n" if lines else ""


def draw_chart(path: Path, receivers: Sequence[Receiver], results: Sequence[Measured]) -> None:
    """Objects per second."""
    groups = [
        chart.Group(
            receiver.title,
            tuple(
                median(i.rate for i in results if (i.receiver, i.associations) == (receiver.name, associations))
                for associations in ASSOCIATIONS
            ),
        )
        for receiver in receivers
    ]
    chart.draw(path, "CT slices of 527 kB received per second", ("1 association", "4 associations"), groups)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, help="default: 3, with --large 1")
    parser.add_argument("--objects", type=int, default=400, help="slices per receiver and number of associations")
    parser.add_argument("--receivers", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--large", action="store_true", help="send one Enhanced CT image instead of slices")
    parser.add_argument("--megabytes", type=int, default=1000, help="size of that image")
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    parser.add_argument("--picture", type=Path, help="write a PNG chart to this file")
    options = parser.parse_args()
    receivers = chosen(options.receivers)
    with tempfile.TemporaryDirectory(prefix="coronode-receive-") as name:
        if options.large:
            rounds = options.rounds or 1
            results = measure_large(receivers, rounds, options.megabytes, Path(name))
            text = format_large(receivers, results)
            work = f"one Enhanced CT image of {options.megabytes} MB"
        else:
            rounds = options.rounds or 3
            results = measure_slices(receivers, rounds, options.objects, Path(name))
            text = format_slices(receivers, results)
            work = f"{options.objects} CT slices of 527 kB"
    write(f"{text}\n{work}, {rounds} rounds; {machine()}\n", options.out)
    if options.picture and not options.large:
        draw_chart(options.picture, receivers, results)
    return 1 if any(item.error for item in results) else 0


if __name__ == "__main__":
    sys.exit(main())
