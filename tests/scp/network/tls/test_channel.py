"""TLS under the timers of `Wire`; the other side is Python's own TLS socket, or speaks bytes."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from config.tls import TlsSettings
from scp.network.errors import Closed, Expired, Unsecured
from scp.network.pace import Pace
from scp.network.tls.certificates import digest
from scp.network.tls.channel import Channel
from scp.network.tls.credentials import Credentials, load_credentials
from scp.network.wire import BUFFER_BYTES, Wire
from tests.scp import certificates

PACE = Pace(idle=20, stalled=20)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    certificates.write(folder, "peer", certificates.issue("peer"))
    certificates.write(folder, "foreign", certificates.issue("peer", by="untrusted"))
    certificates.write(folder, "expired", certificates.issue("peer", days=-1))
    certificates.write(folder, "elsewhere", certificates.issue("peer", hosts=("10.0.0.5", "other.example")))
    return folder


@pytest.fixture(scope="module")
def ours(files: Path) -> Credentials:
    return load_credentials(TlsSettings.model_validate(certificates.write_node(files)))


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        ours = stack.enter_context(socket.create_connection(server.getsockname()))
        theirs = stack.enter_context(server.accept()[0])
        theirs.settimeout(20)
        yield ours, theirs


@pytest.fixture
def aside() -> Iterator[Callable[..., Future]]:
    """`aside(function, ...)` runs it in another thread."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit


def their_context(files: Path, name: str | None = "peer", *, server_side: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server_side else ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(files / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    if name is not None:
        context.load_cert_chain(files / f"{name}.pem", files / f"{name}.key")
    return context


def serving(connection: socket.socket, ours: Credentials, **options) -> Wire:
    wire = Wire(connection, PACE, transport=Channel(connection, ours.server, server_side=True), **options)
    wire.finish_within(20)
    return wire


def call(connection: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
    return context.wrap_socket(connection.dup(), suppress_ragged_eofs=True)


def calling(connection: socket.socket, context: ssl.SSLContext, **options) -> Wire:
    wire = Wire(connection, PACE, transport=Channel(connection, context, server_side=False, **options))
    wire.finish_within(20)
    return wire


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def test_bytes_pass_in_order_in_both_directions(pair, ours, files, aside, version):
    context = their_context(files)
    context.maximum_version = context.minimum_version = version
    wire = serving(pair[0], ours)
    coming = aside(call, pair[1], context)
    wire.secure()
    data = bytes(range(256)) * 5000  # more than the buffer, and many records
    with coming.result() as peer:
        assert peer.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]
        sending = aside(peer.sendall, data)
        assert bytes(wire.read(7)) == data[:7]
        gathered = bytearray(data[:7])
        while len(gathered) < len(data):
            gathered += wire.read_some(min(BUFFER_BYTES, len(data) - len(gathered)))
        assert gathered == data
        sending.result()
        assert not wire.pending()
        reading = aside(receive, peer, len(data))
        wire.send(data[:12], data[12:100_000], data[100_000:], b"")
        assert reading.result() == data


def receive(peer: ssl.SSLSocket, count: int) -> bytes:
    gathered = b""
    while len(gathered) < count:
        gathered += peer.recv(65536)
    return gathered


def test_the_peer_is_known_by_its_certificate(pair, ours, files, aside):
    wire = serving(pair[0], ours)
    assert (wire.is_secure, wire.certificate) == (True, None)
    coming = aside(call, pair[1], their_context(files))
    wire.secure()
    coming.result().close()
    assert wire.certificate == ssl.PEM_cert_to_DER_cert((files / "peer.pem").read_text())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (None, "it shows no certificate"),
        ("foreign", "its certificate is not valid: .*issuer"),
        ("expired", "its certificate is not valid: certificate has expired"),
    ],
)
def test_a_caller_without_a_valid_certificate_is_turned_away_in_words(pair, ours, files, aside, name, words):
    wire = serving(pair[0], ours)
    coming = aside(hear_no, pair[1], their_context(files, name))
    with pytest.raises(Unsecured, match=words):
        wire.secure()
    wire.drain(20)
    assert "alert" in coming.result().lower()


def hear_no(connection: socket.socket, context: ssl.SSLContext) -> str:
    """How TLS ends for the other side: in the handshake, or in TLS 1.3 at the first read."""
    try:
        with call(connection, context) as peer:
            connection.close()
            peer.recv(1)
    except ssl.SSLError as error:
        return str(error)
    finally:
        connection.close()
    return "no error"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"maximum_version": ssl.TLSVersion.TLSv1_1, "minimum_version": ssl.TLSVersion.TLSv1}, "TLS 1.1 or older"),
        ({"ciphers": "ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA"}, "no cipher suite"),
        ({"ciphers": "DHE-RSA-AES128-GCM-SHA256"}, "no cipher suite"),
        ({"ciphers": "AES128-GCM-SHA256"}, "no cipher suite"),
    ],
    ids=["old version", "CBC", "DHE", "static RSA"],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_what_the_profile_does_not_have_is_refused_in_words(pair, ours, files, aside, options, words):
    context = their_context(files)
    context.maximum_version = options.get("maximum_version", ssl.TLSVersion.TLSv1_2)
    context.minimum_version = options.get("minimum_version", ssl.TLSVersion.TLSv1_2)
    context.set_ciphers(options.get("ciphers", "ALL") + ":@SECLEVEL=0")
    wire = serving(pair[0], ours)
    coming = aside(hear_no, pair[1], context)
    with pytest.raises(Unsecured, match=words):
        wire.secure()
    wire.close()
    coming.result()


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("peer", {"server_name": "127.0.0.1"}, None),
        ("foreign", {"server_name": "127.0.0.1"}, "not valid: .*issuer"),
        ("expired", {"server_name": "127.0.0.1"}, "expired"),
        ("elsewhere", {"server_name": "127.0.0.1"}, "IP address mismatch"),
        ("elsewhere", {"server_name": "other.example"}, None),
        ("elsewhere", {"server_name": "third.example"}, "Hostname mismatch"),
    ],
)
def test_a_called_peer_must_be_who_it_should_be(pair, ours, files, aside, name, options, words):
    wire = calling(pair[0], ours.client, **options)
    context = their_context(files, name, server_side=True)
    context.verify_mode = ssl.CERT_NONE
    answering = aside(hear_calls, pair[1], context)
    if words is None:
        wire.secure()
    else:
        with pytest.raises(Unsecured, match=words):
            wire.secure()
    wire.close()
    answering.result()


def hear_calls(connection: socket.socket, context: ssl.SSLContext) -> None:
    with suppress(ssl.SSLError, ConnectionError), context.wrap_socket(connection.dup(), server_side=True) as peer:
        peer.recv(1)


def test_a_pinned_certificate_stands_for_the_name_and_no_other_will_do(pair, ours, files, aside):
    pinned = digest(ssl.PEM_cert_to_DER_cert((files / "elsewhere.pem").read_text()))
    options = {"server_name": "127.0.0.1", "fingerprints": frozenset({pinned})}
    wire = calling(pair[0], ours.client_of_pinned, **options)
    answering = aside(hear_calls, pair[1], their_context(files, "elsewhere", server_side=True))
    wire.secure()
    wire.close()
    answering.result()


def test_another_certificate_than_the_pinned_one_is_named(pair, ours, files, aside):
    options = {"server_name": "127.0.0.1", "fingerprints": frozenset({"sha256:" + "0" * 64})}
    wire = calling(pair[0], ours.client_of_pinned, **options)
    answering = aside(hear_calls, pair[1], their_context(files, server_side=True))
    shown = digest(ssl.PEM_cert_to_DER_cert((files / "peer.pem").read_text()))
    with pytest.raises(Unsecured, match=f"not the one that is configured for it: it has {shown}"):
        wire.secure()
    wire.close()
    answering.result()


def test_a_server_that_demands_what_we_do_not_show_is_quoted(pair, ours, files, aside):
    """In TLS 1.3 the client is through with the handshake before the server has judged its certificate."""
    wire = calling(pair[0], ours.client, server_name="127.0.0.1")
    stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    stranger.load_cert_chain(files / "peer.pem", files / "peer.key")
    stranger.load_verify_locations(files / "foreign.pem")
    stranger.verify_mode = ssl.CERT_REQUIRED
    answering = aside(hear_calls, pair[1], stranger)
    wire.secure()
    with pytest.raises(Closed, match="TLS failed: it does not trust the authority of our certificate"):
        wire.read(1)
    wire.close()
    answering.result()


class Clock:
    def __init__(self) -> None:
        self.now, self.step = 100.0, 0.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01\x02\x00", b"\x16"], ids=["silent", "a header", "a byte"])
def test_a_handshake_that_is_never_finished_is_bounded(pair, ours, said):
    clock = Clock()
    wire = Wire(
        pair[0],
        Pace(idle=0.2, stalled=0.2),
        transport=Channel(pair[0], ours.server, server_side=True),
        clock=clock,
    )
    wire.finish_within(30)
    pair[1].sendall(said)
    clock.step = 20
    with pytest.raises(Expired, match="not complete within 30 s"):
        wire.secure()


@pytest.mark.parametrize(
    "said", [b"\x01\x00\x00\x00\x00\xcd" + bytes(205), b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 600], ids=str
)
def test_whoever_does_not_speak_tls_is_told_apart(pair, ours, said):
    wire = serving(pair[0], ours)
    pair[1].sendall(said)
    with pytest.raises(Unsecured, match="it does not speak TLS"):
        wire.secure()


def test_a_connection_that_ends_in_the_handshake_says_so(pair, ours):
    wire = serving(pair[0], ours)
    pair[1].sendall(b"\x16\x03\x01")
    pair[1].close()
    with pytest.raises(Unsecured, match="closed the connection during the TLS handshake"):
        wire.secure()


def test_a_probe_of_the_port_is_no_failed_handshake(pair, ours):
    wire = serving(pair[0], ours)
    pair[1].close()
    with pytest.raises(Closed, match="the peer closed the connection"):
        wire.secure()


def test_a_part_of_a_record_does_not_count_as_progress(pair, ours, files, aside):
    clock = Clock()
    wire = Wire(
        pair[0],
        Pace(idle=10, stalled=0.2),
        transport=Channel(pair[0], ours.server, server_side=True),
        clock=clock,
    )
    wire.finish_within(20)
    coming = aside(call, pair[1], their_context(files))
    wire.secure()
    wire.end()
    with coming.result():
        pair[1].sendall(b"\x17\x03\x03\x40\x00" + bytes(100))  # of a record of 16 KiB
        clock.step = 6
        with pytest.raises(Expired, match="nothing received for 10 s"):
            wire.read(1)


def test_a_record_that_trickles_in_does_not_keep_the_timers_from_looking(pair, ours, files, aside):
    clock = Clock()
    wire = Wire(pair[0], PACE, transport=Channel(pair[0], ours.server, server_side=True), clock=clock)
    wire.finish_within(20)
    coming = aside(call, pair[1], their_context(files))
    wire.secure()
    wire.end()
    with coming.result():
        enough, sent = threading.Event(), []

        def trickle() -> None:
            pair[1].sendall(b"\x17\x03\x03\x40\x00")
            while not enough.wait(0.01) and len(sent) < 500:
                sent.append(pair[1].send(b"x"))

        trickling = aside(trickle)
        clock.step = 9
        with pytest.raises(Expired, match="nothing received for 20 s"):
            wire.read(1)
        enough.set()
        trickling.result()
        assert len(sent) < 250


def test_a_changed_record_ends_the_connection(pair, ours, files, aside):
    """PS3.15 B.12: when the integrity check fails, the connection is dropped."""
    wire = serving(pair[0], ours)
    coming = aside(call, pair[1], their_context(files))
    wire.secure()
    with coming.result():
        pair[1].sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
        with pytest.raises(Closed, match="TLS failed: a record was changed on its way"):
            wire.read(1)


def test_the_end_is_announced_and_understood(pair, ours, files, aside):
    wire = serving(pair[0], ours)
    coming = aside(call, pair[1], their_context(files))
    wire.secure()
    with coming.result() as peer:
        wire.send(b"bye")
        draining = aside(wire.drain, 20)
        assert peer.recv(10) == b"bye"
        assert peer.recv(10) == b""  # close_notify: else `suppress_ragged_eofs` would have to hide an error
        peer.unwrap().close()
        pair[1].close()
        assert draining.result()


def test_a_peer_that_reads_nothing_is_given_up(pair, ours, files, aside):
    clock = Clock()
    wire = Wire(
        pair[0],
        Pace(idle=0.2, stalled=0.2),
        transport=Channel(pair[0], ours.server, server_side=True),
        clock=clock,
    )
    wire.finish_within(100)
    coming = aside(call, pair[1], their_context(files))
    wire.secure()
    wire.end()
    with coming.result():
        clock.step = 1
        with pytest.raises(Expired, match="read nothing"):
            wire.send(bytes(100_000_000))


def test_another_thread_may_speak_while_one_reads(pair, ours, files, aside):
    """`Acceptor.stop` sends an A-ABORT while the association's own thread waits for a message."""
    wire = serving(pair[0], ours)
    coming = aside(call, pair[1], their_context(files))
    wire.secure()
    wire.end()
    with coming.result() as peer:
        ended: list[str] = []

        def read() -> None:
            try:
                wire.read(1)
            except Closed as error:
                ended.append(str(error))

        reader = threading.Thread(target=read)
        reader.start()
        wire.send(b"abort")
        assert peer.recv(10) == b"abort"
        wire.shut()
        reader.join(20)
        assert ended == ["the peer closed the connection"]
