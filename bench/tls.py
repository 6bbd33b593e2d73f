"""Measure what TLS costs a receiver: the same CT slices to the port with TLS and to the one without, in turn.

In each round a receiver that listens on both ports takes CT slices of 527 kB, without TLS and with it (TLS 1.3,
AES-256-GCM, certificates on both sides), over 1 and then 4 associations at once, from the same senders. The order
changes from round to round; ratios are within a round. DCMTK listens on one port at a time, so it is started twice.

    python bench/tls.py --out tls.md
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from peers import CORONODE, Receiver, Running, configuration, free_port, program, started
from receive import ASSOCIATIONS, Measured, measure, send
from table import machine, median, number, ratio, table, write

from scp.network.tls.authority import Authority

KINDS: Final = ("plain", "tls")
_WARM_UP: Final = 20

Ports = dict[str, Running]


def make_certificates(folder: Path) -> None:
    """Write an authority, and certificates of a node and of a sender."""
    now = datetime.now(UTC)
    authority = Authority.create("bench", now, 2)
    (folder / "ca.pem").write_bytes(authority.issued.certificate)
    for name in ("node", "sender"):
        issued = authority.issue(name, ["127.0.0.1"], now, 1)
        (folder / f"{name}.pem").write_bytes(issued.certificate)
        (folder / f"{name}.key").touch(mode=0o600)
        (folder / f"{name}.key").write_bytes(issued.key)


@contextmanager
def start_coronode(durability: str, certificates: Path, folder: Path) -> Iterator[Ports]:
    """Start a node with both ports."""
    secure = free_port()
    files = {"certificate": "node.pem", "key": "node.key", "ca": "ca.pem"}
    tls = [f"port = {secure}", *(f'{key} = "{certificates / name}"' for key, name in files.items())]

    def command(place: Path, port: int) -> Sequence[str]:
        file = configuration(place, port, durability=durability, peers="\n".join(["[node.tls]", *tls]))
        return [*CORONODE, "serve", "--config", str(file)]

    with started(Receiver("coronode", f"Coronode, {durability}", command), folder) as running:
        yield {"plain": running, "tls": Running(running.receiver, running.session, secure)}


@contextmanager
def start_storescp(certificates: Path, folder: Path) -> Iterator[Ports]:
    """Start DCMTK's receiver twice."""
    identity = ["+tls", str(certificates / "node.key"), str(certificates / "node.pem")]
    secured = [*identity, "+cf", str(certificates / "ca.pem")]

    def make(kind: str, options: Sequence[str]) -> Receiver:
        name = program("storescp") or "storescp"
        return Receiver(kind, "DCMTK", lambda place, port: [name, "--fork", *options, "-od", str(place), str(port)])

    folder.mkdir()
    with started(make("plain", []), folder / "plain") as plain, started(make("tls", secured), folder / "tls") as tls:
        yield {"plain": plain, "tls": tls}


def measure_receiver(ports: Ports, certificates: Path, rounds: int, objects: int) -> list[tuple[str, Measured]]:
    """Measure both kinds in every round."""
    options = {"plain": [], "tls": ["--tls", str(certificates)]}
    for kind in KINDS:
        send(ports[kind].port, [["--objects", str(_WARM_UP), *options[kind]]])
    results = []
    for turn in range(rounds):
        for associations in ASSOCIATIONS:
            each = max(1, objects // associations)
            for kind in KINDS if turn % 2 else reversed(KINDS):
                wanted = [["--objects", str(each), *options[kind]]] * associations
                results.append((kind, measure(ports[kind], turn, wanted, each * associations, 0.1)))
    return results


def format_receiver(title: str, results: Sequence[tuple[str, Measured]]) -> list[list[str]]:
    """Format a row for each number of associations."""
    rows = []
    for associations in ASSOCIATIONS:
        items = {
            kind: {item.round: item for which, item in results if (which, item.associations) == (kind, associations)}
            for kind in KINDS
        }
        rates = {kind: {turn: item.rate for turn, item in items[kind].items() if not item.error} for kind in KINDS}
        cpu = [median(item.cpu_per_gb for item in items[kind].values()) for kind in KINDS]
        rates_shown = [number(median(rates[kind].values()), 0) for kind in KINDS]
        share = number(ratio(rates["tls"], rates["plain"]), 2)
        rows.append([title, str(associations), *rates_shown, share, *map(number, cpu)])
    return rows


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--objects", type=int, default=300, help="slices per kind and number of associations")
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    options = parser.parse_args()
    rows: list[list[str]] = []
    errors: list[str] = []
    with tempfile.TemporaryDirectory(prefix="coronode-tls-") as name:
        folder = Path(name)
        make_certificates(folder)
        starts: dict[str, Callable[[Path], object]] = {
            "Coronode, durable": lambda place: start_coronode("full", folder, place),
            "Coronode, relaxed": lambda place: start_coronode("relaxed", folder, place),
        }
        if program("storescp"):
            starts["DCMTK storescp --fork"] = lambda place: start_storescp(folder, place)
        for index, (title, start) in enumerate(starts.items()):
            print(title, file=sys.stderr)
            with start(folder / str(index)) as ports:  # type: ignore[attr-defined]
                results = measure_receiver(ports, folder, options.rounds, options.objects)
            rows += format_receiver(title, results)
            errors += [f"- {title}, {kind}: {item.error}\n" for kind, item in results if item.error]
    header = ["Receiver", "associations", "objects/s", "with TLS", "TLS / plain", "CPU s/GB", "with TLS"]
    work = f"{options.objects} CT slices of 527 kB, {options.rounds} rounds"
    write(f"{table(header, rows)}{''.join(errors)}\n{work}; {machine()}\n", options.out)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
