"""The quarantine: what lies there and why; released, or deleted after a second question."""

from __future__ import annotations

import pytest
from pydicom import dcmread

from storage.database import audit
from storage.intake.instances import register
from storage.objects.header import InstanceHeader
from storage.series import states
from storage.series.quarantine import count_quarantined, list_quarantined


@pytest.fixture
def aside(scanned, scan):
    """The first slice once more, with another description: it lies in quarantine."""
    path = min(scan.folder.glob("*.dcm"))
    dataset = dcmread(path)
    dataset.SeriesDescription = "another"
    files = scanned.services.files
    header = InstanceHeader.from_dataset(dataset, str(dataset.file_meta.TransferSyntaxUID))
    with files.incoming(header.transfer_syntax_uid) as incoming:
        copy = scan.folder.parent / "aside.bin"
        dataset.save_as(copy)
        incoming.write(copy.read_bytes())
        stored = incoming.commit(header.file_name(incoming.sha256))
    register(scanned.database, files, header, stored, now=scanned.now)
    (item,) = list_quarantined(scanned.database)
    return item


def test_it_says_what_lies_there_and_why(scanned, aside):
    page = scanned.client.get("/quarantine").text
    assert scanned.series in page
    assert "another header or other pixels" in page
    assert aside.sop_instance_uid in scanned.client.get(f"/quarantine?series={scanned.series}").text


def test_an_object_is_released_and_its_series_scored_again(scanned, aside):
    assert scanned.client.post("/quarantine/release", data={"number": [aside.id]}).status_code == 303
    assert states.get(scanned.database, scanned.series).state == "receiving"
    assert audit.list_events(scanned.database, kind="released")[0].person == "local"


def test_nothing_is_deleted_before_the_second_question(scanned, aside):
    asked = scanned.client.post("/quarantine/delete", data={"series": scanned.series})
    assert asked.status_code == 200
    assert "cannot be undone" in asked.text
    assert count_quarantined(scanned.database) == 1
    done = scanned.client.post("/quarantine/delete", data={"series": scanned.series, "confirmed": "yes"})
    assert done.status_code == 303
    assert count_quarantined(scanned.database) == 0
    assert audit.list_events(scanned.database, kind="quarantine-deleted")[0].person == "local"


def test_what_is_not_there_is_told(scanned):
    assert "quarantine is empty" in scanned.client.get("/quarantine").text
    assert scanned.client.post("/quarantine/release", data={"number": [77]}).status_code == 409
    assert scanned.client.post("/quarantine/delete", data={}).status_code == 422
