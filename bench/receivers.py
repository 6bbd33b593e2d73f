"""Measure receiving with 1, 2 and 4 receiver processes over 1, 4 and 8 associations at once, in rounds.

Each round starts a node with each number of receivers (`node.receivers`) in an empty folder, and sends CT slices of
527 kB, one study per association. With `--database` the index is a PostgreSQL of yours; it may be empty, and keeps the
rows. Ratios are to one receiver within a round.

    python bench/receivers.py --out receivers.md
    python bench/receivers.py --database postgresql+psycopg://user@host/name
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from peers import CORONODE, Receiver, configuration, started
from receive import Measured, format_failures, measure, send
from table import machine, median, number, ratio, table, write

_WARM_UP: Final = 3


def make_receiver(count: int, database: str) -> Receiver:
    """Return a node with this many receiver processes."""

    def command(folder: Path, port: int) -> Sequence[str]:
        file = configuration(folder, port)
        text = file.read_text(encoding="utf-8").replace("[node]", f"[node]\nreceivers = {count}", 1)
        if database:
            text += f'[storage]\ndatabase_url = "{database}"\n'
            # the index names the objects of the node before, which are gone: this tells the node to go on without them
            (folder / "data/objects/instances").mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
        return [*CORONODE, "serve", "--config", str(file)]

    return Receiver(f"receivers-{count}", f"{count} receiver process{'es' if count > 1 else ''}", command)


def measure_all(
    receivers: Sequence[Receiver], associations: Sequence[int], rounds: int, objects: int, folder: Path
) -> list[Measured]:
    """Measure each receiver with each number of associations in each round."""
    results = []
    for turn in range(rounds):
        for receiver in receivers:
            print(f"round {turn + 1}: {receiver.title}", file=sys.stderr)
            with started(receiver, folder / f"{receiver.name}-{turn}") as running:
                send(running.port, [["--objects", str(_WARM_UP)]] * 4 * len(receivers))
                for count in associations:
                    each = max(1, objects // count)
                    wanted = [["--objects", str(each)]] * count
                    results.append(measure(running, turn, wanted, each * count, 0.1))
    return results


def format_results(receivers: Sequence[Receiver], associations: Sequence[int], results: Sequence[Measured]) -> str:
    """Format a row for each number of receivers and associations."""
    rows = []
    for count in associations:
        of_count = [item for item in results if item.associations == count and not item.error]
        rates = {
            receiver.name: {item.round: item.rate for item in of_count if item.receiver == receiver.name}
            for receiver in receivers
        }
        for receiver in receivers:
            costs = [item.cpu_per_gb for item in of_count if item.receiver == receiver.name]
            rows.append(
                [
                    receiver.title,
                    str(count),
                    number(median(rates[receiver.name].values()), 0),
                    number(ratio(rates[receiver.name], rates[receivers[0].name]), 2),
                    number(median(costs)),
                ]
            )
    header = ["Coronode, durable", "associations", "objects/s", f"x {receivers[0].title}", "CPU s/GB"]
    return table(header, rows) + format_failures(results)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--objects", type=int, default=400, help="slices per measurement")
    parser.add_argument("--receivers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--associations", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--database", default="", help="URL of a PostgreSQL; default: SQLite in the data folder")
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    options = parser.parse_args()
    receivers = [make_receiver(count, options.database) for count in options.receivers]
    with tempfile.TemporaryDirectory(prefix="coronode-receivers-") as name:
        results = measure_all(receivers, options.associations, options.rounds, options.objects, Path(name))
    kind = "PostgreSQL" if options.database else "SQLite"
    text = format_results(receivers, options.associations, results)
    write(f"{text}\n{options.objects} CT slices of 527 kB, {options.rounds} rounds, {kind}; {machine()}\n", options.out)
    return 1 if any(item.error for item in results) else 0


if __name__ == "__main__":
    sys.exit(main())
