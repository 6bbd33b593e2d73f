"""WADO-RS against the bytes that were stored."""

import json
from email import message_from_bytes
from email.policy import HTTP

import numpy as np
import pytest
from pydicom.uid import ExplicitVRLittleEndian

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
