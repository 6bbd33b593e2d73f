"""Mutated byte streams against the node's upper layer: no crash, hang or leak, and only valid responses.

    python -m bench.mutate --streams 100000 --seed 1 [--log mutate.log]

Each stream is a valid conversation (association with options and user identity, C-ECHO, C-STORE, three C-FINDs sent
without waiting, one of them cancelled, release) in which bytes are changed, cut out, doubled, moved or replaced by
extreme lengths. In every third stream the items of the A-ASSOCIATE-RQ are changed first: omitted, doubled, moved,
filled with noise, or given an unknown type or a wrong length; the PDU's own length is then correct, so that the items
are read. The sender then closes its half; the node must return only complete PDUs that an acceptor may send, and end
the connection. From time to time a valid conversation must still succeed. Threads and descriptors are counted at the
end. With `--log` a line is written after every 500 streams; a later run with the same log and seed goes on after the
last of them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import struct
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from config.settings import Settings
from dicom.process import configure_process
from dicom.sop_classes import STUDY_ROOT_FIND, VERIFICATION
from scp import logs
from scp.network import associate, command, items, negotiation, pdu, requests
from scp.network.errors import Violation
from scp.network.negotiation import PresentationContext
from scp.network.user_information import (
    CommonExtendedNegotiation,
    ExtendedNegotiation,
    OperationsWindow,
    RoleSelection,
    UserIdentity,
)
from scp.reception.admission import Admission
from scp.reception.server import Server
from scp.services import verification
from scp.services.query import QueryScp
from scp.services.storage import IMAGE_STORAGE, StorageScp
from storage.database.engine import Database
from storage.objects.files import Files

EXPLICIT: Final = "1.2.840.10008.1.2.1"
EXTREMES: Final = (
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\0\0\0\1",
    b"\xff\xfe\xff\xfe",
    b"\0\0\xff\xff",
)
ANSWERS: Final = frozenset({pdu.A_ASSOCIATE_AC, pdu.A_ASSOCIATE_RJ, pdu.P_DATA_TF, pdu.A_RELEASE_RP, pdu.A_ABORT})
PATIENCE_SECONDS: Final = 20.0
CHECK_EVERY: Final = 500
QUERIES: Final = (3, 4, 5)  # Message IDs
CANCELLED: Final = 4
OPTIONS: Final[dict[str, Any]] = {
    "operations_window": OperationsWindow(0, 0),
    "roles": (RoleSelection(IMAGE_STORAGE[0], scu=True, scp=True),),
    "extended": (
        ExtendedNegotiation(STUDY_ROOT_FIND, bytes([1] * 7)),
        ExtendedNegotiation(IMAGE_STORAGE[0], bytes([3, 0, 0, 0, 2, 0])),
    ),
    "common_extended": (CommonExtendedNegotiation(IMAGE_STORAGE[1], "1.2.840.10008.4.2", (IMAGE_STORAGE[0],)),),
    "identity": UserIdentity(2, response_requested=True, primary=b"USER", secondary=b"PASS"),
}
PARTS: Final = 10
FIXED_BYTES: Final = 68  # of an A-ASSOCIATE-RQ before its items
INSIDE: Final = 0.6  # probability of changing a nested item instead


@dataclass
class Outcome:
    """The outcome of a run; `faults` is empty if all is well."""

    streams: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    threads: tuple[int, int] = (0, 0)
    descriptors: tuple[int, int] = (0, 0)
    memory_kb: list[int] = field(default_factory=list)
    longest_seconds: float = 0


def make_stream(uid: str = "1.2.3.4.1") -> bytes:
    """Make a complete conversation of a well-behaved peer."""
    proposals = [
        PresentationContext(IMAGE_STORAGE[0], (EXPLICIT,)),
        PresentationContext(VERIFICATION, (EXPLICIT,)),
        PresentationContext(STUDY_ROOT_FIND, (EXPLICIT,)),
    ]
    _, request = negotiation.propose("SCANNER", "CORONODE", proposals, 16384)
    opening = associate.encode_request(replace(request, user=replace(request.user, **OPTIONS)))
    identifier = _element(0x0008, 0x0018, b"UI", b"") + _element(0x0008, 0x0052, b"CS", b"IMAGE ")
    finds = [
        part
        for number in QUERIES
        for part in (
            *pdu.encode_fragments(_find_request(number), 5, 16378, is_command=True),
            *pdu.encode_fragments(identifier, 5, 16378, is_command=False),
        )
    ]
    return b"".join(
        (
            pdu.encode_associate(pdu.A_ASSOCIATE_RQ, opening),
            *pdu.encode_fragments(requests.encode_echo(1, VERIFICATION), 3, 16378, is_command=True),
            *pdu.encode_fragments(requests.encode_store(2, IMAGE_STORAGE[0], uid), 1, 16378, is_command=True),
            *pdu.encode_fragments(_image(uid), 1, 300, is_command=False),
            *finds,
            *pdu.encode_fragments(requests.encode_cancel(CANCELLED), 5, 16378, is_command=True),
            pdu.RELEASE_RQ,
        )
    )


def mutate_association(stream: bytes, rng: random.Random) -> bytes:
    """Make one to three changes to items of the A-ASSOCIATE-RQ, at any depth."""
    length = int.from_bytes(stream[2:6], "big")
    body, rest = stream[pdu.HEADER_BYTES : pdu.HEADER_BYTES + length], stream[pdu.HEADER_BYTES + length :]
    fixed, variable = body[:FIXED_BYTES], body[FIXED_BYTES:]
    for _ in range(rng.randint(1, 3)):
        variable = _change_item(variable, rng)
    return pdu.encode_associate(pdu.A_ASSOCIATE_RQ, fixed + variable) + rest


def _change_item(data: bytes, rng: random.Random) -> bytes:
    """Change one item, or one nested in it; items with a wrong length are left alone."""
    pairs = _split_items(data)
    if not pairs:
        return data + items.encode_item(rng.randrange(256), rng.randbytes(rng.randrange(40)))
    at = rng.randrange(len(pairs))
    kind, value = pairs[at]
    head = {items.PROPOSED_CONTEXT: 4, items.USER_INFORMATION: 0}.get(kind)
    if head is not None and rng.random() < INSIDE:
        pairs[at] = kind, value[:head] + _change_item(value[head:], rng)
        return b"".join(items.encode_item(*each) for each in pairs)
    encoded = [items.encode_item(*each) for each in pairs]
    match rng.choice(("drop", "double", "move", "noise", "unknown", "length", "long")):
        case "drop":
            del encoded[at]
        case "double":
            encoded.insert(rng.randrange(len(encoded)), encoded[at])
        case "move":
            encoded.insert(rng.randrange(len(encoded)), encoded.pop(at))
        case "noise":
            encoded[at] = items.encode_item(kind, rng.randbytes(len(value)))
        case "unknown":
            encoded[at] = items.encode_item(rng.randrange(256), value)
        case "length":
            encoded[at] = encoded[at][:2] + rng.randbytes(2) + value
        case _:
            encoded[at] = items.encode_item(kind, value + rng.randbytes(rng.choice((1, 64, 3000))))
    return b"".join(encoded)


def _split_items(data: bytes) -> list[tuple[int, bytes]]:
    try:
        return list(items.read_items(data))
    except Violation:  # an earlier change made a length wrong
        return []


def mutate(stream: bytes, rng: random.Random) -> bytes:
    """Make one to four changes to the stream."""
    data = bytearray(stream)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) or 1)
        part = slice(at, at + rng.choice((1, 2, 4, 6, 16, 64, 300)))
        match rng.choice(("change", "cut", "double", "extreme", "end", "noise", "swap")):
            case "change":
                data[at : at + 1] = rng.randbytes(1)
            case "cut":
                del data[part]
            case "double":
                data[at:at] = data[part]
            case "extreme":
                data[at : at + 4] = rng.choice(EXTREMES)
            case "end":
                del data[at:]
            case "noise":
                data[at:at] = rng.randbytes(part.stop - at)
            case _:
                other = rng.randrange(len(data) or 1)
                there = slice(other, other + part.stop - at)
                data[part], data[there] = data[there], data[part]
    return bytes(data)


def converse(port: int, stream: bytes) -> tuple[str, str]:
    """Send a stream and close; return how it ended, and any fault in the responses ("" if none)."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as connection:
        connection.settimeout(PATIENCE_SECONDS)
        try:
            connection.sendall(stream)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        answer = b""
        try:
            while part := connection.recv(65536):
                answer += part
        except TimeoutError:
            return "hang", f"no end within {PATIENCE_SECONDS} s"
        except OSError:
            pass
    kinds = []
    while answer:
        if len(answer) < pdu.HEADER_BYTES:
            return "cut", "" if kinds else "a response that is not a PDU"
        kind, length = struct.unpack_from(">BxI", answer)
        if kind not in ANSWERS:
            return "odd", f"a PDU of type {kind} in the response"
        kinds.append(kind)
        answer = answer[pdu.HEADER_BYTES + length :]
    names = {pdu.A_RELEASE_RP: "release", pdu.A_ABORT: "abort", pdu.A_ASSOCIATE_RJ: "reject"}
    return names.get(kinds[-1], "closed") if kinds else "closed", ""


def run(streams: int, seed: int, first: int = 0, log: Path | None = None) -> Outcome:
    """Send the mutated streams from number `first` on, one after the other, and note in `log` how far it is."""
    outcome = Outcome()
    with _serve() as (port, incoming):
        valid = make_stream()
        for _ in range(3):
            converse(port, valid)
        before = threading.active_count(), _descriptors()
        for number in range(first, streams):
            rng = random.Random(f"{seed}:{number}")  # noqa: S311  # reproducible
            begun = time.perf_counter()
            opened = mutate_association(valid, rng) if number % 3 == 0 else valid
            ending, fault = converse(port, opened if number % 6 == 0 else mutate(opened, rng))
            outcome.longest_seconds = max(outcome.longest_seconds, time.perf_counter() - begun)
            outcome.endings[ending] += 1
            outcome.streams += 1
            if fault:
                outcome.faults.append(f"stream {number}: {fault}")
            if number % max(1, streams // PARTS) == 0:
                outcome.memory_kb.append(_memory_kb())
            if number % CHECK_EVERY == CHECK_EVERY - 1:
                ending, _ = converse(port, valid)
                if ending != "release":
                    outcome.faults.append(f"after stream {number}: a valid conversation ended with {ending}")
                _note(log, seed, number, outcome)
        _settle(before)
        outcome.threads = before[0], threading.active_count()
        outcome.descriptors = before[1], _descriptors()
        if list(incoming.iterdir()):
            outcome.faults.append("temporary files remain")
        if outcome.threads[1] > outcome.threads[0]:
            outcome.faults.append("threads remain")
        if outcome.descriptors[1] > outcome.descriptors[0]:
            outcome.faults.append("descriptors remain")
    return outcome


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=Path, help="note here how far it is, and go on from there")
    arguments = parser.parse_args()
    outcome = run(arguments.streams, arguments.seed, _find_next(arguments.log, arguments.seed), arguments.log)
    print(f"{outcome.streams} streams, seed {arguments.seed}: {dict(outcome.endings)}")
    print(f"longest {outcome.longest_seconds:.2f} s, threads {outcome.threads}, descriptors {outcome.descriptors}")
    print(f"memory after each tenth of the streams: {outcome.memory_kb} kB")
    for fault in outcome.faults[:20]:
        print(fault)
    return 1 if outcome.faults else 0


def _note(log: Path | None, seed: int, number: int, outcome: Outcome) -> None:
    if log is not None:
        line = {"seed": seed, "stream": number, "memory_kb": _memory_kb(), "faults": outcome.faults}
        with log.open("a") as file:
            file.write(json.dumps(line | {"endings": outcome.endings}) + "\n")


def _find_next(log: Path | None, seed: int) -> int:
    """Find the stream after the last one of this seed in the log."""
    lines = log.read_text().splitlines() if log is not None and log.exists() else []
    return max((line["stream"] + 1 for line in map(json.loads, lines) if line["seed"] == seed), default=0)


@contextmanager
def _serve() -> Iterator[tuple[int, Path]]:
    logs.configure("error", "text")
    configure_process()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            node={
                "port": 0,
                "accept_unknown_peers": True,
                "data_dir": folder,
                "acse_timeout": 1,
                "dimse_timeout": 2,
                "network_timeout": 4,
            }
        )
        database = Database.open(f"sqlite:///{folder}/index.sqlite", durable=False)
        database.migrate()
        files = Files(Path(folder) / "objects", durable=False)
        storage = StorageScp(database, files, clock=lambda: datetime.now(UTC), received=lambda _uid, _holder: None)
        services = (
            verification.provide(),
            storage.provide(),
            QueryScp(database, files, settings.node.ae_title).provide(),
        )
        server = Server(settings.node, Admission.from_settings(settings), services)
        server.start()
        try:
            yield server.port, files.root / "incoming"
        finally:
            server.stop()
            database.close()


def _find_request(message_id: int) -> bytes:
    return requests.encode_query(command.C_FIND_RQ, message_id, STUDY_ROOT_FIND)


def _element(group: int, element: int, vr: bytes, value: bytes) -> bytes:
    return struct.pack("<HH2sH", group, element, vr, len(value)) + value


def _image(uid: str) -> bytes:
    def text(value: str) -> bytes:
        return value.encode() + b"\0" * (len(value) % 2)

    return b"".join(
        (
            _element(0x0008, 0x0016, b"UI", text(IMAGE_STORAGE[0])),
            _element(0x0008, 0x0018, b"UI", text(uid)),
            _element(0x0008, 0x0060, b"CS", b"CT"),
            struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF),
            struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF),
            _element(0x0008, 0x1155, b"UI", b"1.2."),
            struct.pack("<HHI", 0xFFFE, 0xE00D, 0),
            struct.pack("<HHI", 0xFFFE, 0xE0DD, 0),
            _element(0x0010, 0x0020, b"LO", b"77"),
            _element(0x0020, 0x000D, b"UI", b"1.2.3\0"),
            _element(0x0020, 0x000E, b"UI", b"1.2.3.4\0"),
            _element(0x0028, 0x0010, b"US", b"\1\0"),
            _element(0x0028, 0x0011, b"US", b"\1\0"),
            struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, 800) + bytes(800),
        )
    )


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def _memory_kb() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


def _settle(before: tuple[int, int]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and (threading.active_count() > before[0] or _descriptors() > before[1]):
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
