import pytest
from pydicom import dcmread

from scoring.phantom import Truth


def test_what_must_not_be_counted_can_be_named(coronode, tmp_path):
    wanted = ("--with", "stent", "--with", "sternal wires", "--motion", 3, "--tilt", 5, "--thickness", 5)
    assert coronode("phantom", "p", "--matrix", 64, *wanted).code == 0
    truth = Truth.from_json((tmp_path / "p" / "truth.json").read_text())
    assert {d.kind for d in truth.distractors} == {"stent", "sternal wires"}
    assert truth.refusal == "metal"
    ds = dcmread(tmp_path / "p" / "dicom" / "0001.dcm")
    assert ds.GantryDetectorTilt == 5
    assert "ECG_GATED" not in ds.ScanOptions


def test_unfit_series(coronode, tmp_path):
    ended = coronode("phantom", "n", "--unfit", "cropped below", "--matrix", 64)
    assert ended.code == 0
    assert "must not be scored" in ended.out
    assert list((tmp_path / "n" / "dicom").glob("*.dcm"))


def test_wrong_kinds_and_options(coronode):
    assert coronode("phantom", "a", "--unfit", "fog").code == 1
    assert coronode("phantom", "b", "--with", "tattoo").code == 1
    assert coronode("phantom", "c", "--unfit", "noise", "--tilt", 3).code == 2


def test_the_next_scan_of_a_patient(coronode, tmp_path):
    small = ("--matrix", 64, "--thickness", 10)
    ann = ("--patient-id", "4711", "--patient-name", "Other^Ann", *small)
    assert coronode("phantom", "then", *ann).code == 0
    assert coronode("phantom", "now", *ann, "--date", "2025-01-03", "--calcium", 1.2).code == 0
    assert coronode("phantom", "less", *small, "--date", "20250103", "--calcium", 0.1).code == 0
    first, second, third = (dcmread(tmp_path / name / "dicom" / "0001.dcm") for name in ("then", "now", "less"))
    assert (second.PatientID, second.PatientName, second.StudyDate) == ("4711", "Other^Ann", "20250103")
    assert first.PatientID == second.PatientID != third.PatientID
    assert len({ds.StudyInstanceUID for ds in (first, second, third)}) == 3
    then, now, less = (
        Truth.from_json((tmp_path / name / "truth.json").read_text()) for name in ("then", "now", "less")
    )
    assert now.mass_mg.total == pytest.approx(1.2 * then.mass_mg.total, rel=0.05)
    assert less.mass_mg.total == pytest.approx(0.1 * then.mass_mg.total, rel=0.05)


def test_an_impossible_next_scan(coronode):
    assert coronode("phantom", "a", "--calcium", 0).code == 2
    assert coronode("phantom", "b", "--date", "2025-02-30").code == 2
    ended = coronode("phantom", "c", "--calcium", 50)
    assert ended.code == 1
    assert "length_mm" in ended.err
