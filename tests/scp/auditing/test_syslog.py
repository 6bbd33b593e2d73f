"""Audit messages by syslog."""

import os
import re
import socket
import ssl
import threading
from datetime import UTC, datetime

import pytest

from config.auditing import AuditSettings
from config.errors import ConfigurationError, Transient
from scp.auditing.syslog import Collector, format_line, make_context
from tests.scp.certificates import TRUSTED, authority, issue, write

AT = datetime(2026, 5, 1, 8, 30, 15, 250000, tzinfo=UTC)


def split_frames(data: bytes) -> list[str]:
    """Messages by their lengths (RFC 5425 4.3)."""
    found = []
    while data:
        length, _, data = data.partition(b" ")
        found.append(data[: int(length)].decode())
        data = data[int(length) :]
    return found


class Server:
    """A collector for some connections, each of which it reads to its end."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.received = b""
        self.names: list[object] = []
        self._connection: socket.socket | None = None
        self.arrived = threading.Condition()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            with plain:
                try:
                    self._connection = self._context.wrap_socket(plain, server_side=True) if self._context else plain
                    with self._connection:
                        if isinstance(self._connection, ssl.SSLSocket):
                            self.names.append(self._connection.getpeercert())
                        while data := self._connection.recv(65536):
                            with self.arrived:
                                self.received += data
                                self.arrived.notify_all()
                except OSError:
                    continue

    def wait_for(self, count: int) -> list[str]:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self._split()) >= count, 10)
            return self._split()

    def _split(self) -> list[str]:
        try:
            return split_frames(self.received)
        except ValueError:
            return []

    def hang_up(self) -> None:
        assert self._connection is not None
        self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def serve():
    servers = []

    def start(context: ssl.SSLContext | None = None) -> Server:
        servers.append(Server(context))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def collector():
    made = []

    def make(url: str, **keys: object) -> Collector:
        made.append(Collector(AuditSettings(collector=url, **keys)))
        return made[-1]

    yield make
    for one in made:
        one.close()


def make_server_context(folder, *, asks: bool = False) -> ssl.SSLContext:
    certificate, key = write(folder, "collector", issue("collector", ("localhost",)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    (folder / "ca.pem").write_bytes(authority(TRUSTED).issued.certificate)
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "ca.pem")
    return context


def test_the_header_is_that_of_rfc_5424():
    line = format_line("<AuditMessage/>", AT, 12, "node.example")
    header, _, message = line.partition("\ufeff")
    assert header == (
        f'<85>1 2026-05-01T08:30:15.250000Z node.example coronode {os.getpid()} DICOM+RFC3881 [meta sequenceId="12"] '
    )
    assert message == "<AuditMessage/>"


@pytest.mark.parametrize(
    ("host", "written"), [("", "-"), ("a b", "a-b"), ("rechner-ü", "rechner--"), ("x" * 300, "x" * 255)]
)
def test_a_host_name_is_printable_ascii(host, written):
    assert format_line("", AT, 1, host).split(" ")[2] == written


@pytest.mark.parametrize(("position", "counted"), [(1, 1), (2**31 - 1, 2**31 - 1), (2**31, 1)])
def test_the_sequence_begins_anew_after_its_highest_number(position, counted):
    assert re.search(r'sequenceId="(\d+)"', format_line("", AT, position, "h"))[1] == str(counted)


def test_messages_arrive_whole_and_in_order(serve, collector):
    server = serve()
    sender = collector(f"tcp://127.0.0.1:{server.port}")
    sender.send(["first", "zweite ä"])
    sender.send(["third"])
    assert server.wait_for(3) == ["first", "zweite ä", "third"]


def test_over_tls_the_collector_is_known_by_its_name(serve, collector, tmp_path):
    server = serve(make_server_context(tmp_path))
    sender = collector(f"tls://localhost:{server.port}", ca=tmp_path / "ca.pem")
    sender.send(["message"])
    assert server.wait_for(1) == ["message"]


def test_a_collector_of_another_name_gets_nothing(serve, collector, tmp_path):
    server = serve(make_server_context(tmp_path))
    with pytest.raises(Transient, match="takes no messages"):
        collector(f"tls://127.0.0.1:{server.port}", ca=tmp_path / "ca.pem").send(["message"])
    assert server.received == b""


def test_a_collector_of_an_unknown_authority_gets_nothing(serve, collector, tmp_path):
    server = serve(make_server_context(tmp_path))
    other = tmp_path / "other.pem"
    other.write_bytes(authority("other").issued.certificate)
    with pytest.raises(Transient, match="takes no messages"):
        collector(f"tls://localhost:{server.port}", ca=other).send(["message"])


def test_this_node_shows_its_certificate_where_it_is_asked(serve, collector, tmp_path):
    server = serve(make_server_context(tmp_path, asks=True))
    certificate, key = write(tmp_path, "node", issue("audited"))
    sender = collector(f"tls://localhost:{server.port}", ca=tmp_path / "ca.pem", certificate=certificate, key=key)
    sender.send(["message"])
    assert server.wait_for(1) == ["message"]
    assert "audited" in str(server.names)


def test_a_connection_that_the_collector_ended_is_opened_anew(serve, collector):
    server = serve()
    sender = collector(f"tcp://127.0.0.1:{server.port}")
    sender.send(["first"])
    server.wait_for(1)
    server.hang_up()
    sender.send(["second"])
    assert server.wait_for(2) == ["first", "second"]


def test_nobody_there_is_transient(collector):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(Transient, match=rf"tcp://127.0.0.1:{port} takes no messages"):
        collector(f"tcp://127.0.0.1:{port}").send(["message"])


def test_files_that_cannot_be_used_are_refused_at_the_start(tmp_path):
    with pytest.raises(ConfigurationError, match=r"audit\.ca"):
        make_context(AuditSettings(collector="tls://h", ca=tmp_path / "none.pem"))
