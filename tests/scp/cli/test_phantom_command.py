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
