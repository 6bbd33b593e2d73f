"""The next scan of a patient is compared with the last one by the whole node; that of a namesake is not."""

from __future__ import annotations

import dataclasses
from copy import deepcopy

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import generate_uid

from scoring.phantom.phantom import make_phantom
from scoring.phantom.series import write_series
from scoring.phantom.spec import DEFAULT_CALCIFICATIONS, PhantomSpec
from scoring.result import Score
from storage.series import results, states
from storage.series.states import State

pytestmark = pytest.mark.component

THEN = PhantomSpec(
    matrix=128,
    slice_thickness_mm=5,
    slice_increment_mm=5,
    above_left_main_mm=45,
    below_left_main_mm=100,
    patient_id="4711",
    patient_name="Other^Ann",
    study_date="20250105",
)
NOW = dataclasses.replace(
    THEN, study_date="20260105", calcifications=tuple(lesion.scaled(1.2) for lesion in DEFAULT_CALCIFICATIONS)
)


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> list[list[Dataset]]:
    """Two scans of a patient, a year apart."""
    phantoms = (make_phantom(spec) for spec in (THEN, NOW))
    return [[dcmread(path) for path in write_series(p, tmp_path_factory.mktemp("scan"))] for p in phantoms]


def of_namesake(images: list[Dataset]) -> list[Dataset]:
    """The same images of another patient of the same name."""
    study, own = generate_uid(), generate_uid()
    copies = [deepcopy(image) for image in images]
    for image in copies:
        image.PatientID, image.StudyInstanceUID, image.SeriesInstanceUID = "4712", study, own
        image.SOPInstanceUID = generate_uid()
    return copies


@pytest.fixture
def score_of(scanner_of, eventually):
    def score(node, images: list[Dataset]) -> Score:
        uid = images[0].SeriesInstanceUID
        scanner_of(node).send(images)
        eventually("a delivered report", lambda: states.get(node.database, uid).state == State.DELIVERED)
        return Score.from_json(results.get(node.database, uid).score_json)

    return score


def test_a_year_later_with_a_fifth_more_calcium(scans, score_of, pacs, configured, run_node):
    with run_node(configured({"PACS": pacs.port})) as node:
        then = score_of(node, scans[0])
        assert then.change is None
        assert [reason.code for reason in then.risk.change_reason] == ["no_earlier_score"]
        now = score_of(node, scans[1])
        namesake = score_of(node, of_namesake(scans[1]))
    change = now.change
    assert (change.date, change.interval_days, change.differences) == ("2025-01-05", 365, ())
    assert (change.agatston.then, change.agatston.now) == (then.agatston.total, now.agatston.total)
    assert change.volume_mm3.absolute == pytest.approx(now.volume_mm3.total - then.volume_mm3.total, abs=1e-3)
    assert change.mass_mg.absolute == pytest.approx(now.mass_mg.total - then.mass_mg.total, abs=1e-3)
    # of what is built; in slices of 5 mm more of small calcium crosses the threshold as it grows
    assert 1.1 < now.mass_mg.total / then.mass_mg.total < 1.5
    assert namesake.agatston == now.agatston
    assert namesake.change is None
    assert [reason.code for reason in namesake.risk.change_reason] == ["no_earlier_score"]
    (earlier,) = change.history
    assert earlier.sop_instance_uid == pacs.received[0].SOPInstanceUID


def test_the_report_of_another_node_is_a_prior(scans, score_of, pacs, configured, run_node, scanner_of, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    with run_node(configured({"PACS": pacs.port}, folder=first)) as node:
        then = score_of(node, scans[0])
    (report,) = pacs.received
    with run_node(configured({"PACS": pacs.port}, folder=second)) as node:
        scanner = scanner_of(node)
        scanner.add(report.SOPClassUID)
        assert scanner.send([report]) == [0]
        assert states.get(node.database, report.SeriesInstanceUID).state == State.KEPT
        change = score_of(node, scans[1]).change
    (earlier,) = change.history
    assert (earlier.origin, earlier.sop_instance_uid) == ("received SR", report.SOPInstanceUID)
    assert change.agatston.then == pytest.approx(then.agatston.total)
    assert change.volume_mm3.then == pytest.approx(then.volume_mm3.total)
    assert change.differences == ()
