"""Destinations that answer in odd ways: what is delivered, and what the operator is told."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from config.errors import Permanent, Transient
from config.settings import NodeSettings, PeerSettings
from scp.cli.peers import send
from scp.scu import storage

RELEASE_RQ, RELEASE_RP, ABORT = (bytes([kind, 0, 0, 0, 0, 4, 0, 0, 0, 0]) for kind in (5, 6, 7))
DICOM = b"1.2.840.10008.3.1.1.1"


def item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(value)) + value


def element(number: int, value: bytes) -> bytes:
    value += b"\0" * (len(value) % 2)
    return struct.pack("<HHI", 0, number, len(value)) + value


def us(value: int) -> bytes:
    return struct.pack("<H", value)


def p_data(value: bytes, *, is_last: bool = True) -> bytes:
    control = 3 if is_last else 1
    return struct.pack(">BxIIBB", 4, len(value) + 6, len(value) + 2, 1, control) + value


@dataclass
class Manner:
    """How a peer answers: with an A-ASSOCIATE-AC, up to `maximum`, and with C-STORE-RSPs."""

    user: bytes = b""
    extra: bytes = b""
    titles: bytes | None = None
    context_suffix: bytes = b""
    syntax_suffix: bytes = b""
    maximum: int = 16384
    status: int | None = 0
    message_id: int | None = -1  # that of the request
    has_affected: bool = True
    has_group_length: bool = True
    comment: bytes = b""
    step: int = 0  # bytes of each fragment of a response; 0: all
    after_store: bytes = b""
    releases: Callable[[socket.socket], None] = field(default=lambda connection: connection.sendall(RELEASE_RP))


class OddPacs:
    """Takes one association, and speaks bytes."""

    def __init__(self, manner: Manner) -> None:
        self._manner = manner
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.longest = 0  # P-DATA-TF
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._thread.join(20)

    def _run(self) -> None:
        with closing(self._listener):
            connection, _ = self._listener.accept()
        with closing(connection):
            connection.settimeout(20)
            try:
                self._serve(connection)
            except (EOFError, OSError):
                return

    def _serve(self, connection: socket.socket) -> None:
        _, request = self._read(connection)
        connection.sendall(self._accept(request))
        gathered = b""
        while True:
            kind, body = self._read(connection)
            if kind == 5:
                self._manner.releases(connection)
                return
            if kind != 4:
                return
            self.longest = max(self.longest, len(body))
            gathered += body[6:] if body[5] & 1 else b""
            if body[5] == 2:  # the last fragment of a data set
                connection.sendall(self._respond(gathered) + self._manner.after_store)
                gathered = b""

    def _accept(self, request: bytes) -> bytes:
        manner = self._manner
        titles = request[4:68] if manner.titles is None else manner.titles * 2 + bytes(32)
        syntax = item(0x40, ExplicitVRLittleEndian.encode() + manner.syntax_suffix)
        user = item(0x51, struct.pack(">I", manner.maximum)) + item(0x52, b"1.2.3.4") + manner.user
        body = request[:4] + titles + item(0x10, DICOM + manner.context_suffix)
        body += item(0x21, bytes([1, 0, 0, 0]) + syntax) + item(0x50, user) + manner.extra
        return struct.pack(">BxI", 2, len(body)) + body

    def _respond(self, request: bytes) -> bytes:
        manner = self._manner
        at = request.index(struct.pack("<HHI", 0, 0x0110, 2))
        number = int.from_bytes(request[at + 8 : at + 10], "little") if manner.message_id == -1 else manner.message_id
        parts = [
            element(0x0002, CTImageStorage.encode()) if manner.has_affected else b"",
            element(0x0100, us(0x8001)),
            b"" if number is None else element(0x0120, us(number)),
            element(0x0800, us(0x0101)),
            b"" if manner.status is None else element(0x0900, us(manner.status)),
            element(0x0902, manner.comment) if manner.comment else b"",
            element(0x1000, b"1.2.3.1") if manner.has_affected else b"",
        ]
        command = b"".join(parts)
        if manner.has_group_length:
            command = element(0x0000, struct.pack("<I", len(command))) + command
        step = manner.step or len(command)
        starts = range(0, len(command), step)
        return b"".join(p_data(command[at : at + step], is_last=at + step >= len(command)) for at in starts)

    def _read(self, connection: socket.socket) -> tuple[int, bytes]:
        kind, length = struct.unpack(">BxI", exactly(connection, 6))
        return kind, exactly(connection, length)


def exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    """Two small CT images."""
    paths = []
    for number in (1, 2):
        image = Dataset()
        image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, f"1.2.3.{number}"
        image.add_new(0x7FE00010, "OW", bytes(3000))
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        paths.append(tmp_path / f"{number}.dcm")
        image.save_as(paths[-1], enforce_file_format=True)
    return paths


@pytest.fixture
def pacs_with() -> Iterator[Callable[..., OddPacs]]:
    made: list[OddPacs] = []

    def make(**manner: object) -> OddPacs:
        made.append(OddPacs(Manner(**manner)))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def store_all(pacs: OddPacs, images: list[Path]) -> list[int]:
    """The statuses; raises what the first failure raises."""
    peer = PeerSettings(ae_title="PACS", host="127.0.0.1", port=pacs.port)
    objects = [storage.Sending.from_file(path) for path in images]
    node = NodeSettings(acse_timeout=10, dimse_timeout=10)
    with storage.open_for(node, peer, objects) as association:
        return [storage.store(association, one, peer) for one in objects]


@pytest.mark.parametrize(
    "manner",
    [
        {"user": item(0x5F, b"vendor")},
        {"extra": item(0x7F, b"xx")},
        {"user": item(0x55, b"A_VERSION_NAME_THAT_IS_LONGER_THAN_16")},
        {"user": item(0x55, "Röntgen\0".encode())},
        {"titles": b" " * 16},
        {"titles": bytes(16)},
        {"context_suffix": b"\0"},
        {"syntax_suffix": b"\0"},
        {"maximum": 0},
        {"user": item(0x53, struct.pack(">HH", 1, 1))},
        {"user": item(0x59, struct.pack(">H", 0))},
        {"has_affected": False},
        {"has_group_length": False},
        {"step": 1},
        {"releases": lambda connection: connection.sendall(RELEASE_RQ + RELEASE_RP)},
        {"releases": socket.socket.close},
    ],
    ids=[
        "unknown user item",
        "unknown item",
        "long version",
        "odd version",
        "blank titles",
        "NUL titles",
        "padded context name",
        "padded transfer syntax",
        "no maximum",
        "operations window",
        "user identity",
        "no affected UIDs",
        "no group length",
        "bytes one by one",
        "release collision",
        "closes without A-RELEASE-RP",
    ],
)
def test_what_is_odd_but_clear_is_delivered(pacs_with, images, manner):
    assert store_all(pacs_with(**manner), images) == [0, 0]


def test_a_small_maximum_is_kept(pacs_with, images):
    pacs = pacs_with(maximum=512)
    assert store_all(pacs, images) == [0, 0]
    assert pacs.longest <= 512


@pytest.mark.parametrize("status", [0x0111, 0xB007, 0xB000, 0x0107, 0x0116, 0x0001])
def test_stored_with_a_warning_is_delivered(pacs_with, images, status):
    assert store_all(pacs_with(status=status), images) == [status, status]


@pytest.mark.parametrize(
    ("manner", "error", "words"),
    [
        ({"message_id": 9999}, Transient, "the response is to message 9999, not to 1"),
        ({"message_id": None}, Transient, "without Message ID Being Responded To"),
        ({"status": None}, Transient, "answered C-STORE without a status"),
        ({"status": 0x0106}, Permanent, "0x0106 invalid attribute value"),
        ({"status": 0x0002}, Permanent, "0x0002 failure"),
        ({"status": 0xFF00}, Permanent, "0xFF00 pending"),
        ({"status": 0xC001, "comment": "Fehler: ungültig".encode("latin-1")}, Permanent, "Fehler: ungültig"),
        ({"status": 0xC001, "comment": "Fehler: ungültig".encode()}, Permanent, "Fehler: ungültig"),
        ({"status": 0xA900, "comment": b"no\x1b[2Jcolour\n"}, Permanent, "no [2Jcolour"),
        ({"after_store": ABORT}, Transient, "the peer aborted"),
        ({"after_store": RELEASE_RQ}, Transient, "the peer requested release before it responded"),
    ],
)
def test_a_failure_is_told_in_words(pacs_with, images, manner, error, words):
    with pytest.raises(error) as caught:
        store_all(pacs_with(**manner), images)
    assert words in str(caught.value)
    assert str(caught.value).startswith("PACS at 127.0.0.1:")


def test_a_long_comment_is_shortened(pacs_with, images):
    with pytest.raises(Permanent) as caught:
        store_all(pacs_with(status=0xA900, comment=b"x" * 5000), images)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("manner", "sent"),
    [({"message_id": 9999}, 0), ({"after_store": ABORT}, 1), ({"status": 0x0106}, 0), ({"status": 0x0107}, 2), ({}, 2)],
)
def test_the_command_counts_what_the_peer_took(pacs_with, images, tmp_path, manner, sent):
    pacs = pacs_with(**manner)
    file = tmp_path / "coronode.toml"
    file.write_text(f'[peers.PACS]\nae_title = "PACS"\nhost = "127.0.0.1"\nport = {pacs.port}\n')
    result = CliRunner().invoke(send, ["--config", str(file), "PACS", *map(str, images)])
    assert f"{sent} of 2 sent to PACS" in result.output
    assert result.exit_code == (0 if sent == 2 else 1)
