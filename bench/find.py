"""Query speed of Coronode, dcmqrscp, Orthanc and pynetdicom's qrscp, measured one after the other, in rounds.

Each program receives the same 1,000 small CT images of one series by C-STORE. One client, which only counts the
responses, then repeatedly queries all of them at IMAGE level over one association. Ratios are taken within a round.

With `--million` Coronode's index is filled with 1,000,000 instances in 10,000 studies, and the time to the final
response is measured for queries that match one study, series or instance. The peers do not have to store a million
images.

    python bench/find.py --out find.md
    python bench/find.py --million --out find-million.md
"""

from __future__ import annotations

import argparse
import math
import socket
import sqlite3
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from peers import CORONODE, Receiver, configuration, program, started
from table import machine, median, number, quantile, ratio, table, write
from usage import Watch

from dicom.sop_classes import STUDY_ROOT_FIND
from scp.network import command, negotiation, pdu
from scp.network.negotiation import PresentationContext
from scp.network.opening import Opening
from scp.network.pace import Pace
from scp.network.requestor import Requestor
from scp.network.states import Machine, Role, State
from scp.network.wire import Wire
from scp.services.storage import IMAGE_STORAGE
from storage.database.engine import Database
from storage.database.models import InstanceRow, SeriesRow, StudyRow

EXPLICIT: Final = "1.2.840.10008.1.2.1"
MATCHES: Final = 1000
STUDIES: Final = 10_000
EACH: Final = 100
ROOT: Final = "1.2.826.0.1.3680043.9"
_PATIENCE: Final = 60.0
_PENDING: Final = (0xFF00, 0xFF01)
_CALLED: Final = {"coronode": "CORONODE", "dcmqrscp": "QR", "orthanc": "ORTHANC", "pynetdicom": "QRSCP"}


@dataclass(frozen=True)
class Measured:
    """One program in one round: responses per second, processor seconds per 1,000 responses, peak memory."""

    receiver: str
    round: int
    rate: float
    cpu_per_thousand: float
    peak_mib: float


class Asker:
    """One association with a query model; counts responses without reading their data sets."""

    def __init__(self, port: int, called: str) -> None:
        connection = socket.create_connection(("127.0.0.1", port), _PATIENCE)
        self._wire = Wire(connection, Pace(_PATIENCE, _PATIENCE))
        request, proposed = negotiation.propose(
            "ASKER", called, [PresentationContext(STUDY_ROOT_FIND, (EXPLICIT,))], 131072
        )
        self._wire.send(request)
        _, length = pdu.read_header(self._wire)
        body = pdu.read_body(self._wire, length)
        accepted, _ = negotiation.conclude(proposed, body)
        if not accepted:
            raise RuntimeError("the query model was not accepted")
        self._message = 0

    def ask(self, *keys: tuple[int, int, bytes, str]) -> tuple[int, int]:
        """Query by keys (group, element, VR, value); return the number of pending responses and the final status."""
        self._message += 1
        find = _find_request(self._message)
        self._wire.send(
            *pdu.encode_fragments(find, 1, 16378, is_command=True),
            *pdu.encode_fragments(b"".join(_element(*key) for key in sorted(keys)), 1, 16378, is_command=False),
        )
        count, gathered = 0, bytearray()
        for piece in pdu.read_pieces(self._wire, 2**31, Machine(Role.REQUESTOR, State.OPEN)):
            if isinstance(piece, pdu.Release):
                raise TypeError("released in the middle of a query")
            if not piece.is_command:
                continue
            gathered += piece.data
            if piece.ends:
                status = command.decode(gathered).status
                gathered.clear()
                if status not in _PENDING:
                    return count, -1 if status is None else status
                count += 1
        raise RuntimeError("no final response")

    def close(self) -> None:
        """Release the association."""
        self._wire.send(pdu.RELEASE_RQ)
        self._wire.drain(1)
        self._wire.close()


def every_image() -> tuple[tuple[int, int, bytes, str], ...]:
    """Return the keys that match all images of the series, with the attributes that a PACS asks for."""
    return (
        (0x0008, 0x0052, b"CS", "IMAGE"),
        (0x0020, 0x000D, b"UI", f"{ROOT}.1"),
        (0x0020, 0x000E, b"UI", f"{ROOT}.1.1"),
        (0x0008, 0x0018, b"UI", ""),
        (0x0008, 0x0016, b"UI", ""),
        (0x0020, 0x0013, b"IS", ""),
    )


def fill(port: int, called: str) -> None:
    """Store the 1,000 images."""
    opening = Opening("ASKER", called, "127.0.0.1", port, _PATIENCE, _PATIENCE, _PATIENCE, 16384)
    association = Requestor(opening, [PresentationContext(IMAGE_STORAGE[0], (EXPLICIT,))])
    for index in range(MATCHES):
        uid = f"{ROOT}.1.1.{index + 1}"
        answer = association.store(association.accepted_contexts[0], uid, _image(uid, index))
        if answer.status != 0:
            raise RuntimeError(f"an image was not stored: 0x{answer.status or 0:04X}")
    association.release()


def measure(receivers: Sequence[Receiver], rounds: int, repeats: int, folder: Path) -> list[Measured]:
    """Measure every program in every round."""
    measured = []
    for turn in range(rounds):
        for receiver in receivers:
            print(f"round {turn + 1}: {receiver.title}", file=sys.stderr)
            with started(receiver, folder / f"{receiver.name}-{turn}") as running:
                fill(running.port, _CALLED[receiver.name])
                asker = Asker(running.port, _CALLED[receiver.name])
                asker.ask(*every_image())
                with Watch(running.session) as watch:
                    begun = time.perf_counter()
                    for _ in range(repeats):
                        count, status = asker.ask(*every_image())
                        if (count, status) != (MATCHES, 0):
                            raise RuntimeError(f"{receiver.title}: {count} matches, status 0x{status:04X}")
                    seconds = time.perf_counter() - begun
                asker.close()
            rate = repeats * MATCHES / seconds
            measured.append(Measured(receiver.name, turn, rate, watch.cpu_seconds / repeats, watch.peak_mib))
    return measured


def million(folder: Path, repeats: int) -> str:
    """Tabulate the milliseconds to the final response of queries with one match, for Coronode alone."""
    place = folder / "million"
    receiver = Receiver("coronode", "Coronode", _filled)
    rows = []
    with started(receiver, place) as running:
        asker = Asker(running.port, "CORONODE")
        for title, keys in _single_matches():
            times = []
            for _ in range(repeats):
                begun = time.perf_counter()
                count, _ = asker.ask(*keys)
                times.append((time.perf_counter() - begun) * 1000)
            rows.append([title, str(count), number(median(times), 2), number(quantile(times, 0.95), 2)])
        asker.close()
    return table(["Query", "matches", "median ms", "95th ms"], rows)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=10, help="queries of 1,000 matches in a round")
    parser.add_argument("--million", action="store_true", help="one match among 1,000,000 instances")
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coronode-find-") as name:
        if options.million:
            text = million(Path(name), options.repeats * 5)
            work = f"1,000,000 instances in {STUDIES:,} studies, {options.repeats * 5} queries each"
        else:
            receivers = [item for item in RECEIVERS if not item.missing]
            measured = measure(receivers, options.rounds, options.repeats, Path(name))
            text, work = _table(receivers, measured), f"{MATCHES:,} matches, {options.rounds} rounds"
    write(f"{text}\n{work}; {machine()}\n", options.out)
    return 0


def _table(receivers: Sequence[Receiver], measured: Sequence[Measured]) -> str:
    rates = {
        receiver.name: {item.round: item.rate for item in measured if item.receiver == receiver.name}
        for receiver in receivers
    }
    rows = []
    for receiver in receivers:
        items = [item for item in measured if item.receiver == receiver.name]
        rows.append(
            [
                receiver.title,
                number(median(rates[receiver.name].values()), 0),
                number(ratio(rates[receiver.name], rates.get("dcmqrscp", {})), 2),
                number(ratio(rates[receiver.name], rates.get("orthanc", {})), 2),
                number(median(item.cpu_per_thousand * 1000 for item in items), 0),
                number(max((item.peak_mib for item in items), default=math.nan), 0),
            ]
        )
    header = ["Program", "responses/s", "x dcmqrscp", "x Orthanc", "CPU ms/1,000", "peak memory MiB"]
    return table(header, rows)


def _single_matches() -> Iterator[tuple[str, list[tuple[int, int, bytes, str]]]]:
    study, number_of = f"{ROOT}.{STUDIES // 2}", STUDIES // 2
    level = {name: (0x0008, 0x0052, b"CS", name) for name in ("STUDY", "SERIES", "IMAGE")}
    uid = (0x0020, 0x000D, b"UI", "")
    counted = (0x0020, 0x1208, b"IS", "")
    yield "STUDY by Study Instance UID", [level["STUDY"], (0x0020, 0x000D, b"UI", study), counted]
    yield "STUDY by Patient ID", [level["STUDY"], uid, (0x0010, 0x0020, b"LO", f"P{number_of}"), counted]
    yield "STUDY by Accession Number", [level["STUDY"], uid, (0x0008, 0x0050, b"SH", f"A{number_of}")]
    yield "STUDY by Patient's Name", [level["STUDY"], uid, (0x0010, 0x0010, b"PN", f"DOE{number_of}^JOHN")]
    yield "STUDY by Patient's Name, *", [level["STUDY"], uid, (0x0010, 0x0010, b"PN", f"DOE{number_of}^*")]
    yield "SERIES by Series Instance UID", [level["SERIES"], (0x0020, 0x000E, b"UI", f"{study}.1")]
    yield "IMAGE by SOP Instance UID", [level["IMAGE"], (0x0008, 0x0018, b"UI", f"{study}.1.7")]
    yield (
        "IMAGE by Patient ID and number",
        [
            level["IMAGE"],
            (0x0008, 0x0018, b"UI", ""),
            (0x0010, 0x0020, b"LO", f"P{number_of}"),
            (0x0020, 0x0013, b"IS", "7"),
        ],
    )


def _filled(folder: Path, port: int) -> Sequence[str]:
    """Fill an index with a million instances and return the command that serves it."""
    file = configuration(folder, port)
    (folder / "data").mkdir()
    fill_index(folder / "data/coronode.sqlite", STUDIES)
    return [*CORONODE, "serve", "--config", str(file)]


def fill_index(path: Path, studies: int, describe: Callable[[int, int], dict[str, Any]] = lambda *_: {}) -> None:
    """Make an index of studies with `EACH` instances; `describe` gives more columns of an instance, by its place."""
    database = Database.open(f"sqlite:///{path}", durable=False)
    database.migrate()
    database.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous=OFF")
        _insert(connection, StudyRow.__table__, (_study(index) for index in range(studies)))
        _insert(connection, SeriesRow.__table__, (_series(index) for index in range(studies)))
        _insert(
            connection,
            InstanceRow.__table__,
            (_instance(index, number) | describe(index, number) for index in range(studies) for number in range(EACH)),
        )


def _insert(connection: sqlite3.Connection, into: Any, rows: Iterator[dict[str, Any]]) -> None:
    now = str(datetime.now(UTC).replace(tzinfo=None))
    blank: dict[str, Any] = {
        column.name: None if column.nullable else 0 if issubclass(column.type.python_type, int) else ""
        for column in into.columns
    }
    blank |= {
        column.name: now for column in into.columns if column.type.python_type is datetime and not column.nullable
    }
    columns = ",".join(f'"{name}"' for name in blank)
    places = ",".join("?" * len(blank))
    connection.executemany(
        f"INSERT INTO {into.name} ({columns}) VALUES ({places})",  # noqa: S608  # our own names
        (list((blank | row).values()) for row in rows),
    )


def _study(index: int) -> dict[str, Any]:
    return {
        "id": index + 1,
        "study_instance_uid": f"{ROOT}.{index}",
        "patient_id": f"P{index}",
        "patient_name": f"DOE{index}^JOHN",
        "patient_name_folded": f"doe{index}^john",
        "study_date": f"{2010 + index // 1000}{1 + index // 100 % 10:02d}{1 + index % 28:02d}",
        "accession_number": f"A{index}",
    }


def _series(index: int) -> dict[str, Any]:
    return {
        "id": index + 1,
        "study_id": index + 1,
        "series_instance_uid": f"{ROOT}.{index}.1",
        "modality": "CT",
        "origin": "received",
        "state": "delivered",
        "instance_count": EACH,
    }


def _instance(index: int, place: int) -> dict[str, Any]:
    return {
        "id": index * EACH + place + 1,
        "series_id": index + 1,
        "sop_instance_uid": f"{ROOT}.{index}.1.{place}",
        "sop_class_uid": IMAGE_STORAGE[0],
        "instance_number": str(place),
        "path": f"{index}/{place}",
    }


def _coronode(folder: Path, port: int) -> Sequence[str]:
    return [*CORONODE, "serve", "--config", str(configuration(folder, port))]


def _dcmqrscp(folder: Path, port: int) -> Sequence[str]:
    (folder / "db").mkdir()
    file = folder / "dcmqrscp.cfg"
    file.write_text(
        "MaxPDUSize = 16384\nMaxAssociations = 16\nHostTable BEGIN\nHostTable END\n"
        f"AETable BEGIN\nQR {folder / 'db'} RW (100, 4096mb) ANY\nAETable END\n",
        encoding="utf-8",
    )
    return [program("dcmqrscp") or "dcmqrscp", "-c", str(file), str(port)]


def _orthanc(folder: Path, port: int) -> Sequence[str]:
    file = folder / "orthanc.json"
    file.write_text(
        f'{{"StorageDirectory": "{folder / "db"}", "IndexDirectory": "{folder / "db"}", "HttpServerEnabled": false,'
        f' "DicomPort": {port}, "DicomAlwaysAllowStore": true, "DicomAlwaysAllowFind": true,'
        ' "DicomCheckCalledAet": false, "LimitFindResults": 0, "LimitFindInstances": 0, "Plugins": []}',
        encoding="utf-8",
    )
    return [program("Orthanc") or "Orthanc", str(file)]


def _pynetdicom(folder: Path, port: int) -> Sequence[str]:
    (folder / "files").mkdir()
    command_line = [sys.executable, "-m", "pynetdicom", "qrscp", "-q", "--port", str(port), "-ba", "127.0.0.1"]
    places = ["--database-location", f"{folder / 'index.sqlite'}", "--instance-location", str(folder / "files")]
    return [*command_line, *places]


RECEIVERS: Final = (
    Receiver("coronode", "Coronode", _coronode),
    Receiver("dcmqrscp", "DCMTK dcmqrscp", _dcmqrscp, "dcmqrscp"),
    Receiver("orthanc", "Orthanc", _orthanc, "Orthanc"),
    Receiver("pynetdicom", "pynetdicom qrscp", _pynetdicom),
)


def _find_request(message_id: int) -> bytes:
    model = STUDY_ROOT_FIND.encode()
    body = b"".join(
        struct.pack("<HHI", 0, element, len(value)) + value
        for element, value in (
            (0x0002, model + b"\0" * (len(model) % 2)),
            (0x0100, struct.pack("<H", command.C_FIND_RQ)),
            (0x0110, struct.pack("<H", message_id)),
            (0x0700, b"\0\0"),
            (0x0800, b"\1\0"),
        )
    )
    return struct.pack("<HHII", 0, 0, 4, len(body)) + body


def _element(group: int, element: int, vr: bytes, value: str) -> bytes:
    raw = value.encode()
    raw += (b"\0" if vr == b"UI" else b" ") * (len(raw) % 2)
    return struct.pack("<HH2sH", group, element, vr, len(raw)) + raw


def _image(uid: str, index: int) -> bytes:
    return b"".join(
        (
            _element(0x0008, 0x0016, b"UI", IMAGE_STORAGE[0]),
            _element(0x0008, 0x0018, b"UI", uid),
            _element(0x0008, 0x0020, b"DA", "20260102"),
            _element(0x0008, 0x0030, b"TM", "101500"),
            _element(0x0008, 0x0050, b"SH", "A1"),
            _element(0x0008, 0x0060, b"CS", "CT"),
            _element(0x0010, 0x0010, b"PN", "Doe^John"),
            _element(0x0010, 0x0020, b"LO", "P1"),
            _element(0x0020, 0x000D, b"UI", f"{ROOT}.1"),
            _element(0x0020, 0x000E, b"UI", f"{ROOT}.1.1"),
            _element(0x0020, 0x0010, b"SH", "1"),
            _element(0x0020, 0x0011, b"IS", "2"),
            _element(0x0020, 0x0013, b"IS", str(index + 1)),
            struct.pack("<HH2sHH", 0x0028, 0x0010, b"US", 2, 1),
            struct.pack("<HH2sHH", 0x0028, 0x0011, b"US", 2, 1),
            struct.pack("<HH2sxxIH", 0x7FE0, 0x0010, b"OW", 2, 0),
        )
    )


if __name__ == "__main__":
    sys.exit(main())
