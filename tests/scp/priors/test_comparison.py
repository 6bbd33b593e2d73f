"""A score is compared with the patient's earlier ones, wherever they are; nothing on that way ever stops the score."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ComprehensiveSRStorage, CTImageStorage, ExplicitVRLittleEndian, generate_uid

from config.settings import Settings
from scoring.report.common.request import Predecessor, ReportRequest
from scoring.report.sr import structured_report
from scoring.result import ArteryValues, Patient, Provenance, Risk, Score, SeriesInfo, Statement
from scp.installation import Installation
from scp.priors.comparison import History
from scp.priors.retrieve import Fetched
from storage.database.engine import Database
from storage.intake.instances import register
from storage.objects.files import Files
from storage.objects.header import InstanceHeader
from storage.series import priors, results

NOW = datetime(2026, 1, 6, tzinfo=UTC)
ANN = {"PatientID": "42", "IssuerOfPatientID": "Clinic", "PatientName": "Ann^Other", "PatientSex": "F"}
MADE = Provenance("coronode", "0.1.0", "default", "standard", 130.0, 1.0, 8, "voxels")


def header(study: str, day: str, **changes: str) -> Dataset:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, f"{study}.1.1"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.Modality = study, f"{study}.1", "CT"
    ds.StudyDate = day.replace("-", "")
    for keyword, value in (ANN | changes).items():
        setattr(ds, keyword, value)
    return ds


def scored(study: str, day: str | None, agatston: float) -> Score:
    values = ArteryValues(total=agatston, LAD=agatston)
    info = SeriesInfo(study, f"{study}.1", 40, 512, 512, (3.0, 0.4, 0.4), 3.0, 120.0, date=day)
    none = (None,) * 2
    category, drs = ("101-400", "A2/N1") if agatston else ("0", "A0")
    return Score("scored", None, info, values, (agatston, agatston), values, values, (), category, drs, *none, (), MADE)


def report(study: str, day: str, agatston: float, *, old: str | None = None, **patient: str) -> Dataset:
    """Our report of a scan that is not here, as another node made it; `old` is the one that it replaces."""
    before = None if old is None else Predecessor(ComprehensiveSRStorage, old, "1.2.3", study)
    request = ReportRequest(version=1 if old is None else 2, created=NOW, predecessor=before)
    return structured_report.build(scored(study, day, agatston), [header(study, day, **patient)], request=request)


@dataclass
class Site:
    """Index and store of a node, and what its peer has."""

    database: Database
    files: Files
    settings: Settings

    def keep(self, ds: Dataset) -> None:
        buffer = io.BytesIO()
        ds.save_as(buffer, implicit_vr=False, little_endian=True, enforce_file_format=False)
        named = InstanceHeader.from_dataset(ds, ExplicitVRLittleEndian)
        content = buffer.getvalue() if hasattr(ds, "file_meta") else bytes(128) + b"DICM" + buffer.getvalue()
        stored = self.files.write(content, named.file_name("0" * 64))
        register(self.database, self.files, named, stored, now=NOW)

    def scan(self, study: str, day: str, agatston: float | None = None, **patient: str) -> str:
        """Keep a scan, with a score if one is given."""
        ds = header(study, day, **patient)
        self.keep(ds)
        if agatston is not None:
            score = scored(study, day, agatston)
            results.save(self.database, f"{study}.1", 1, "scored", score.to_json(), now=NOW)
        return f"{study}.1"

    def compare(self, score: Score) -> Score:
        history = History(Installation(self.settings, self.database, self.files))
        return history.compare(score, score.series.series_instance_uid)


SLOW = Statement.build("peer_incomplete", peer="PACS", error="it is slow")


def reasons(score: Score) -> list[str]:
    """Codes of the reasons why there is no comparison."""
    return [reason.code for reason in score.risk.change_reason]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    database = Database.open(f"sqlite:///{tmp_path / 'index.db'}")
    database.migrate()
    yield Site(database, Files(tmp_path / "objects"), Settings())
    database.close()


@pytest.fixture
def peer(site: Site, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list]:
    """`peer(report, ..., notes=())` gives the site a PACS that answers with them; what it was asked is listed."""

    def answer(*reports: Dataset, notes: tuple[Statement, ...] = ()) -> list:
        asked = []
        peers = {"PACS": {"ae_title": "PACS", "host": "127.0.0.1", "port": 104}}
        site.settings = Settings(peers=peers, priors={"peer": "PACS", "timeout_seconds": 7})

        def fetch(node, name, peer, wanted, *, seconds):
            asked.append((name, wanted, seconds))
            return Fetched(tuple(reports), notes)

        monkeypatch.setattr("scp.priors.comparison.fetch", fetch)
        return asked

    return answer


def test_a_scan_is_compared_with_the_index(site):
    site.scan("1.2.5", "2025-01-05", 100.0)
    site.scan("1.2.7", "2026-01-05")
    score = replace(scored("1.2.7", "2026-01-05", 150.0), patient=Patient(bmi=30.0))
    change = site.compare(score).change
    assert (change.date, change.interval_days, change.agatston.absolute, change.bmi) == ("2025-01-05", 365, 50, 30)
    (earlier,) = change.history
    assert (earlier.origin, earlier.study_instance_uid) == ("index", "1.2.5")
    assert change.differences == ()


def test_the_date_of_the_study_stands_in_for_that_of_the_scan(site):
    site.scan("1.2.5", "2025-01-05")
    results.save(site.database, "1.2.5.1", 1, "scored", scored("1.2.5", None, 100.0).to_json(), now=NOW)
    site.scan("1.2.7", "2026-01-05")
    found = site.compare(scored("1.2.7", None, 150.0))
    assert (found.change.interval_days, found.series.date) == (365, "2026-01-05")


def test_a_report_that_came_in_is_compared(site):
    site.keep(report("1.2.6", "2025-07-05", 120.0))
    site.scan("1.2.5", "2025-01-05", 100.0)
    site.scan("1.2.7", "2026-01-05")
    change = site.compare(scored("1.2.7", "2026-01-05", 150.0)).change
    assert (change.date, change.agatston.then) == ("2025-07-05", 120)
    assert [item.origin for item in change.history] == ["index", "received SR"]


def test_reports_of_a_peer_are_compared_and_only_new_ones_asked_for(site, peer):
    asked = peer(report("1.2.6", "2025-07-05", 120.0), notes=(SLOW,))
    site.keep(report("1.2.4", "2024-07-05", 110.0))
    site.scan("1.2.7", "2026-01-05")
    change = site.compare(scored("1.2.7", "2026-01-05", 150.0)).change
    assert [(item.origin, item.agatston) for item in change.history] == [("received SR", 110), ("PACS", 120)]
    assert change.notes[-1].text == "PACS gave no complete answer to the query for earlier scores: it is slow"
    ((name, wanted, seconds),) = asked
    assert (name, seconds, wanted.study_instance_uid, wanted.before.isoformat()) == ("PACS", 7, "1.2.7", "2026-01-05")
    assert (wanted.person.patient_id, wanted.person.issuer) == ("42", "Clinic")
    assert wanted.known(change.history[0].sop_instance_uid)
    assert not wanted.known(change.history[1].sop_instance_uid)


def test_one_result_in_several_places_is_one(site, peer):
    ours = report("1.2.5", "2025-01-05", 100.0)
    peer(report("1.2.5", "2025-01-05", 100.0), ours)
    series = site.scan("1.2.5", "2025-01-05", 100.0)
    made = results.Report(ours.SOPClassUID, ours.SOPInstanceUID, ours.SeriesInstanceUID)
    results.set_report(site.database, series, 1, made)
    site.scan("1.2.7", "2026-01-05")
    change = site.compare(scored("1.2.7", "2026-01-05", 150.0)).change
    assert [item.origin for item in change.history] == ["index"]


@pytest.mark.parametrize("newer_first", [True, False])
def test_a_report_that_was_replaced_does_not_count(site, peer, newer_first):
    old = report("1.2.6", "2025-07-05", 500.0)
    new = report("1.2.6", "2025-07-05", 120.0, old=old.SOPInstanceUID)
    peer(*((new, old) if newer_first else (old, new)))
    site.scan("1.2.7", "2026-01-05")
    assert site.compare(scored("1.2.7", "2026-01-05", 150.0)).change.agatston.then == 120


def test_another_patient_of_the_same_name_is_not_compared(site):
    site.scan("1.2.5", "2025-01-05", 100.0, PatientID="43")
    site.keep(report("1.2.6", "2025-07-05", 120.0, IssuerOfPatientID="Elsewhere"))
    site.scan("1.2.7", "2026-01-05")
    found = site.compare(scored("1.2.7", "2026-01-05", 150.0))
    assert (found.change, reasons(found)) == (None, ["no_earlier_score"])


def test_a_report_that_names_another_patient_than_its_study_is_not_compared(site):
    site.scan("1.2.6", "2025-07-05")
    site.keep(report("1.2.6", "2025-07-05", 120.0, PatientID="43"))
    site.scan("1.2.7", "2026-01-05")
    assert site.compare(scored("1.2.7", "2026-01-05", 150.0)).change is None


def test_a_study_that_contradicts_is_left_out_and_said(site):
    site.scan("1.2.5", "2025-01-05", 100.0, PatientSex="M")
    site.scan("1.2.7", "2026-01-05")
    score = replace(scored("1.2.7", "2026-01-05", 150.0), risk=Risk(arterial_age_years=75.5))
    risk = site.compare(score).risk
    assert risk.arterial_age_years == 75.5
    assert risk.change_reason[1].text == "1 other study with this Patient ID was left out: date of birth or sex differ"


@pytest.mark.parametrize(
    ("patient", "day", "code"),
    [({"PatientID": ""}, "2026-01-05", "no_patient_id"), ({}, "", "no_scan_date")],
)
def test_the_reason_for_no_comparison_is_given(site, patient, day, code):
    site.scan("1.2.7", day, **patient)
    found = site.compare(scored("1.2.7", None, 150.0))
    assert found.change is None
    assert reasons(found) == [code]


def test_a_peer_that_fails_is_in_the_reason(site, peer):
    peer(notes=(SLOW,))
    site.scan("1.2.7", "2026-01-05")
    result = site.compare(scored("1.2.7", "2026-01-05", 150.0))
    assert reasons(result) == ["no_earlier_score", "peer_incomplete"]


def test_reports_and_results_that_cannot_be_read_do_not_matter(site):
    lost = report("1.2.6", "2025-07-05", 120.0)
    site.keep(lost)
    (found,) = priors.find(site.database, site.scan("1.2.7", "2026-01-05"), (ComprehensiveSRStorage,)).reports
    site.files.path(found.path).write_bytes(b"nothing")
    site.scan("1.2.5", "2025-01-05")
    results.save(site.database, "1.2.5.1", 1, "scored", '{"schema": "of tomorrow"}', now=NOW)
    found = site.compare(scored("1.2.7", "2026-01-05", 150.0))
    assert reasons(found) == ["no_earlier_score"]


def test_an_error_inside_does_not_stop_the_score(site, monkeypatch):
    score = scored("1.2.7", "2026-01-05", 150.0)
    assert site.compare(score).agatston == score.agatston
    assert reasons(site.compare(score)) == ["history_failed"]


def test_a_series_without_a_score_is_left_alone(site):
    refused = replace(scored(generate_uid(), None, 0.0), status="not_scorable", agatston=None)
    assert site.compare(refused) is refused
