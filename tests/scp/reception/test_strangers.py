"""Whoever connects and says nothing keeps nobody else out."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from config.settings import Settings
from dicom.sop_classes import UNCOMPRESSED, VERIFICATION
from scp.network import negotiation, pdu
from scp.network.negotiation import PresentationContext
from scp.reception.addresses import AddressBook
from scp.reception.admission import Admission
from scp.reception.server import Server
from scp.services import verification

SCANNER, VIEWER, STRANGER = "127.0.0.2", "127.0.0.3", "127.0.0.9"
PEERS = {"CT": {"ae_title": "CT1", "host": SCANNER}, "PC": {"ae_title": "VIEWER", "host": VIEWER}}
ACCEPTED = (pdu.A_ASSOCIATE_AC, b"")
LIMIT_EXCEEDED = (pdu.A_ASSOCIATE_RJ, bytes([0, 2, 3, 2]))
CLOSED = (0, b"")

Call = Callable[..., socket.socket]


@pytest.fixture
def call() -> Iterator[Call]:
    """`call(port, address)` opens a connection from an address of this machine; all are closed in the end."""
    with ExitStack() as stack:

        def connect(port: int, address: str) -> socket.socket:
            connection = socket.create_connection(("127.0.0.1", port), 20, source_address=(address, 0))
            return stack.enter_context(connection)

        yield connect


@contextmanager
def listening(*, book: AddressBook | None = None, peers: dict | None = None, **node: object) -> Iterator[int]:
    settings = Settings(node={"port": 0, "acse_timeout": 60} | node, peers=PEERS if peers is None else peers)
    admission = Admission(
        settings.node.ae_title, settings.peers, settings.node.accept_unknown_peers, book or AddressBook()
    )
    server = Server(settings.node, admission, (verification.provide(),))
    server.start()
    try:
        yield server.port
    finally:
        server.stop()


def associate(connection: socket.socket, calling: str) -> tuple[int, bytes]:
    """Ask for an association, and return type and body of the answer, but not the body of an acceptance."""
    request, _ = negotiation.propose(calling, "CORONODE", [PresentationContext(VERIFICATION, UNCOMPRESSED)], 0)
    connection.sendall(request)
    return answer(connection)


def answer(connection: socket.socket) -> tuple[int, bytes]:
    header = exactly(connection, 6)
    if not header:
        return CLOSED
    kind, length = struct.unpack(">BxI", header)
    body = exactly(connection, length)
    return (kind, b"" if kind == pdu.A_ASSOCIATE_AC else body)


def exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        try:
            part = connection.recv(count - len(data))
        except ConnectionError:
            return b""
        if not part:
            return b""
        data += part
    return data


def test_strangers_are_closed_at_once_and_a_peer_gets_in(call):
    with listening() as port:
        strangers = [call(port, STRANGER) for _ in range(110)]
        assert associate(call(port, SCANNER), "CT1") == ACCEPTED
        assert {answer(stranger) for stranger in strangers} == {CLOSED}


def test_without_peers_everyone_is_a_stranger(call):
    with listening(peers={}) as port:
        assert answer(call(port, SCANNER)) == CLOSED


def test_with_unknown_peers_accepted_nobody_is_a_stranger(call):
    with listening(accept_unknown_peers=True) as port:
        assert associate(call(port, STRANGER), "ANYONE") == ACCEPTED


def test_silence_of_one_peer_keeps_neither_another_nor_itself_out(call):
    with listening() as port:
        silent = [call(port, SCANNER) for _ in range(110)]
        assert associate(call(port, VIEWER), "VIEWER") == ACCEPTED
        assert associate(call(port, SCANNER), "CT1") == ACCEPTED
        assert answer(silent[0]) == CLOSED  # the oldest made room


@pytest.mark.parametrize("limits", [{}, {"max_associations_per_peer": 2}], ids=["all", "one peer's"])
def test_an_association_too_many_is_told_so(call, limits):
    most = limits.get("max_associations_per_peer", 32)
    with listening(**({"max_associations_per_peer": 100} | limits)) as port:
        opened = [call(port, SCANNER) for _ in range(most)]
        assert [associate(connection, "CT1") for connection in opened] == [ACCEPTED] * most
        assert associate(call(port, SCANNER), "CT1") == LIMIT_EXCEEDED
        opened[0].sendall(pdu.RELEASE_RQ)
        assert answer(opened[0])[0] == pdu.A_RELEASE_RP
        assert associate(call(port, SCANNER), "CT1") == ACCEPTED  # though the first is not closed


def test_the_answer_to_one_too_many_is_the_same_however_many_there_are(call):
    """A rejected peer that keeps its connection takes no place and no thread for long."""
    before = threading.active_count()
    with listening(max_associations=1) as port:
        assert associate(call(port, VIEWER), "VIEWER") == ACCEPTED
        assert {associate(call(port, SCANNER), "CT1") for _ in range(150)} == {LIMIT_EXCEEDED}
        assert threading.active_count() - before < 60


def test_a_name_server_that_does_not_answer_keeps_nobody_waiting(call):
    held = threading.Event()

    def never(_host: str) -> list[str]:
        held.wait(30)
        return []

    lost = {"LOST": {"ae_title": "LOST", "host": "lost.example"}}
    with listening(peers=lost | PEERS, book=AddressBook(never)) as port:
        assert associate(call(port, SCANNER), "CT1") == ACCEPTED
        held.set()


def test_a_peer_by_name_gets_in(call):
    named = {"CT": {"ae_title": "CT1", "host": "scanner.example"}}
    with listening(peers=named, book=AddressBook(lambda _host: [SCANNER])) as port:
        assert associate(call(port, SCANNER), "CT1") == ACCEPTED
        assert answer(call(port, STRANGER)) == CLOSED
