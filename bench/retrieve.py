"""Speed of C-MOVE and C-GET of Coronode, dcmqrscp and Orthanc, measured one after the other, in rounds.

Each program receives the same CT slices of 527 kB by C-STORE. C-GET is asked by one client, which answers each object
and keeps none; C-MOVE sends them to one destination, `sink.py`, which does the same. The time is that from the request
to the final response. Ratios are taken within a round.

    python bench/retrieve.py --out retrieve.md --picture retrieve.png
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import chart
import traffic
from peers import CORONODE, Receiver, configuration, program, started
from pydicom import Dataset
from pydicom.uid import CTImageStorage
from send import sink
from table import machine, median, number, ratio, table, write
from usage import Watch

from dicom.encoding import encode_element
from dicom.sop_classes import STUDY_ROOT_GET, STUDY_ROOT_MOVE
from scp.network import retrieval
from scp.network.command import Command
from scp.network.message import Message
from scp.network.negotiation import PresentationContext
from scp.network.opening import Opening
from scp.network.requestor import Requestor

EXPLICIT: Final = "1.2.840.10008.1.2.1"
OPERATIONS: Final = ("C-MOVE", "C-GET")
NAMES: Final = ("coronode", "dcmqrscp", "orthanc")
_SINK: Final = "SINK"
_LONGEST_PDU: Final = 131072
_PATIENCE: Final = 120.0
_CALLED: Final = {"coronode": "CORONODE", "dcmqrscp": "QR", "orthanc": "ORTHANC"}


@dataclass(frozen=True)
class Measured:
    """One operation of one program in one round: objects per second, processor seconds of the program per 1,000."""

    program: str
    operation: str
    round: int
    rate: float = math.nan
    cpu_per_thousand: float = math.nan
    peak_mib: float = math.nan
    error: str = ""


def associate(port: int, called: str, contexts: Sequence[PresentationContext]) -> Requestor:
    """Open an association. Raises RuntimeError when a context is not accepted."""
    opening = Opening("BENCH", called, "127.0.0.1", port, _PATIENCE, _PATIENCE, _PATIENCE, _LONGEST_PDU)
    association = Requestor(opening, contexts)
    if len(association.accepted_contexts) < len(contexts):
        raise RuntimeError(f"{called} accepts {len(association.accepted_contexts)} of {len(contexts)} contexts")
    return association


def fill(port: int, called: str, original: Dataset, count: int) -> None:
    """Store `count` slices that differ in their SOP Instance UID."""
    association = associate(port, called, [PresentationContext(CTImageStorage, (EXPLICIT,))])
    uid = str(original.SOPInstanceUID)
    data = traffic.encode(original, is_implicit_vr=False, is_little_endian=True) or b""
    for index in range(1, count + 1):
        another = traffic.numbered(uid, index)
        answer = association.store(
            association.accepted_contexts[0], another, data.replace(uid.encode(), another.encode())
        )
        if answer.status != 0:
            raise RuntimeError(f"{called} did not store an object: 0x{answer.status or 0:04X}")
    association.release()


def retrieve(operation: str, port: int, called: str, study_instance_uid: str, count: int) -> float:
    """Retrieve the study and return the objects per second. Raises RuntimeError when not all of them come."""
    level = encode_element(0x00080052, "CS", "STUDY", implicit=False)
    identifier = level + encode_element(0x0020000D, "UI", study_instance_uid, implicit=False)
    model = STUDY_ROOT_MOVE if operation == "C-MOVE" else STUDY_ROOT_GET
    contexts = [PresentationContext(model, (EXPLICIT,))]
    if operation == "C-GET":
        contexts.append(PresentationContext(CTImageStorage, (EXPLICIT,), as_scp=True))
    association = associate(port, called, contexts)
    came = 0

    def take(_: Message) -> int:
        nonlocal came
        came += 1
        association.messages.drop()
        return 0

    begun = time.perf_counter()
    context = next(each for each in association.accepted_contexts if each.abstract_syntax == model)
    answer: Command | None = None
    responses = (
        retrieval.move(association, context, identifier, _SINK)
        if operation == "C-MOVE"
        else retrieval.get(association, context, identifier, take)
    )
    for response in responses:
        answer = response
    seconds = time.perf_counter() - begun
    association.release()
    completed = answer.sub_operations.completed if answer is not None and answer.sub_operations is not None else 0
    if answer is None or answer.status != 0 or completed != count or (operation == "C-GET" and came != count):
        raise RuntimeError(f"{called} ended {operation} with {answer}")
    return count / seconds


def measure(receiver: Receiver, turn: int, objects: int, repeats: int, folder: Path) -> list[Measured]:
    """Measure one program in one round."""
    measured = []
    called, original = _CALLED[receiver.name], traffic.ct_slice()
    study = str(original.StudyInstanceUID)
    with started(receiver, folder / f"{receiver.name}-{turn}") as running:
        fill(running.port, called, original, objects)
        for operation in OPERATIONS:
            try:
                retrieve(operation, running.port, called, study, objects)
                with Watch(running.session) as watch:
                    rates = [retrieve(operation, running.port, called, study, objects) for _ in range(repeats)]
            except RuntimeError as error:
                measured.append(Measured(receiver.name, operation, turn, error=" ".join(str(error).split())))
                continue
            cpu = watch.cpu_seconds / repeats / objects * 1000
            measured.append(Measured(receiver.name, operation, turn, median(rates), cpu, watch.peak_mib))
    return measured


def results(receivers: Sequence[Receiver], measured: Sequence[Measured]) -> str:
    """Tabulate one row for each operation and program."""
    rows = []
    for operation in OPERATIONS:
        rates = {
            receiver.name: {
                i.round: i.rate
                for i in measured
                if (i.program, i.operation) == (receiver.name, operation) and not i.error
            }
            for receiver in receivers
        }
        for receiver in receivers:
            items = [i for i in measured if (i.program, i.operation) == (receiver.name, operation)]
            rows.append(
                [
                    f"{receiver.title}, {operation}",
                    number(median(rates[receiver.name].values()), 0),
                    number(ratio(rates[receiver.name], rates.get("dcmqrscp", {})), 2),
                    number(ratio(rates[receiver.name], rates.get("orthanc", {})), 2),
                    number(median(item.cpu_per_thousand for item in items), 2),
                    number(max((item.peak_mib for item in items if not item.error), default=math.nan), 0),
                ]
            )
    header = ["Program", "objects/s", "x dcmqrscp", "x Orthanc", "CPU s/1,000", "peak memory MiB"]
    errors = [f"- {i.program}, {i.operation}, round {i.round + 1}: {i.error}" for i in measured if i.error]
    return table(header, rows) + ("\n" + "\n".join(errors) + "\n" if errors else "")


def picture(path: Path, receivers: Sequence[Receiver], measured: Sequence[Measured]) -> None:
    """Draw the objects retrieved per second."""
    groups = [
        chart.Group(
            receiver.title,
            tuple(
                median(i.rate for i in measured if (i.program, i.operation) == (receiver.name, operation))
                for operation in OPERATIONS
            ),
        )
        for receiver in receivers
    ]
    chart.draw(path, "CT slices retrieved per second", OPERATIONS, groups)


def make_receivers(sink_port: int) -> list[Receiver]:
    """The programs, each of which knows the destination."""
    return [
        Receiver("coronode", "Coronode", _coronode(sink_port)),
        Receiver("dcmqrscp", "DCMTK dcmqrscp", _dcmqrscp(sink_port), "dcmqrscp"),
        Receiver("orthanc", "Orthanc", _orthanc(sink_port), "Orthanc"),
    ]


CommandLine = Callable[[Path, int], Sequence[str]]


def _coronode(sink_port: int) -> CommandLine:
    def command(folder: Path, port: int) -> Sequence[str]:
        peer = f'[peers.SINK]\nae_title = "{_SINK}"\nhost = "127.0.0.1"\nport = {sink_port}\n'
        return [*CORONODE, "serve", "--config", str(configuration(folder, port, peers=peer))]

    return command


def _dcmqrscp(sink_port: int) -> CommandLine:
    def command(folder: Path, port: int) -> Sequence[str]:
        (folder / "db").mkdir()
        file = folder / "dcmqrscp.cfg"
        file.write_text(
            f"MaxPDUSize = {_LONGEST_PDU}\nMaxAssociations = 16\n"
            f"HostTable BEGIN\nsink = ({_SINK}, 127.0.0.1, {sink_port})\nHostTable END\n"
            f"AETable BEGIN\nQR {folder / 'db'} RW (100, 4096mb) ANY\nAETable END\n",
            encoding="utf-8",
        )
        return [program("dcmqrscp") or "dcmqrscp", "-c", str(file), str(port)]

    return command


def _orthanc(sink_port: int) -> CommandLine:
    def command(folder: Path, port: int) -> Sequence[str]:
        settings = {
            "StorageDirectory": str(folder / "db"),
            "IndexDirectory": str(folder / "db"),
            "HttpServerEnabled": False,
            "DicomPort": port,
            "DicomAlwaysAllowStore": True,
            "DicomAlwaysAllowMove": True,
            "DicomAlwaysAllowGet": True,
            "DicomCheckCalledAet": False,
            "DicomModalities": {"sink": [_SINK, "127.0.0.1", sink_port]},
            "Plugins": [],
        }
        file = folder / "orthanc.json"
        file.write_text(json.dumps(settings), encoding="utf-8")
        return [program("Orthanc") or "Orthanc", str(file)]

    return command


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--objects", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=2, help="measured retrievals of each kind in a round")
    parser.add_argument("--programs", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    parser.add_argument("--picture", type=Path, help="write a chart to this PNG file")
    options = parser.parse_args()
    measured: list[Measured] = []
    with tempfile.TemporaryDirectory(prefix="coronode-retrieve-") as name:
        folder = Path(name)
        with started(Receiver(_SINK, "sink", sink), folder / _SINK) as destination:
            everyone = [item for item in make_receivers(destination.port) if item.name in options.programs]
            for receiver in everyone:
                if receiver.missing:
                    print(f"left out: {receiver.title}: {receiver.missing}", file=sys.stderr)
            receivers = [receiver for receiver in everyone if not receiver.missing]
            for turn in range(options.rounds):
                for receiver in receivers:
                    print(f"round {turn + 1}: {receiver.title}", file=sys.stderr)
                    measured += measure(receiver, turn, options.objects, options.repeats, folder)
    write(
        f"{results(receivers, measured)}\n"
        f"{options.objects:,} CT slices of 527 kB, {options.rounds} rounds; {machine()}\n",
        options.out,
    )
    if options.picture:
        picture(options.picture, receivers, measured)
    return 1 if any(item.error for item in measured) else 0


if __name__ == "__main__":
    sys.exit(main())
