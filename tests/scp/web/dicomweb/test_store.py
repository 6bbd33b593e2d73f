"""STOW-RS: what is stored, what is refused and how that is told, and bodies that no client should send."""

import io
import socket
import threading
from pathlib import Path

import pytest
from dicomweb_client.api import DICOMwebClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.uid import ExplicitVRBigEndian, JPIPHTJ2KReferenced

from dicom import status
from scp.web.dicomweb.parts import MalformedError, Multipart
from scp.web.dicomweb.store import name_sender
from scp.web.identity import Person
from storage.query.retrieval import Retrieval
from storage.series.states import list_receiving

pytestmark = pytest.mark.component

BOUNDARY = "a-boundary"
RELATED = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'


def body(*parts: bytes, end: bytes = b"--\r\n") -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    return b"".join(head + part + b"\r\n" for part in parts) + f"--{BOUNDARY}".encode() + end


def encoded(dataset: Dataset) -> bytes:
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()


@pytest.fixture
def files(scan) -> list[bytes]:
    return [path.read_bytes() for path in sorted(scan.folder.glob("*.dcm"))]


@pytest.fixture
def image(scan) -> Dataset:
    return dcmread(min(scan.folder.glob("*.dcm")))


def post(web, content, path="/dicom-web/studies", **headers):
    return web.client.post(path, content=content, headers={"Content-Type": RELATED, **headers})


def stored_data_sets(web, study: str) -> set[bytes]:
    """The bytes of the stored data sets, without what stands before them."""
    selection = Retrieval("STUDY", {"STUDY": (study,)}).select(web.services.database)
    paths = (web.services.files.path(item.path) for item in selection.read_objects(web.services.database))
    return {data_set(path.read_bytes()) for path in paths}


def data_set(file: bytes) -> bytes:
    length = int.from_bytes(file[140:144], "little")
    return file[144 + length :]


def test_a_client_of_others_stores_a_study(web, serve, scan, files):
    client = DICOMwebClient(serve(web.services))
    answer = client.store_instances([dcmread(path) for path in sorted(scan.folder.glob("*.dcm"))])
    assert len(answer.ReferencedSOPSequence) == len(files)
    assert "FailedSOPSequence" not in answer
    study = scan.score.series.study_instance_uid
    assert answer.RetrieveURL.endswith(f"/studies/{study}")
    assert {Path(uri).name for uri in (item.RetrieveURL for item in answer.ReferencedSOPSequence)} == {
        str(item.ReferencedSOPInstanceUID) for item in answer.ReferencedSOPSequence
    }
    assert len(stored_data_sets(web, study)) == len(files)


def test_bytes_stay_as_they_came(web, scan, files):
    assert post(web, body(*files)).status_code == 200
    assert stored_data_sets(web, scan.score.series.study_instance_uid) == set(map(data_set, files))
    [series] = list_receiving(web.services.database)
    assert series.series_instance_uid == scan.score.series.series_instance_uid


def test_a_repeated_store_is_a_success_and_stores_nothing(web, scan, files):
    first, second = post(web, body(*files[:3])), post(web, body(*files[:3]))
    assert (first.status_code, second.status_code) == (200, 200)
    assert len(stored_data_sets(web, scan.score.series.study_instance_uid)) == 3


def test_some_fail(web, image, files):
    foreign = dcmread(io.BytesIO(files[1]))
    foreign.SOPClassUID = foreign.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.1"
    elsewhere = dcmread(io.BytesIO(files[2]))
    elsewhere.StudyInstanceUID = "1.2.3"
    referenced = files[3].replace(
        str(image.file_meta.TransferSyntaxUID).encode(), str(JPIPHTJ2KReferenced)[:19].encode(), 1
    )
    path = f"/dicom-web/studies/{image.StudyInstanceUID}"
    response = post(web, body(files[0], encoded(foreign), encoded(elsewhere), referenced, b"garbage"), path)
    assert response.status_code == 202
    answer = Dataset.from_json(response.json())
    assert [str(item.ReferencedSOPInstanceUID) for item in answer.ReferencedSOPSequence] == [image.SOPInstanceUID]
    assert [int(item.FailureReason) for item in answer.FailedSOPSequence] == [
        status.SOP_CLASS_NOT_SUPPORTED,
        status.DOES_NOT_MATCH,
        status.TRANSFER_SYNTAX_NOT_SUPPORTED,
    ]
    assert [int(item.FailureReason) for item in answer.OtherFailuresSequence] == [status.UNABLE_TO_PROCESS]
    assert "preamble" in " ".join(response.headers.get_list("warning"))


def test_nothing_can_be_stored(web, files, image):
    assert post(web, body(files[0]), "/dicom-web/studies/1.2.3").status_code == 409
    assert post(web, body(b"garbage")).status_code == 400
    assert post(web, b"no multipart").status_code == 400
    assert post(web, body()).status_code == 400


@pytest.mark.parametrize(
    ("content_type", "code"),
    [
        ("application/dicom", 415),
        ("", 415),
        ("multipart/form-data; boundary=x", 415),
        ('multipart/related; type="application/dicom+json"; boundary=x', 415),
        ('multipart/related; type="application/dicom"', 400),
        ('multipart/related; type="application/dicom"; boundary=' + "x" * 201, 400),
    ],
)
def test_other_media_types(web, files, content_type, code):
    assert post(web, body(files[0]), **{"Content-Type": content_type}).status_code == code


def test_an_answer_in_xml_and_one_that_nobody_has(web, files):
    response = post(web, body(files[0]), Accept="application/dicom+xml")
    assert response.status_code == 200
    assert b'keyword="ReferencedSOPSequence"' in response.content
    assert post(web, body(files[0]), Accept="text/html").status_code == 406


def test_a_body_that_breaks_off_keeps_what_was_whole(web, scan, files):
    whole = body(*files[:3])
    response = post(web, whole[: -len(files[2]) // 2])
    assert response.status_code == 202
    assert len(stored_data_sets(web, scan.score.series.study_instance_uid)) == 2
    assert not list((web.services.files.root / "incoming").glob("*/[!.]*"))


def test_an_object_that_is_too_long(new_web, files):
    web = new_web(node={"longest_object_mb": 1})
    assert post(web, body(files[0] + b"\0" * 2 * 1024 * 1024)).status_code == 413
    assert not list((web.services.files.root / "incoming").glob("*/[!.]*"))


def test_no_room_is_told_before_anything_is_read(new_web, files):
    response = post(new_web(node={"reserve_mb": 10**9}), body(files[0]))
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0


def test_companions_that_are_dropped(new_web, image):
    web = new_web(node={"companions": "drop"})
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    assert post(web, body(encoded(image))).status_code == 200
    assert web.client.get("/dicom-web/studies").status_code == 204


def test_a_big_endian_image_is_not_taken(web, image):
    image.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    buffer = io.BytesIO()
    dcmwrite(buffer, image, implicit_vr=False, little_endian=False, force_encoding=True)
    response = post(web, body(buffer.getvalue()))
    assert response.status_code == 409
    assert response.json()["00081198"]["Value"][0]["00081197"]["Value"] == [status.TRANSFER_SYNTAX_NOT_SUPPORTED]


def test_a_client_that_goes_away_leaves_nothing_behind(web, serve, scan, files):
    host, port = serve(web.services).split("/")[2].split(":")
    content, study = body(files[0], files[1] + bytes(400_000)), scan.score.series.study_instance_uid
    incoming = web.services.files.root / "incoming"
    with socket.create_connection((host, int(port)), timeout=10) as peer:
        head = f"POST /dicom-web/studies HTTP/1.1\r\nHost: {host}\r\nContent-Type: {RELATED}\r\n"
        peer.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content[: len(files[0]) + 300_000])
        wait_until(lambda: count_stored(web, study) == 1 and list(incoming.glob("*/[!.]*")))
    wait_until(lambda: not list(incoming.glob("*/[!.]*")))
    assert count_stored(web, study) == 1


def wait_until(condition) -> None:
    finished = threading.Event()
    for _ in range(1000):
        if condition():
            return
        finished.wait(0.01)
    pytest.fail("it did not happen within 10 s")


def count_stored(web, study: str) -> int:
    return len(Retrieval("STUDY", {"STUDY": (study,)}).select(web.services.database))


def test_a_client_that_falls_silent_is_told_so(new_web, serve, files):
    web = new_web(node={"dimse_timeout": 0.2})
    host, port = serve(web.services).split("/")[2].split(":")
    with socket.create_connection((host, int(port)), timeout=10) as peer:
        head = f"POST /dicom-web/studies HTTP/1.1\r\nHost: {host}\r\nContent-Type: {RELATED}\r\n"
        peer.sendall(f"{head}Content-Length: 1000000\r\n\r\n".encode() + body(files[0])[:1000])
        assert peer.recv(1000).startswith(b"HTTP/1.1 408")


def test_the_sender_is_an_ae_title():
    def person(account):
        return Person(account, "", frozenset({"store"}))

    assert name_sender(None) == name_sender(person("")) == "STOW"
    assert name_sender(person("ct1")) == "STOW:ct1"
    assert name_sender(person("a very long name of an account")) == "STOW:a very long"
    assert name_sender(person("mü\\ller")) == "STOW:m??ller"


def read(content: bytes, size: int) -> list[bytes]:
    chunks = (content[start : start + size] for start in range(0, len(content), size))
    return [b"".join(part.pieces) for part in Multipart(BOUNDARY, chunks).parts()]


@given(st.lists(st.binary(max_size=60)), st.integers(1, 50))
def test_parts_come_back_whatever_they_hold(parts, size):
    if not any(f"\r\n--{BOUNDARY}".encode() in b"\r\n" + part for part in parts):
        assert read(body(*parts), size) == parts


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_mutated_bodies_are_answered(web, data):
    content = bytearray(body(b"\0" * 128 + b"DICM" + b"x" * 40, b"y"))
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(content) - 1))
        kind = data.draw(st.sampled_from(["change", "cut", "repeat"]))
        if kind == "change":
            content[place] = data.draw(st.integers(0, 255))
        elif kind == "cut":
            del content[place : place + data.draw(st.integers(1, 40))]
        else:
            content[place:place] = content[place : place + 20]
        if not content:
            break
    assert post(web, bytes(content)).status_code in (400, 409)


@pytest.mark.parametrize(
    "content",
    [
        b"--" + BOUNDARY.encode() + b"\r\n" + b"x: " + b"y" * 20_000 + b"\r\n\r\n",
        b"--" + BOUNDARY.encode() + b"\r\n" + b"x: y\r\n" * 10_000,
        b"--" + BOUNDARY.encode() + b" and more\r\n\r\n",
        b"--" + BOUNDARY.encode() + b"\r\nno header\r\n\r\n",
        b"x" * 100_000,
        b"",
    ],
    ids=["long header", "many headers", "long line", "no header", "no boundary", "empty"],
)
def test_bodies_that_are_no_multipart(content):
    with pytest.raises(MalformedError):
        read(content, 1000)
