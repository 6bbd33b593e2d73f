"""WADO-RS against the bytes that were stored."""

import io
import json
from email import message_from_bytes
from email.policy import HTTP

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from storage.auditing import statements
from storage.database.audit import list_events
from storage.query.retrieval import find_object

pytestmark = pytest.mark.component


def split(response):
    """The parts of a multipart answer, by a parser of others."""
    head = f"Content-Type: {response.headers['content-type']}\r\n\r\n".encode()
    message = message_from_bytes(head + response.content, policy=HTTP)
    assert message.is_multipart()
    return [
        (str(part["Content-Type"]).replace('"', ""), part.get_payload(decode=True)) for part in message.get_payload()
    ]


def test_a_series_comes_as_it_was_stored(web, series, scan):
    response = web.client.get(
        series, headers={"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
    )
    assert response.status_code == 200
    stored = {path.read_bytes() for path in scan.folder.glob("*.dcm")}
    assert {content for _, content in split(response)} == stored


def test_frames_are_the_pixels(web, series, slices):
    uid, dataset = next(iter(slices.items()))
    response = web.client.get(
        f"{series}/instances/{uid}/frames/1", headers={"Accept": 'multipart/related; type="application/octet-stream"'}
    )
    assert response.status_code == 200
    [(content_type, content)] = split(response)
    assert content_type == f"application/octet-stream; transfer-syntax={ExplicitVRLittleEndian}"
    assert np.array_equal(np.frombuffer(content, "<i2").reshape(dataset.Rows, dataset.Columns), dataset.pixel_array)


def test_metadata_is_the_header(web, series, slices):
    response = web.client.get(f"{series}/metadata")
    assert response.headers["content-type"] == "application/dicom+json"
    found = {item["00080018"]["Value"][0]: item for item in response.json()}
    assert found.keys() == slices.keys()
    for uid, dataset in slices.items():
        expected = json.loads(dataset.to_json(bulk_data_threshold=1024, bulk_data_element_handler=lambda _: "x"))
        del expected["7FE00010"]
        assert {tag: found[uid][tag] for tag in expected} == expected | {
            tag: {"vr": "CS", "Value": ["ISO_IR 192"]} for tag in expected.keys() & {"00080005"}
        }


def accept(media_type: str, syntax: str = "") -> dict[str, str]:
    parameter = f"; transfer-syntax={syntax}" if syntax else ""
    return {"Accept": f'multipart/related; type="{media_type}"{parameter}'}


@pytest.fixture
def image(slices):
    """A slice, with a private element that is not text."""
    return next(iter(slices.values()))


@pytest.mark.parametrize(
    ("syntax", "media_type"),
    [(JPEGLSLossless, "image/jls"), (RLELossless, "image/dicom-rle"), (JPEG2000Lossless, "image/jp2")],
)
def test_compressed_frames(web, keep, image, syntax, media_type):
    pixels = image.PixelData
    image.compress(syntax, generate_instance_uid=False)
    path = keep(image)
    [(content_type, content)] = split(web.client.get(f"{path}/frames/1", headers=accept("application/octet-stream")))
    assert content_type == f"application/octet-stream; transfer-syntax={ExplicitVRLittleEndian}"
    assert content == pixels
    [(content_type, content)] = split(web.client.get(f"{path}/frames/1", headers=accept(media_type)))
    assert content_type == f"{media_type}; transfer-syntax={syntax}"
    assert content in image.PixelData
    [(_, file)] = split(web.client.get(path, headers=accept("application/dicom")))
    plain = dcmread(io.BytesIO(file))
    assert plain.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert plain.PixelData == pixels
    assert web.client.get(f"{path}/frames/1", headers=accept("image/jpeg")).status_code == 406


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_other_encodings(web, keep, image, syntax):
    pixels = image.PixelData
    image.file_meta.TransferSyntaxUID = syntax
    path = keep(image)
    [(_, content)] = split(web.client.get(f"{path}/frames/1", headers=accept("application/octet-stream")))
    assert content == pixels
    [(content_type, file)] = split(web.client.get(path, headers=accept("application/dicom")))
    assert content_type == f"application/dicom; transfer-syntax={ExplicitVRLittleEndian}"
    assert dcmread(io.BytesIO(file)).PixelData == pixels
    [(content_type, _)] = split(web.client.get(path, headers=accept("application/dicom", syntax)))
    assert content_type == f"application/dicom; transfer-syntax={syntax}"
    assert web.client.get(path, headers=accept("application/dicom", ExplicitVRBigEndian)).status_code == 406


def make_multiframe(image, bits=16):
    """The image three times in one object, each a little brighter; with 1 bit 3 x 5 pixels."""
    if bits == 1:
        frames = [np.arange(15).reshape(3, 5) % number == 0 for number in (2, 3, 5)]
        image.Rows, image.Columns = 3, 5
        data = np.packbits(np.concatenate([frame.ravel() for frame in frames]), bitorder="little").tobytes()
        image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 1, 1, 0, 0
    else:
        frames = [image.pixel_array + number for number in range(3)]
        data = b"".join(frame.astype("<i2").tobytes() for frame in frames)
    image.NumberOfFrames, image.PixelData = 3, data + b"\0" * (len(data) % 2)
    return frames


@pytest.mark.parametrize("compressed", [False, True])
def test_several_frames(web, keep, image, compressed):
    frames = make_multiframe(image)
    if compressed:
        image.compress(JPEGLSLossless, generate_instance_uid=False)
    path = keep(image)
    found = split(web.client.get(f"{path}/frames/3,1", headers=accept("application/octet-stream")))
    assert [content for _, content in found] == [frames[index].astype("<i2").tobytes() for index in (2, 0)]
    assert web.client.get(f"{path}/frames/4").status_code == 404
    assert web.client.get(f"{path}/frames/0").status_code == 404
    assert web.client.get(f"{path}/frames/x").status_code == 400


def test_frames_of_single_bits_begin_with_a_byte(web, keep, image):
    frames = make_multiframe(image, bits=1)
    path = keep(image)
    found = split(web.client.get(f"{path}/frames/1,2,3", headers=accept("application/octet-stream")))
    unpacked = [np.unpackbits(np.frombuffer(content, np.uint8), count=15, bitorder="little") for _, content in found]
    assert all(np.array_equal(bits.reshape(3, 5), frame) for bits, frame in zip(unpacked, frames, strict=True))


def test_a_single_frame_needs_no_parts(web, keep, image):
    path = keep(image)
    response = web.client.get(f"{path}/frames/1", headers={"Accept": "application/octet-stream"})
    assert response.content == image.PixelData
    response = web.client.get(path, headers={"Accept": "application/dicom"})
    assert response.content == dcm_bytes(image)


def dcm_bytes(dataset) -> bytes:
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def test_the_one_that_is_wanted_most_is_taken(web, keep, image):
    image.compress(JPEGLSLossless, generate_instance_uid=False)
    path = keep(image)
    wanted = 'multipart/related; type="image/jls"; q=0.3, multipart/related; type="application/octet-stream"; q=0.7'
    assert split(web.client.get(f"{path}/frames/1", headers={"Accept": wanted}))[0][0].startswith("application/octet")
    wanted = "image/*;q=0.1, application/octet-stream;q=0"
    assert (
        web.client.get(f"{path}/frames/1", headers={"Accept": wanted}).headers["content-type"].startswith("image/jls")
    )


@pytest.mark.parametrize("header", ["nonsense", "text/html", "a/b;q=2", "x" * 5000, 'multipart/related; type="'])
def test_what_is_not_acceptable(web, keep, image, header):
    path = keep(image)
    for resource in (path, f"{path}/frames/1", f"{path}/metadata", f"{path}/rendered"):
        response = web.client.get(resource, headers={"Accept": header})
        assert response.status_code in (400, 406)
        assert response.json()["error"]


def test_what_is_not_there(web, series, slices):
    study, uid = series.split("/")[3], next(iter(slices))
    for path in (
        "/dicom-web/studies/1.2",
        f"{series}/instances/1.2",
        f"/dicom-web/studies/{study}/series/1.2/instances/{uid}",
    ):
        for resource in (
            "",
            "/metadata",
            *(["/frames/1", "/rendered", "/bulkdata/7FE00010"] if "instances" in path else []),
        ):
            assert web.client.get(path + resource, headers={"Accept": "*/*"}).status_code == 404


def test_a_lost_file_is_gone_and_the_others_come(web, series, slices):
    uid = next(iter(slices))
    study, series_uid = series.split("/")[3], series.split("/")[5]
    item = find_object(web.services.database, study, series_uid, uid)
    web.services.files.path(item.path).unlink()
    assert web.client.get(f"{series}/instances/{uid}").status_code == 410
    response = web.client.get(series, headers=accept("application/dicom", "*"))
    assert response.status_code == 206
    assert len(split(response)) == len(slices) - 1


def test_head_has_no_body(web, series, slices):
    for path in (
        series,
        f"{series}/metadata",
        f"{series}/instances/{next(iter(slices))}/frames/1",
        "/dicom-web/studies",
    ):
        response = web.client.head(path)
        assert (response.status_code, response.content) == (200, b"")
        assert response.headers["content-type"]


def test_pictures(web, keep, image):
    path = keep(image)
    response = web.client.get(f"{path}/rendered", params={"window": "40,400,linear"}, headers={"Accept": "image/png"})
    shown = np.asarray(Image.open(io.BytesIO(response.content)))
    values = image.pixel_array * float(image.RescaleSlope) + float(image.RescaleIntercept)
    # PS3.3 C.11.2.1.2.1
    expected = np.clip(((values - (40 - 0.5)) / (400 - 1) + 0.5) * 255, 0, 255)
    assert np.abs(shown - expected).max() <= 1
    thumbnail = web.client.get(f"{path}/thumbnail")
    assert Image.open(io.BytesIO(thumbnail.content)).size == (128, 128)
    part = web.client.get(f"{path}/rendered", params={"viewport": "64,64,0,0,32,16", "quality": "50"})
    assert Image.open(io.BytesIO(part.content)).size == (64, 32)
    assert part.headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize(
    "parameters", [{"window": "40"}, {"window": "1,0"}, {"quality": "101"}, {"viewport": "1"}, {"viewport": "9999,1"}]
)
def test_pictures_that_nobody_can_make(web, keep, image, parameters):
    assert web.client.get(f"{keep(image)}/rendered", params=parameters).status_code == 400


def test_bulk_data_are_what_the_metadata_say(web, keep, image):
    image.add_new(0x00091001, "OB", bytes(range(256)) * 20)
    image.add_new(0x00091002, "OB", bytes(2 * 1024 * 1024))
    inner = Dataset()
    inner.add_new(0x00091003, "OW", b"ab" * 2000)
    image.add_new(0x00082112, "SQ", [inner])
    header = web.client.get(f"{keep(image)}/metadata").json()[0]
    wanted = {
        header["00091001"]["BulkDataURI"]: bytes(range(256)) * 20,
        header["00091002"]["BulkDataURI"]: bytes(2 * 1024 * 1024),
        header["00082112"]["Value"][0]["00091003"]["BulkDataURI"]: b"ab" * 2000,
        header["7FE00010"]["BulkDataURI"]: image.PixelData,
    }
    for address, value in wanted.items():
        assert web.client.get(address, headers={"Accept": "application/octet-stream"}).content == value
        assert split(web.client.get(address))[0][1] == value


def test_views_are_in_the_audit_once(web, series, slices):
    for uid in list(slices)[:3]:
        web.client.get(f"{series}/instances/{uid}/frames/1")
    events = [event for event in list_events(web.services.database) if event.kind == "viewed"]
    assert [event.series_instance_uid for event in events] == [series.split("/")[5]]


def test_each_retrieval_of_a_series_is_in_the_audit_log(web, series, slices):
    study = series.rpartition("/series/")[0]
    for address in (study, series):
        assert web.client.get(address).status_code == 200
    for uid in list(slices)[:3]:  # object by object: once
        assert web.client.get(f"{series}/instances/{uid}").status_code == 200
    events = list_events(web.services.database, kind=statements.RETRIEVED)
    found = [statements.read(event.kind, event.text) for event in reversed(events)]
    uid = series.rpartition("/")[2]
    assert [(item.operation, item.study_instance_uid, item.series) for item in found] == [
        ("WADO-RS", study.rpartition("/")[2], (uid,))
    ] * 3
    assert [dict(item.classes) for item in found] == [{CTImageStorage: n} for n in (len(slices), len(slices), 1)]
    assert {event.series_instance_uid for event in events} == {uid}
