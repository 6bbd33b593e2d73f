"""How fast objects are sent: `coronode send`, DCMTK's storescu and pynetdicom's, one after the other, in rounds.

The objects lie as files on the disk; each sender takes them over one association to the same receiver, `sink.py`, which
keeps nothing and takes the time from the opening of the association to its end. The whole program takes longer: it
starts, and some read the files' headers before they call. Ratios are of the same round.

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
_PATIENCE: Final = "5"  # it sometimes waits for an answer that has been sent
SINK: Final = "sink"


@dataclass(frozen=True)
class Sender:
    """A program that sends a folder of files. `command` has the parameters folder, port and a place for settings."""

    name: str
    title: str
    command: Callable[[Path, int, Path], Sequence[str]]
    program: str = ""


@dataclass(frozen=True)
class Measured:
    """What one sender did in one round: objects a second over the association, and what the whole program took."""

    sender: str
    kind: str
    round: int
    rate: float = math.nan
    seconds: float = math.nan
    cpu_seconds: float = math.nan
    peak_mib: float = math.nan
    error: str = ""


@dataclass(frozen=True)
class Ran:
    """One run of a program: wall and processor seconds, memory."""

    seconds: float
    cpu_seconds: float
    peak_mib: float


def _coronode(folder: Path, port: int, place: Path) -> Sequence[str]:
    peer = f'[peers.SINK]\nae_title = "SINK"\nhost = "127.0.0.1"\nport = {port}\n'
    return [*CORONODE, "send", "--config", str(configuration(place, port, peers=peer)), "SINK", str(folder)]


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
    """The receiver that keeps nothing; what it says is in the log of its folder."""
    del folder
    return [sys.executable, str(Path(__file__).parent / "sink.py"), str(port)]


def files(folder: Path, original: Dataset, count: int) -> None:
    """Write so many objects that differ in the SOP Instance UID."""
    folder.mkdir()
    original.file_meta = FileMetaDataset()
    original.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    uid = str(original.SOPInstanceUID)
    for index in range(1, count + 1):
        original.SOPInstanceUID = traffic.numbered(uid, index)
        original.save_as(folder / f"{index:06}.dcm", enforce_file_format=True)


def run(command: Sequence[str], log: Path) -> Ran:
    """Run a program to its end. Raises RuntimeError with its last words when it fails or takes too long."""
    began = time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environment(), start_new_session=True)
    try:
        with Watch(process.pid, 0.005) as watch:
            code = _ended(process)
            seconds = time.monotonic() - began
            used = cpu_seconds(process.pid)  # it has ended but waits: its account is still there
    finally:
        process.kill()
        process.wait()
    if code != 0:
        raise RuntimeError(f"exit status {code}: {log.read_text(encoding='utf-8', errors='replace')[-300:]}")
    return Ran(seconds, used, watch.peak_mib)


def _ended(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end without taking the exit status, which would end the account in /proc."""
    deadline = time.monotonic() + _LONGEST
    while (status := os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)) is None:
        if time.monotonic() > deadline:
            raise RuntimeError(f"did not end within {_LONGEST} s")
        time.sleep(0.002)
    return int(status.si_status)


def measure(sender: Sender, turn: int, kind: str, port: int, folder: Path) -> Measured:
    """Let a sender send the objects of a kind, and see what the receiver got."""
    place, said = folder / "settings", folder / SINK / "log.txt"
    place.mkdir(exist_ok=True)
    before = len(said.read_text(encoding="utf-8").splitlines())
    try:
        ran = run(sender.command(folder / kind, port, place), folder / "log.txt")
        got = received(said, before)
    except RuntimeError as error:
        return Measured(sender.name, kind, turn, error=" ".join(str(error).split()))
    if got["objects"] != len(list((folder / kind).iterdir())):
        return Measured(sender.name, kind, turn, error=f"{got['objects']:.0f} objects came")
    rate = got["objects"] / got["seconds"]
    return Measured(sender.name, kind, turn, rate, ran.seconds, ran.cpu_seconds, ran.peak_mib)


def received(said: Path, before: int) -> dict[str, float]:
    """What the receiver says of the association after so many. Raises RuntimeError when it says nothing."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        lines = said.read_text(encoding="utf-8").splitlines()
        if len(lines) > before:
            return dict(json.loads(lines[before]))
        time.sleep(0.02)
    raise RuntimeError("no object came")


def results(senders: Sequence[Sender], found: Sequence[Measured]) -> str:
    """A row for each kind of object and sender."""
    rows = []
    for kind, words in KINDS.items():
        rates = {
            sender.name: {i.round: i.rate for i in found if (i.sender, i.kind) == (sender.name, kind) and not i.error}
            for sender in senders
        }
        for sender in senders:
            items = [item for item in found if (item.sender, item.kind) == (sender.name, kind)]
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
    errors = [f"- {item.sender}, {item.kind}, round {item.round + 1}: {item.error}" for item in found if item.error]
    return text + ("\n" + "\n".join(errors) + "\n" if errors else "")


def picture(path: Path, senders: Sequence[Sender], found: Sequence[Measured]) -> None:
    """Objects a second."""
    groups = [
        chart.Group(
            sender.title,
            tuple(median(i.rate for i in found if (i.sender, i.kind) == (sender.name, kind)) for kind in KINDS),
        )
        for sender in senders
    ]
    chart.draw(path, "Objects sent a second over one association", tuple(KINDS.values()), groups)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--objects", type=int, default=200, help="of each kind")
    parser.add_argument("--senders", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--out", type=Path, help="write the table there too")
    parser.add_argument("--picture", type=Path, help="write a PNG there")
    options = parser.parse_args()
    objects = max(1, options.objects)
    senders = [sender for sender in SENDERS if sender.name in options.senders]
    for sender in senders:
        if sender.program and program(sender.program) is None:
            print(f"left out: {sender.title}: {sender.program} is not on the PATH", file=sys.stderr)
    senders = [sender for sender in senders if not sender.program or program(sender.program)]
    receiver = Receiver(SINK, "sink", sink)
    found = []
    with tempfile.TemporaryDirectory(prefix="coronode-send-") as name:
        folder = Path(name)
        for kind, original in {"slices": traffic.ct_slice(), "reports": traffic.report(_REPORT_KB)}.items():
            files(folder / kind, original, objects)
        with started(receiver, folder / SINK) as running:
            for turn in range(options.rounds):
                for kind in KINDS:
                    for sender in senders:
                        print(f"round {turn + 1}: {sender.title}, {KINDS[kind]}", file=sys.stderr)
                        found.append(measure(sender, turn, kind, running.port, folder))
    write(
        f"{results(senders, found)}\n{objects} objects of each kind, {options.rounds} rounds; {machine()}\n",
        options.out,
    )
    if options.picture:
        picture(options.picture, senders, found)
    return 1 if any(item.error for item in found) else 0


if __name__ == "__main__":
    sys.exit(main())
