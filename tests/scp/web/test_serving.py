"""The server as the network sees it: TLS, proxies, and connections that do not keep to HTTP."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

import pytest

from config.errors import ConfigurationError
from config.web import WebSettings
from scp.network.tls.authority import Authority
from scp.web import connections
from scp.web.app import create_app
from scp.web.certificate import check_certificate, watch_certificate
from scp.web.serving import _make_server

pytestmark = pytest.mark.component


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> tuple[Path, Path, Path]:
    """Certificate, key, and the authority that issued them."""
    folder = tmp_path_factory.mktemp("tls")
    now = datetime.now(UTC)
    authority = Authority.create("Test", now, 1)
    issued = authority.issue("localhost", ["localhost", "127.0.0.1"], now, 1)
    files = folder / "web.pem", folder / "web.key", folder / "ca.pem"
    for file, content in zip(files, (issued.certificate, issued.key, authority.issued.certificate), strict=True):
        file.write_bytes(content)
    return files


@pytest.fixture
def serve(new_web, eventually) -> Callable:
    @contextmanager
    def run(**web: object) -> Iterator[int]:
        services = new_web(web=web).services
        served = replace(services, clock=lambda: datetime.now(UTC))
        server = _make_server(create_app(served), served)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
            thread.start()
            try:
                eventually("the server", lambda: server.started)
                yield listener.getsockname()[1]
            finally:
                server.should_exit = True
                thread.join(30)

    return run


def get(connection: HTTPConnection, path: str, **headers: str):
    connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer, body


def test_https_with_the_configured_certificate(serve, pair):
    certificate, key, ca = pair
    with serve(certificate=certificate, private_key=key) as port:
        context = ssl.create_default_context(cafile=str(ca))
        answer, _ = get(HTTPSConnection("localhost", port, context=context), "/sign-in")
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("AES128-SHA256:AES256-SHA")
        with pytest.raises(ssl.SSLError):
            get(HTTPSConnection("localhost", port, context=context), "/sign-in")
        with pytest.raises(ConnectionError):
            get(HTTPConnection("localhost", port), "/sign-in")


def test_a_caller_who_is_no_proxy_names_nobody_else(serve):
    with serve(proxies=["192.0.2.1"]) as port:
        answer, body = get(
            HTTPConnection("127.0.0.1", port), "/accounts", X_Forwarded_For="127.0.0.1", X_Forwarded_Proto="https"
        )
        assert (answer.status, "web.proxies" in body) == (403, True)


def test_a_proxy_names_its_caller(serve):
    with serve(proxies=["127.0.0.1"]) as port:

        def ask(**headers: str):
            return get(HTTPConnection("127.0.0.1", port), "/accounts", **headers)

        answer, body = ask(X_Forwarded_For="192.0.2.7", X_Forwarded_Proto="https")
        assert (answer.status, "coronode account add" in body) == (403, True)
        assert "strict-transport-security" in answer.headers
        answer, body = ask(X_Forwarded_For="192.0.2.7", X_Forwarded_Proto="http")
        assert (answer.status, "HTTPS" in body) == (403, True)
        # what the caller itself wrote before the proxy's own entry is not believed
        answer, _ = ask(X_Forwarded_For="127.0.0.1, 192.0.2.7", X_Forwarded_Proto="https")
        assert answer.status == 403


def test_a_header_that_does_not_come_is_not_waited_for(serve, monkeypatch):
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.2)
    with serve() as port:
        for sent in (b"", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "):
            with socket.create_connection(("127.0.0.1", port), timeout=30) as slow:
                slow.sendall(sent)
                assert slow.recv(1) == b"", "closed"
        with socket.create_connection(("127.0.0.1", port), timeout=30) as second:
            request = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
            second.sendall(request + b"GET ")
            received = b""
            while part := second.recv(4096):
                received += part
            assert received.count(b"HTTP/1.1 200") == 1
        assert get(HTTPConnection("127.0.0.1", port), "/health")[0].status == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01garbage\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X: " + b"a" * 200_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\rb\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    ],
    ids=["no http", "version", "long header", "line break", "two lengths", "no ascii"],
)
def test_what_is_no_http_is_refused(serve, sent):
    with serve() as port:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(sent)
            received = b""
            try:
                while part := connection.recv(4096):
                    received += part
            except ConnectionResetError:
                pass
        assert received.startswith(b"HTTP/1.1 4") or not received
        assert get(HTTPConnection("127.0.0.1", port), "/health")[0].status == 200


@pytest.mark.parametrize("wrong", ["missing", "swapped", "garbage"])
def test_files_that_are_no_certificate_are_told_by_their_keys(pair, tmp_path, wrong):
    certificate, key, _ = pair
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("garbage")
    given = {
        "missing": {"certificate": tmp_path / "none.pem", "private_key": key},
        "swapped": {"certificate": key, "private_key": certificate},
        "garbage": {"certificate": garbage, "private_key": garbage},
    }[wrong]
    with pytest.raises(ConfigurationError, match=r"web\.certificate"):
        check_certificate(WebSettings(**given))


def test_a_certificate_alone_is_not_enough(pair):
    with pytest.raises(ValueError, match=r"web\.private_key is missing"):
        WebSettings(certificate=pair[0])


def test_a_renewed_certificate_is_taken_up(pair, tmp_path):
    certificate, key, _ = pair
    own = tmp_path / "web.pem", tmp_path / "web.key"
    own[0].write_bytes(certificate.read_bytes())
    own[1].write_bytes(key.read_bytes())
    web = WebSettings(certificate=own[0], private_key=own[1])
    loaded = []

    class Context:
        def load_cert_chain(self, *files: Path, **_: object) -> None:
            loaded.append(files)

    class Rounds:
        """An event that is set after two looks; before the second the files have changed."""

        looks = 0

        def wait(self, _: float) -> bool:
            self.looks += 1
            if self.looks == 2:
                own[0].write_bytes(certificate.read_bytes() + b"\n")
            return self.looks > 3

    watch_certificate(Context(), web, Rounds())
    assert loaded == [own]
