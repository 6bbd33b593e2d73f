"""Sending speed of `coronode send`, DCMTK's storescu and pynetdicom's, measured one after the other, in rounds.

The objects are files on disk; each sender sends them over one association to the same receiver, `sink.py`, which
keeps nothing and measures the time from the opening of the association to its end. The whole program takes longer: it
has to start, and some read the headers of the files before connecting. Ratios are taken within a round.

    python bench/send.py --out send.md --picture send.png
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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import chart
import traffic
from peers import CORONODE, Receiver, configuration, environment, program, started
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from table import machine, median, number, ratio, table, write
from usage import Watch, cpu_seconds

_LONGEST: Final = 300
_REPORT_KB: Final = 30
_PATIENCE: Final = "5"  # it sometimes waits for a response that has already arrived
SINK: Final = "sink"


@dataclass(frozen=True)
class Sender:
    """A program that sends a folder of files. `command` takes the folder, the port and a folder for settings."""

    name: str
    title: str
    command: Callable[[Path, int, Path], Sequence[str]]
    program: str = ""


@dataclass(frozen=True)
class Measured:
    """One sender in one round: objects per second over the association, and the cost of the whole program."""

    sender: str
    kind: str
    round: int
    rate: float = math.nan
    seconds: float = math.nan
    cpu_seconds: float = math.nan
    peak_mib: float = math.nan
    error: str = ""


@dataclass(frozen=True)
class Usage:
    """One run of a program: wall and processor seconds, memory."""

    seconds: float
    cpu_seconds: float
    peak_mib: float


def _coronode(folder: Path, port: int, place: Path) -> Sequence[str]:
    peer = f'[peers.SINK]\nae_title = "SINK"\nhost = "127.0.0.1"\nport = {port}\n'
    return [*CORONODE, "send", "--config", str(configuration(place, 0, peers=peer)), "SINK", str(folder)]


def _storescu(folder: Path, port: int, place: Path) -> Sequence[str]:
    del place
    return [program("storescu") or "storescu", "-R", "+sd", "127.0.0.1", str(port), str(folder)]


def _pynetdicom(folder: Path, port: int, place: Path) -> Sequence[str]:
    del place
    return [
        sys.executable,
        "-m",
        "pynetdicom",
        "storescu",
        "-q",
        "-cx",
        "-td",
        _PATIENCE,
        "127.0.0.1",
        str(port),
        str(folder),
    ]


SENDERS: Final = (
    Sender("coronode", "Coronode", _coronode),
    Sender("storescu", "DCMTK storescu", _storescu, "storescu"),
    Sender("pynetdicom", "pynetdicom storescu", _pynetdicom),
)
NAMES: Final = tuple(sender.name for sender in SENDERS)
KINDS: Final[dict[str, str]] = {"slices": "CT slices of 527 kB", "reports": "SRs of 30 kB"}


def sink(folder: Path, port: int) -> Sequence[str]:
    """Return the command of the receiver that keeps nothing; its output goes to the log in its folder."""
    del folder
    return [sys.executable, str(Path(__file__).parent / "sink.py"), str(port)]


def write_files(folder: Path, original: Dataset, count: int) -> None:
    """Write `count` objects that differ in their SOP Instance UID."""
    folder.mkdir()
    original.file_meta = FileMetaDataset()
    original.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    uid = str(original.SOPInstanceUID)
    for index in range(1, count + 1):
        original.SOPInstanceUID = traffic.numbered(uid, index)
        original.save_as(folder / f"{index:06}.dcm", enforce_file_format=True)


def run(command: Sequence[str], log: Path) -> Usage:
    """Run a program to its end. Raises RuntimeError with the end of its output if it fails or takes too long."""
    began = time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environment(), start_new_session=True)
    try:
        with Watch(process.pid, 0.005) as watch:
            code = _wait_for_end(process)
            seconds = time.monotonic() - began
            cpu = cpu_seconds(process.pid)  # ended but not yet reaped: its entry in /proc is still there
    finally:
        process.kill()
        process.wait()
    if code != 0:
        raise RuntimeError(f"exit status {code}: {log.read_text(encoding='utf-8', errors='replace')[-300:]}")
    return Usage(seconds, cpu, watch.peak_mib)


def _wait_for_end(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end without reaping the process, which would remove its entry from /proc."""
    deadline = time.monotonic() + _LONGEST
    while (status := os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)) is None:
        if time.monotonic() > deadline:
            raise RuntimeError(f"did not end within {_LONGEST} s")
        time.sleep(0.002)
    return int(status.si_status)


def measure(sender: Sender, turn: int, kind: str, port: int, folder: Path) -> Measured:
    """Let a sender send the objects of a kind, and read what the receiver got."""
    place, log = folder / "settings", folder / SINK / "log.txt"
    place.mkdir(exist_ok=True)
    before = len(log.read_text(encoding="utf-8").splitlines())
    try:
        ran = run(sender.command(folder / kind, port, place), folder / "log.txt")
        got = read_sink(log, before)
    except RuntimeError as error:
        return Measured(sender.name, kind, turn, error=" ".join(str(error).split()))
    if got["objects"] != len(list((folder / kind).iterdir())):
        return Measured(sender.name, kind, turn, error=f"{got['objects']:.0f} objects arrived")
    rate = got["objects"] / got["seconds"]
    return Measured(sender.name, kind, turn, rate, ran.seconds, ran.cpu_seconds, ran.peak_mib)


def read_sink(log: Path, before: int) -> dict[str, float]:
    """Read the receiver's line for the association after `before` others. Raises RuntimeError if there is none."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        lines = log.read_text(encoding="utf-8").splitlines()
        if len(lines) > before:
            return dict(json.loads(lines[before]))
        time.sleep(0.02)
    raise RuntimeError("no object arrived")


def results(senders: Sequence[Sender], measured: Sequence[Measured]) -> str:
    """Tabulate one row for each kind of object and sender."""
    rows = []
    for kind, words in KINDS.items():
        rates = {
            sender.name: {
                i.round: i.rate for i in measured if (i.sender, i.kind) == (sender.name, kind) and not i.error
            }
            for sender in senders
        }
        for sender in senders:
            items = [item for item in measured if (item.sender, item.kind) == (sender.name, kind)]
            rows.append(
                [
                    f"{sender.title}, {words}",
                    number(median(rates[sender.name].values()), 0),
                    number(ratio(rates[sender.name], rates.get("storescu", {})), 2),
                    number(median(item.seconds for item in items), 2),
                    number(median(item.cpu_seconds for item in items), 2),
                    number(median(item.peak_mib for item in items), 0),
                ]
            )
    text = table(["Sender", "objects/s", "x storescu", "whole program s", "CPU s", "peak memory MiB"], rows)
    errors = [f"- {item.sender}, {item.kind}, round {item.round + 1}: {item.error}" for item in measured if item.error]
    return text + ("\n" + "\n".join(errors) + "\n" if errors else "")


def picture(path: Path, senders: Sequence[Sender], measured: Sequence[Measured]) -> None:
    """Draw the objects sent per second."""
    groups = [
        chart.Group(
            sender.title,
            tuple(median(i.rate for i in measured if (i.sender, i.kind) == (sender.name, kind)) for kind in KINDS),
        )
        for sender in senders
    ]
    chart.draw(path, "Objects sent per second over one association", tuple(KINDS.values()), groups)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--objects", type=int, default=200, help="of each kind")
    parser.add_argument("--senders", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    parser.add_argument("--picture", type=Path, help="write a chart to this PNG file")
    options = parser.parse_args()
    objects = max(1, options.objects)
    senders = [sender for sender in SENDERS if sender.name in options.senders]
    for sender in senders:
        if sender.program and program(sender.program) is None:
            print(f"left out: {sender.title}: {sender.program} is not on the PATH", file=sys.stderr)
    senders = [sender for sender in senders if not sender.program or program(sender.program)]
    receiver = Receiver(SINK, "sink", sink)
    measured = []
    with tempfile.TemporaryDirectory(prefix="coronode-send-") as name:
        folder = Path(name)
        for kind, original in {"slices": traffic.ct_slice(), "reports": traffic.report(_REPORT_KB)}.items():
            write_files(folder / kind, original, objects)
        with started(receiver, folder / SINK) as running:
            for turn in range(options.rounds):
                for kind in KINDS:
                    for sender in senders:
                        print(f"round {turn + 1}: {sender.title}, {KINDS[kind]}", file=sys.stderr)
                        measured.append(measure(sender, turn, kind, running.port, folder))
    write(
        f"{results(senders, measured)}\n{objects} objects of each kind, {options.rounds} rounds; {machine()}\n",
        options.out,
    )
    if options.picture:
        picture(options.picture, senders, measured)
    return 1 if any(item.error for item in measured) else 0


if __name__ == "__main__":
    sys.exit(main())
