"""STOW-RS as user agent: what is sent, and what each answer of a peer means."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydicom.uid import ExplicitVRLittleEndian

from config.errors import Permanent, Transient
from config.settings import NodeSettings, PeerSettings
from dicom import status
from scp.scu import web_service
from scp.scu.storage import ClassRefused, Sending
from scp.scu.web_storage import store

pytestmark = pytest.mark.component

NODE = NodeSettings(dimse_timeout=5, acse_timeout=5)
CT, UID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3"


@contextmanager
def server(code=200, answer=b"", headers=None):
    """A web service that gives one answer; yields its address and what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append((self.command, self.path, dict(self.headers), body))
            self.send_response(code)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_OPTIONS = do_POST  # noqa: N815  # names of the library

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}/dicom-web", asked
        served.shutdown()


def peer(url, **keys):
    return PeerSettings(url=url, **keys)


@pytest.fixture
def item(tmp_path) -> Sending:
    path = tmp_path / "object.dcm"
    path.write_bytes(bytes(range(256)) * 1000)
    return Sending(path, CT, UID, str(ExplicitVRLittleEndian))


def send(url, item, **keys):
    target = peer(url, **keys)
    with web_service.open_client(NODE, target) as client:
        return store(client, NODE, target, item)


def answer(sequence: str, **values: object) -> bytes:
    tags = {"uid": ("00081155", "UI"), "failure": ("00081197", "US"), "warning": ("00081196", "US")}
    item = {tags[name][0]: {"vr": tags[name][1], "Value": [value]} for name, value in values.items()}
    return json.dumps({sequence: {"vr": "SQ", "Value": [item]}}).encode()


FAILED, STORED, OTHERS = "00081198", "00081199", "0008119A"


def test_the_file_is_the_only_part(item):
    with server() as (url, asked):
        assert send(url + "/", item, token="secret") == status.SUCCESS
    [(method, path, headers, body)] = asked
    assert (method, path) == ("POST", "/dicom-web/studies")
    assert headers["Authorization"] == "Bearer secret"
    assert headers["Accept"] == "application/dicom+json"
    assert "Transfer-Encoding" not in headers
    boundary = headers["Content-Type"].rpartition("boundary=")[2].encode()
    head, content = body.split(b"\r\n\r\n", 1)
    assert head.startswith(b"--" + boundary + b"\r\nContent-Type: application/dicom")
    assert content == item.path.read_bytes() + b"\r\n--" + boundary + b"--\r\n"


def test_user_and_password_from_a_file(item, tmp_path):
    (tmp_path / "password").write_text("pass\n")
    with server() as (url, asked):
        send(url, item, user="me", password_file=tmp_path / "password")
    assert asked[0][2]["Authorization"] == "Basic bWU6cGFzcw=="


@pytest.mark.parametrize(
    ("code", "body", "stored_as"),
    [
        (200, b"", status.SUCCESS),
        (200, b"no JSON", status.SUCCESS),
        (200, answer(STORED, uid=UID), status.SUCCESS),
        (202, answer(STORED, uid=UID, warning=status.WARNING), status.WARNING),
        (409, answer(FAILED, uid=UID, failure=status.DUPLICATE_SOP_INSTANCE), status.DUPLICATE_SOP_INSTANCE),
    ],
)
def test_answers_that_mean_stored(item, code, body, stored_as):
    with server(code, body) as (url, _):
        assert send(url, item) == stored_as


@pytest.mark.parametrize(
    ("code", "body", "error"),
    [
        (409, answer(FAILED, uid=UID, failure=status.OUT_OF_RESOURCES), Transient),
        (202, answer(FAILED, uid=UID, failure=status.UNABLE_TO_PROCESS), Permanent),
        (200, answer(FAILED, uid=UID, failure=status.UNABLE_TO_PROCESS), Permanent),
        (409, answer(FAILED, uid=UID, failure=status.SOP_CLASS_NOT_SUPPORTED), ClassRefused),
        (409, answer(OTHERS, failure=status.OUT_OF_RESOURCES), Transient),
        (200, b'{"00081198": {"vr": "SQ"}, "00081199": {"vr": "SQ"}}', Permanent),  # Orthanc, of what it passes over
        (200, answer(STORED, uid="1.2.4"), Permanent),
        (409, b"", Permanent),
        (409, b"[1]", Permanent),
        (409, b'{"00081198": 5, "0008119A": {"Value": [3]}}', Permanent),
        (400, b"", Permanent),
        (413, b"", Permanent),
        (401, b"", Transient),
        (404, b"", Transient),
        (503, b"", Transient),
    ],
)
def test_answers_that_mean_not_stored(item, code, body, error):
    with server(code, body) as (url, _), pytest.raises(error) as raised:
        send(url, item)
    assert type(raised.value) is error
    assert url in str(raised.value)


def test_a_redirection_is_not_followed(item):
    with server() as (elsewhere, asked), server(307, headers={"Location": f"{elsewhere}/studies"}) as (url, _):
        with pytest.raises(Permanent, match="sends elsewhere"):
            send(url, item, token="secret")
        assert asked == []


def test_nobody_there(item):
    with server() as (url, _):
        pass
    with pytest.raises(Transient, match="no connection"):
        send(url, item)


def test_a_certificate_that_nobody_vouches_for_and_files_that_are_missing(item, tmp_path):
    with pytest.raises(Permanent, match="no PEM file"):
        send("https://127.0.0.1:1/x", item, ca=tmp_path / "none.pem")
    with pytest.raises(Permanent, match="token_file"):
        send("https://127.0.0.1:1/x", item, token_file=tmp_path / "none")


def test_verification():
    with server() as (url, asked):
        web_service.verify(NODE, peer(url))
        assert asked[0][:2] == ("GET", "/dicom-web/studies?limit=1")
    with server(404) as (url, asked), pytest.raises(Transient, match="404"):
        web_service.verify(NODE, peer(url))
    assert [entry[0] for entry in asked] == ["GET", "OPTIONS"]
