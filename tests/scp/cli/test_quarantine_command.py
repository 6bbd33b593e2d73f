"""What was quarantined is seen in every list, and taken out by number or by series."""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from config.settings import Settings
from dicom.part10 import encode_preface
from scp.installation import Installation
from storage.database.opening import open_database
from storage.intake.instances import register
from storage.objects.header import InstanceHeader
from storage.objects.opening import open_files
from storage.series import refusals, states
from storage.series.refusals import Refusal
from storage.series.states import State

FIRST, COPY = "1.2.12.1.1", "1.2.12.1.99"


@dataclass
class Site:
    """The data folder of a node that does not run."""

    installation: Installation

    def store(self, number: int, series: str, **attributes: object) -> None:
        dataset = Dataset()
        dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, f"{FIRST}.{number}"
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.Modality = "1.2.12.1", series, "CT"
        dataset.ImagePositionPatient = [0, 0, 3 * number]
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)
        buffer = DicomBytesIO()
        buffer.is_little_endian, buffer.is_implicit_VR = True, False
        write_dataset(buffer, dataset)
        header = InstanceHeader.from_dataset(dataset, ExplicitVRLittleEndian)
        preface = encode_preface(CTImageStorage, header.sop_instance_uid, ExplicitVRLittleEndian)
        here = self.installation
        with here.files.incoming(ExplicitVRLittleEndian) as file:
            file.preface(preface)
            file.write(buffer.getvalue())
            stored = file.commit(header.file_name(file.sha256))
        register(here.database, here.files, header, stored, now=here.clock(), calling_ae="SCANNER")


@pytest.fixture
def site(tmp_path: Path, clock):
    settings = Settings(node={"data_dir": tmp_path / "coronode-data", "reserve_mb": 0})
    database = open_database(settings)
    made = Site(Installation(settings, database, open_files(settings), clock))
    for number in range(3):
        made.store(number, FIRST)
    clock.advance(60)
    yield made
    database.close()


@pytest.fixture
def copied(site: Site) -> Site:
    """The same SOP Instance UIDs under another Series Instance UID."""
    for number in range(3):
        site.store(number, COPY)
    return site


def rows(ended) -> list[dict]:
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


def test_a_series_that_was_quarantined_whole_is_in_the_list_of_series(coronode, copied):
    copy, first = rows(coronode("series", "list", "--json"))
    assert (copy["series_instance_uid"], copy["state"], copy["images"], copy["quarantined"]) == (
        COPY,
        "quarantined",
        0,
        3,
    )
    assert (first["series_instance_uid"], first["state"], first["quarantined"]) == (FIRST, "receiving", 0)
    assert [
        row["series_instance_uid"] for row in rows(coronode("series", "list", "--state", "quarantined", "--json"))
    ] == [COPY]
    assert [
        row["series_instance_uid"] for row in rows(coronode("series", "list", "--state", "receiving", "--json"))
    ] == [FIRST]
    assert len(rows(coronode("series", "list", "--limit", "1", "--json"))) == 1
    table = coronode("series", "list").out
    assert (
        "3 objects in quarantine, none stored: other_series: the SOP Instance UID is known in another series" in table
    )


def test_both_series_tell_of_the_quarantine(coronode, copied):
    lost = coronode("series", "show", COPY)
    assert lost.code == 0
    assert "state:       quarantined" in lost.out
    assert f"held by series {FIRST}" in lost.out
    assert f"coronode quarantine list --series {COPY}" in lost.out
    assert "quarantined other_series (3 times)" in lost.out
    holding = coronode("series", "show", FIRST).out
    assert f"3 objects of series {COPY}, whose SOP Instance UIDs this series holds" in holding
    assert coronode("series", "show", COPY, "--json").code == 1
    assert coronode("series", "show", "9.9").code == 1


def test_a_series_tells_of_its_refused_images(coronode, site):
    for number in range(5):
        refused = Refusal(FIRST, f"{FIRST}.7{number}", "SCANNER", "0xC000 Pixel Data (7FE0,0010) is short")
        refusals.note(site.installation.database, refused, site.installation.clock())
    lines = coronode("series", "show", FIRST).out.splitlines()
    named = ", ".join(f"{FIRST}.7{number}" for number in range(3))
    assert f"refused:     5 objects of this series at receipt, not stored since: {named}, ..." in lines
    assert any(line.endswith("refused 0xC000 Pixel Data (7FE0,0010) is short (5 times)") for line in lines)


def test_a_series_with_a_repeated_uid_tells_of_it(coronode, site):
    site.store(1, FIRST, ImagePositionPatient=[0, 0, 100])
    (row,) = rows(coronode("series", "list", "--json"))
    assert row["quarantined"] == 1
    assert "1 in quarantine" in coronode("series", "list").out
    shown = coronode("series", "show", FIRST).out
    assert "1 object of this series: repeated_uid: another image of the series has the same SOP Instance UID" in shown


def test_the_list_names_both_series_the_sender_and_the_reason(coronode, copied):
    listed = rows(coronode("quarantine", "list", "--json"))
    assert {row["reason_code"] for row in listed} == {"other_series"}
    assert {(row["series_instance_uid"], row["held_by_series"], row["calling_ae"]) for row in listed} == {
        (COPY, FIRST, "SCANNER")
    }
    assert rows(coronode("quarantine", "list", "--series", FIRST, "--json")) == []
    assert len(rows(coronode("quarantine", "list", "--series", COPY, "--limit", "2", "--json"))) == 2
    table = coronode("quarantine", "list").out
    assert "other_series: the SOP Instance UID is known in another series" in table


def test_a_release_by_series_is_undone_by_another(coronode, copied):
    ended = coronode("quarantine", "release", "--series", COPY)
    assert ended.code == 0
    assert ended.out.splitlines() == [
        f"series {COPY}: 3 released, 3 replaced and now in quarantine",
        f"series {FIRST}: has no object left",
    ]
    database = copied.installation.database
    assert states.get(database, COPY).state == State.RECEIVING
    again = coronode("quarantine", "release", "--series", FIRST)
    assert f"series {COPY}: has no object left" in again.out
    assert states.get(database, FIRST).instance_count == 3


def test_a_release_by_number(coronode, site):
    site.store(1, FIRST, PatientID="CORRECTED")
    site.store(2, FIRST, PatientID="CORRECTED")
    one = rows(coronode("quarantine", "list", "--json"))[0]
    assert coronode("quarantine", "release", one["id"]).code == 0
    assert [row["reason_code"] for row in rows(coronode("quarantine", "list", "--json"))].count("replaced") == 1


def test_a_deletion_asks_unless_it_is_told_yes(coronode, copied, monkeypatch):
    monkeypatch.setattr("sys.stdin", StringIO())
    assert coronode("quarantine", "delete", "--series", COPY).code == 1
    assert len(rows(coronode("quarantine", "list", "--json"))) == 3
    ended = coronode("quarantine", "delete", "--series", COPY, "--yes")
    assert (ended.code, ended.out) == (0, "3 objects deleted\n")
    assert rows(coronode("quarantine", "list", "--json")) == []
    assert not list((copied.installation.files.root / "quarantine").iterdir())


@pytest.mark.parametrize("act", ["release", "delete"])
def test_what_is_not_there_or_not_named_is_said(coronode, site, act):
    assert coronode("quarantine", act).code == 2
    assert coronode("quarantine", act, "1", "--series", FIRST).code == 2
    for arguments in (("77",), ("--series", FIRST)):
        ended = coronode("quarantine", act, *arguments)
        assert ended.code == 1
        assert len(ended.err.strip().splitlines()) == 1


def test_doctor_warns_with_the_number_and_what_to_do(coronode, copied):
    listed = json.loads(coronode("doctor", "--json").out)
    (finding,) = [item for item in listed if item["check"] == "quarantine"]
    assert (finding["ok"], finding["warning"]) == (True, True)
    assert "3 objects of 1 series" in finding["finding"]
    assert "of 1 of the series nothing is stored" in finding["finding"]
    assert "!!  quarantine:" in coronode("doctor").out
    coronode("quarantine", "delete", "--series", COPY, "--yes")
    assert "ok  quarantine:" in coronode("doctor").out
