"""DICOM over TLS with DCMTK, pynetdicom and OpenSSL's client, as callers and as called."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.sop_class import Verification
from structlog.testing import capture_logs

from config.errors import Transient
from config.settings import NodeSettings, PeerSettings
from scoring.phantom import PhantomSpec, make_phantom, write_series
from scp.scu.storage import Sending, open_for, store
from scp.scu.verification import verify
from tests.scp import certificates
from tests.scp.conftest import unused_port

pytestmark = [pytest.mark.peer, pytest.mark.component]

SECONDS = 60
STRANGER_PIN = "sha256:" + "0" * 64


@dataclass
class Site:
    folder: Path
    tls: dict[str, object]
    program: Callable[[str], str]

    def files(self, name: str | None) -> list[str]:
        """DCMTK's options for key, certificate and trust; anonymous without a name."""
        identity = ["+tla"] if name is None else ["+tls", f"{self.folder / name}.key", f"{self.folder / name}.pem"]
        return [*identity, "+cf", str(self.folder / "ca.pem")]

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [self.program(program), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)

    def call(self, program: str, port: int, name: str | None, *arguments: str) -> subprocess.CompletedProcess[str]:
        options = [*self.files(name), "-aet", "CT1", "-aec", "CORONODE", "-to", "20"]
        return self.run(program, *options, "127.0.0.1", str(port), *arguments)


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory, peer_program: Callable[[str], str]) -> Site:
    folder = tmp_path_factory.mktemp("hospital")
    tls = certificates.write_node(folder) | {"port": 0}
    for name, made in {
        "peer": certificates.issue("peer"),
        "other": certificates.issue("other"),
        "expired": certificates.issue("peer", days=-1),
        "foreign": certificates.issue("peer", by="untrusted"),
        "elsewhere": certificates.issue("peer", hosts=("10.0.0.5",)),
    }.items():
        certificates.write(folder, name, made)
    return Site(folder, tls, peer_program)


@pytest.fixture
def open_site(hospital: Site, serve, tmp_path: Path) -> Iterator[Callable[..., int]]:
    """`with open_site(**peer) as site:` a server with a TLS port, and CT1 and `others` as its peers."""

    @contextmanager
    def start(others: dict | None = None, **peer: object) -> Iterator:
        peers = {"CT1": {"ae_title": "CT1", "host": "127.0.0.1"} | peer} | (others or {})
        options = {"tls": hospital.tls, "accept_unknown_peers": False, "acse_timeout": 10}
        with serve(tmp_path, peers=peers, retrieves=others is not None, **options) as site:
            yield site

    return start


@pytest.fixture(scope="module")
def slices(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    spec = PhantomSpec(matrix=128, slice_thickness_mm=5, slice_increment_mm=5)
    return write_series(make_phantom(spec), tmp_path_factory.mktemp("slices"))[:3]


def pin_of(site: Site, name: str) -> str:
    return str(site.folder / f"{name}.pem")


def test_dcmtk_verifies_stores_and_queries_with_certificates_on_both_sides(hospital, open_site, slices):
    with open_site(tls=True, certificate=pin_of(hospital, "peer")) as site:
        port = site.server.tls_port
        echoed = hospital.call("echoscu", port, "peer")
        assert echoed.returncode == 0, echoed.stderr
        stored = hospital.call("storescu", port, "peer", *map(str, slices))
        assert stored.returncode == 0, stored.stderr
        assert len(site.received) == len(slices)
        keys = ["-S", "-k", "0008,0052=STUDY", "-k", "0020,000D"]
        found = hospital.run(
            "findscu", *hospital.files("peer"), "-aet", "CT1", "-aec", "CORONODE", *keys, "127.0.0.1", str(port)
        )
        assert found.returncode == 0, found.stderr
        assert found.stderr.count("0020,000d") + found.stdout.count("0020,000d") >= 1


def list_reasons(lines):
    """The reasons in the log's warnings."""
    return [str(line.get("reason")) for line in list(lines) if line["log_level"] == "warning"]


@pytest.mark.parametrize(
    ("name", "peer", "reason"),
    [
        (None, {}, "no secure connection: it shows no certificate"),
        ("foreign", {}, "no secure connection: its certificate is not valid: .*issuer"),
        ("expired", {}, "no secure connection: its certificate is not valid: certificate has expired"),
        ("other", {"tls": True, "certificate": STRANGER_PIN}, "not the one of peers.CT1.certificate: it has sha256:"),
    ],
    ids=["anonymous", "foreign", "expired", "another certificate"],
)
def test_dcmtk_is_turned_away_for_a_reason(hospital, open_site, name, peer, reason, eventually):
    with capture_logs() as lines, open_site(**peer) as site:
        assert hospital.call("echoscu", site.server.tls_port, name).returncode != 0
        # DCMTK may have ended before the node has said why
        eventually(f"a line with {reason}", lambda: any(re.search(reason, words) for words in list_reasons(lines)))


def test_no_certificate_is_needed_where_the_configuration_says_so(hospital, serve, tmp_path):
    with serve(tmp_path, tls=hospital.tls | {"require_certificate": False}, acse_timeout=10) as site:
        assert hospital.call("echoscu", site.server.tls_port, None).returncode == 0
        assert hospital.call("echoscu", site.server.tls_port, "foreign").returncode != 0


def test_a_peer_with_tls_is_refused_on_the_port_without_and_others_are_not(hospital, open_site, eventually):
    plain = ["-aec", "CORONODE", "127.0.0.1"]
    with capture_logs() as lines, open_site(tls=True) as site:
        refused = hospital.run("echoscu", "-aet", "CT1", *plain, str(site.server.port))
        assert refused.returncode != 0
        assert "Calling AE Title Not Recognized" in refused.stderr
        eventually("the reason", lambda: any("peers.CT1.tls is true" in words for words in list_reasons(lines)))
    with open_site() as site:
        assert hospital.run("echoscu", "-aet", "CT1", *plain, str(site.server.port)).returncode == 0


def test_each_port_says_what_the_other_one_speaks(hospital, open_site, eventually):
    plain = ["-to", "5", "-aet", "CT1", "-aec", "CORONODE", "127.0.0.1"]
    with capture_logs() as lines, open_site() as site:
        assert hospital.run("echoscu", *plain, str(site.server.tls_port)).returncode != 0
        assert hospital.call("echoscu", site.server.port, "peer").returncode != 0
        for reason in ("it does not speak TLS", "it speaks TLS, and this port does not"):
            eventually(reason, lambda reason=reason: any(reason in words for words in list_reasons(lines)))


@pytest.mark.parametrize(
    ("options", "accepted"),
    [
        (["-tls1"], False),
        (["-tls1_1"], False),
        (["-tls1_2", "-cipher", "DES-CBC3-SHA:@SECLEVEL=0"], False),
        (["-tls1_2", "-cipher", "ECDHE-RSA-AES128-SHA256"], False),
        (["-tls1_2", "-cipher", "AES256-GCM-SHA384"], False),
        (["-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0"], False),
        (["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"], True),
        (["-tls1_2", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305"], True),
        (["-tls1_3"], True),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_openssl_gets_what_the_profile_has_and_nothing_else(hospital, open_site, options, accepted):
    identity = ["-cert", str(hospital.folder / "peer.pem"), "-key", str(hospital.folder / "peer.key")]
    with open_site() as site:
        command = ["s_client", "-connect", f"127.0.0.1:{site.server.tls_port}", *options, *identity]
        ended = subprocess.run(
            [hospital.program("openssl"), *command],
            input="",
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert ("Cipher is (NONE)" not in ended.stdout and "New, TLSv1." in ended.stdout) is accepted, ended.stdout


def test_renegotiation_is_refused(hospital, open_site):
    identity = ["-cert", str(hospital.folder / "peer.pem"), "-key", str(hospital.folder / "peer.key")]
    with open_site() as site:
        command = ["s_client", "-tls1_2", "-connect", f"127.0.0.1:{site.server.tls_port}", *identity]
        with subprocess.Popen(
            [hospital.program("openssl"), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as client:
            said, _ = client.communicate("R\n", timeout=SECONDS)
    assert "no renegotiation" in said


def test_pynetdicom_calls_over_tls(hospital, open_site):
    context = ssl.create_default_context(cafile=hospital.folder / "ca.pem")
    context.load_cert_chain(hospital.folder / "peer.pem", hospital.folder / "peer.key")
    ae = AE("CT1")
    ae.add_requested_context(Verification, ImplicitVRLittleEndian)
    with open_site(tls=True) as site:
        called = ae.associate("127.0.0.1", site.server.tls_port, ae_title="CORONODE", tls_args=(context, "127.0.0.1"))
        assert called.is_established
        assert called.send_c_echo().Status == 0
        called.release()


def test_pynetdicom_is_called_over_tls(hospital):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=hospital.folder / "ca.pem")
    context.load_cert_chain(hospital.folder / "peer.pem", hospital.folder / "peer.key")
    context.verify_mode = ssl.CERT_REQUIRED
    ae = AE("PACS")
    ae.add_supported_context(Verification)
    server = ae.start_server(("127.0.0.1", 0), block=False, ssl_context=context)
    try:
        port = server.socket.getsockname()[1]
        node = NodeSettings(tls=hospital.tls)
        verify(node, PeerSettings(ae_title="PACS", host="127.0.0.1", port=port, tls=True))
    finally:
        server.shutdown()


@pytest.fixture
def storescp(hospital: Site, tmp_path: Path) -> Iterator[Callable[..., int]]:
    """`storescp(name)` starts DCMTK's receiver with this certificate, and returns its port."""
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str, folder: Path = tmp_path) -> int:
        port = unused_port()
        folder.mkdir(exist_ok=True)
        command = [hospital.program("storescp"), *hospital.files(name), "-aet", "PACS", "-od", str(folder)]
        started.append(subprocess.Popen([*command, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return port

    yield start
    for process in started:
        process.terminate()
        process.wait(20)


def call_patiently(node: NodeSettings, peer: PeerSettings) -> None:
    """Verify, waiting until the peer listens. Raises Transient for any other reason."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return verify(node, peer)
        except Transient as error:
            if "Connection refused" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def test_dcmtk_as_destination_gets_our_certificate_and_the_objects(hospital, storescp, slices, tmp_path):
    port = storescp("peer")
    node = NodeSettings(tls=hospital.tls)
    peer = PeerSettings(ae_title="PACS", host="127.0.0.1", port=port, tls=True, certificate=pin_of(hospital, "peer"))
    call_patiently(node, peer)
    objects = [Sending.from_file(path) for path in slices]
    with open_for(node, peer, objects) as association:
        assert [store(association, item, peer) for item in objects] == [0, 0, 0]
    assert len(list(tmp_path.glob("CT*"))) == 3


@contextmanager
def tunnel_to(port: int, folder: Path) -> Iterator[int]:
    """A port whose first connections go on over TLS: DCMTK 3.6.7 has no TLS in movescu and getscu."""
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    context.load_cert_chain(folder / "peer.pem", folder / "peer.key")

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        with ExitStack() as stack, suppress(OSError):
            while True:
                inner = stack.enter_context(entrance.accept()[0])
                outer = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                secure = stack.enter_context(context.wrap_socket(outer, server_hostname="127.0.0.1"))
                both = [threading.Thread(target=pump, args=ends) for ends in ((inner, secure), (secure, inner))]
                for one in both:
                    one.start()
                for one in both:
                    one.join()

    with closing(socket.create_server(("127.0.0.1", 0))) as entrance:
        thread = threading.Thread(target=serve)
        thread.start()
        yield int(entrance.getsockname()[1])
        entrance.shutdown(socket.SHUT_RDWR)
        thread.join(SECONDS)


def test_dcmtk_retrieves_over_tls_by_move_and_by_get(hospital, open_site, storescp, slices, tmp_path):
    """The association of the sub-operations of a C-MOVE has TLS of its own, by the destination's section."""
    moved, got = tmp_path / "moved", tmp_path / "got"
    destination = {"ae_title": "PACS", "host": "127.0.0.1", "port": storescp("other", moved), "tls": True}
    node = NodeSettings(tls=hospital.tls)
    call_patiently(node, PeerSettings(**destination))
    got.mkdir()
    series = dcmread(slices[0], stop_before_pixels=True)
    with open_site(others={"PACS": destination}, tls=True) as site:
        port = site.server.tls_port
        assert hospital.call("storescu", port, "peer", *map(str, slices)).returncode == 0
        keys = ["-k", "0008,0052=STUDY", "-k", f"0020,000D={series.StudyInstanceUID}"]
        with tunnel_to(port, hospital.folder) as entrance:
            called = ["-S", "-aet", "CT1", "-aec", "CORONODE", *keys, "127.0.0.1", str(entrance)]
            move = hospital.run("movescu", "-aem", "PACS", *called)
            assert move.returncode == 0, move.stderr
            get = hospital.run("getscu", "-od", str(got), *called)
            assert get.returncode == 0, get.stderr
    sent = {(image.SOPInstanceUID, image.PixelData) for image in map(dcmread, slices)}
    for folder in (moved, got):
        assert {(image.SOPInstanceUID, image.PixelData) for image in map(dcmread, folder.iterdir())} == sent


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("foreign", {}, "its certificate is not valid: .*issuer"),
        ("expired", {}, "certificate has expired"),
        ("elsewhere", {}, "IP address mismatch"),
        ("elsewhere", {"tls_name": "10.0.0.5"}, None),
        ("peer", {"certificate": STRANGER_PIN}, "not the one that is configured for it"),
        ("peer", {"tls": False}, "no association"),
    ],
)
def test_a_called_peer_that_is_not_who_it_should_be_is_not_used(hospital, storescp, name, changes, words):
    port = storescp(name)
    node = NodeSettings(tls=hospital.tls, acse_timeout=10)
    peer = PeerSettings(**{"ae_title": "PACS", "host": "127.0.0.1", "port": port, "tls": True} | changes)
    if words is None:
        call_patiently(node, peer)
    else:
        with pytest.raises(Transient, match=words):
            call_patiently(node, peer)
