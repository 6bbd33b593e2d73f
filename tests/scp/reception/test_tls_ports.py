"""A server with a port for TLS: beside the one without, alone, under strangers, and while its files change."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from config.errors import ConfigurationError, Transient
from config.settings import NodeSettings, PeerSettings, Settings
from scp.metrics import REGISTRY
from scp.reception.admission import Admission
from scp.reception.server import Server
from scp.scu.verification import verify
from scp.services import verification
from tests.scp import certificates

pytestmark = pytest.mark.component

PEERS = {"CT": {"ae_title": "CT1", "host": "127.0.0.1"}}


@contextmanager
def listening(folder: Path, tls: dict[str, object], **node: object) -> Iterator[Server]:
    files = certificates.write_node(folder) | {"port": 0}
    settings = Settings(node={"port": 0, "acse_timeout": 60, "tls": files | tls} | node, peers=PEERS)
    server = Server(settings.node, Admission.from_settings(settings), (verification.provide(),))
    server.start()
    try:
        yield server
    finally:
        server.stop()


def echo(folder: Path, port: int, *, tls: bool = True, **peer: object) -> None:
    """C-ECHO as CT1, which has a certificate of its own."""
    own, key = folder / "caller.pem", folder / "caller.key"
    if not own.exists():
        certificates.write(folder, "caller", certificates.issue("peer"))
    node = NodeSettings(ae_title="CT1", tls={"certificate": own, "key": key, "ca": folder / "ca.pem"})
    verify(node, PeerSettings(ae_title="CORONODE", host="127.0.0.1", port=port, tls=tls, **peer))


def test_both_ports_answer_side_by_side(tmp_path):
    with listening(tmp_path, {}) as server:
        assert server.addresses == [f"127.0.0.1:{server.port}", f"127.0.0.1:{server.tls_port} (TLS)"]
        echo(tmp_path, server.tls_port)
        echo(tmp_path, server.port, tls=False)
        for port, tls in ((server.port, True), (server.tls_port, False)):
            with pytest.raises(Transient):
                echo(tmp_path, port, tls=tls)


def test_the_port_without_tls_can_be_closed(tmp_path):
    with listening(tmp_path, {"only": True}) as server:
        assert server.addresses == [f"127.0.0.1:{server.tls_port} (TLS)"]
        echo(tmp_path, server.tls_port)
        with pytest.raises(RuntimeError, match="no port without TLS"):
            _ = server.port


def test_a_port_in_use_is_named_by_its_key(tmp_path):
    with (
        closing(socket.create_server(("127.0.0.1", 0))) as taken,
        pytest.raises(ConfigurationError, match=r"node\.host, node\.tls\.port: cannot listen"),
        listening(tmp_path, {"port": taken.getsockname()[1]}),
    ):
        pass


def test_connections_that_never_finish_the_handshake_keep_nobody_out(tmp_path):
    """They wait in the lobby, and the oldest makes room: accept() itself never waits for a peer."""
    with ExitStack() as stack:
        server = stack.enter_context(listening(tmp_path, {}))
        for number in range(40):  # more than one host may have
            silent = stack.enter_context(socket.create_connection(("127.0.0.1", server.tls_port), 20))
            if number % 2:
                silent.sendall(b"\x16\x03\x01\x02\x00\x01")  # the beginning of a ClientHello
        echo(tmp_path, server.tls_port)


def test_a_called_peer_that_never_answers_the_greeting_is_given_up(tmp_path, mute):
    own, key = certificates.write(tmp_path, "caller", certificates.issue("peer"))
    (tmp_path / "ca.pem").write_bytes(certificates.authority(certificates.TRUSTED).issued.certificate)
    tls = {"certificate": own, "key": key, "ca": tmp_path / "ca.pem"}
    node = NodeSettings(ae_title="CT1", acse_timeout=0.3, tls=tls)
    with pytest.raises(Transient, match=r"no association: not complete within 0\.3 s"):
        verify(node, PeerSettings(ae_title="MUTE", host="127.0.0.1", port=mute.port, tls=True))


def test_a_failed_handshake_is_counted_each_time_and_logged_once_a_minute(tmp_path):
    before = REGISTRY.get_sample_value("coronode_associations_refused_total", {"reason": "tls"}) or 0
    with capture_logs() as lines, listening(tmp_path, {}) as server:
        for greeting in (b"GET / HTTP/1.1\r\n\r\n",) * 3:
            with socket.create_connection(("127.0.0.1", server.tls_port), 20) as stranger:
                stranger.sendall(greeting)
                assert stranger.recv(100) == b""
    counted = REGISTRY.get_sample_value("coronode_associations_refused_total", {"reason": "tls"})
    assert counted == before + 3
    said = [line for line in lines if line["event"] == "connection closed"]
    assert [(line["host"], line["reason"]) for line in said] == [
        ("127.0.0.1", "no secure connection: it does not speak TLS")
    ]


def test_the_alert_arrives_even_if_the_caller_has_already_sent_more(tmp_path):
    """In TLS 1.3 a client goes on before the server has judged its certificate; a reset would swallow the reason."""
    with listening(tmp_path, {}) as server:
        trusting = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        connection = socket.create_connection(("127.0.0.1", server.tls_port), 20)
        with trusting.wrap_socket(connection, server_hostname="127.0.0.1") as caller:
            caller.sendall(bytes(1_000_000))
            with pytest.raises(ssl.SSLError, match="certificate required"):
                caller.recv(1)


def test_a_renewed_certificate_is_shown_to_the_next_caller_and_open_associations_stay(tmp_path):
    trusting = ssl.create_default_context()
    with listening(tmp_path, {"require_certificate": False}) as server:
        trusting.load_verify_locations(tmp_path / "ca.pem")

        def show() -> ssl.SSLSocket:
            connection = socket.create_connection(("127.0.0.1", server.tls_port), 20)
            return trusting.wrap_socket(connection, server_hostname="127.0.0.1")

        with show() as early:
            certificates.write(tmp_path, "node", certificates.issue("node renewed"))
            with show() as late:
                names = [dict(one.getpeercert()["subject"][0])["commonName"] for one in (early, late)]
                assert names == ["node", "node renewed"]
            early.sendall(b"\x07\x00\x00\x00\x00\x04\x00\x00\x00\x00")  # A-ABORT, which is read and understood
            assert early.recv(1) == b""


def test_a_broken_certificate_leaves_the_earlier_one_in_use(tmp_path):
    with listening(tmp_path, {}) as server:
        with capture_logs() as lines:
            (tmp_path / "node.pem").write_text("nonsense")
            echo(tmp_path, server.tls_port)
            echo(tmp_path, server.tls_port)
        assert [line["log_level"] for line in lines if "TLS files" in line["event"]] == ["warning"]


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x00\x05" + bytes(5), b"\x16" * 4000, b"\x15\x03\x03\x00\x02\x02\x28"]
)
def test_garbage_in_the_handshake_ends_that_connection_alone(tmp_path, garbage):
    with listening(tmp_path, {}) as server:
        with socket.create_connection(("127.0.0.1", server.tls_port), 20) as stranger:
            stranger.sendall(garbage)
            stranger.shutdown(socket.SHUT_WR)
            while stranger.recv(4096):
                pass
        echo(tmp_path, server.tls_port)
