import csv
import json
import shutil

import pytest
from pydicom import dcmread

from scoring.phantom import Truth
from scoring.result import Score


def test_one_series_as_json_is_the_score_and_nothing_else(coronode, scan):
    ended = coronode("score", scan, "--json")
    score = Score.from_json(ended.out)
    truth = Truth.from_json((scan / "truth.json").read_text())
    assert ended.code == 0
    assert score.status == "scored"
    assert score.agatston.total == pytest.approx(truth.agatston.total, rel=0.25)
    assert score.category == truth.category
    assert json.loads(ended.out)["schema"] == "coronode.score/1"


def test_convention_is_recorded(coronode, scan):
    score = Score.from_json(coronode("score", scan, "--json", "--convention", "siemens").out)
    assert score.provenance.convention == "siemens"
    ended = coronode("score", scan, "--convention", "mine")
    assert ended.code == 2
    assert "standard" in ended.err


def test_many_series_one_json_and_one_row_each_and_on_after_a_bad_one(coronode, scan, tmp_path):
    archive = tmp_path / "archive"
    shutil.copytree(scan, archive / "good")
    few = archive / "few"
    few.mkdir()
    for path in sorted(scan.glob("dicom/*.dcm"))[:3]:
        image = dcmread(path)
        image.SeriesInstanceUID = "1.2.3.4"
        image.save_as(few / path.name)
    broken = archive / "broken"
    broken.mkdir()
    for path in sorted(scan.glob("dicom/*.dcm")):
        image = dcmread(path)
        image.SeriesInstanceUID = "1.2.3.5"
        image.PixelData = image.PixelData[:100]
        image.save_as(broken / path.name)
    (archive / "notes.txt").write_text("not DICOM")
    ended = coronode("score", archive, "--out", tmp_path / "out", "--jobs", 2)
    with (tmp_path / "out" / "scores.csv").open() as table:
        rows = {row["series_instance_uid"]: row for row in csv.DictReader(table)}
    assert ended.code == 0
    assert sorted(row["status"] for row in rows.values()) == ["not_scorable", "not_scorable", "scored"]
    assert rows["1.2.3.4"]["reason"]
    for uid, row in rows.items():
        stored = Score.from_json((tmp_path / "out" / f"{uid}.json").read_text())
        assert stored.status == row["status"]
        if stored.agatston is not None:
            assert float(row["agatston"]) == stored.agatston.total


def test_nothing_to_score(coronode, tmp_path):
    (tmp_path / "notes.txt").write_text("not DICOM")
    ended = coronode("score", tmp_path / "notes.txt")
    assert ended.code == 1
    assert "no DICOM image" in ended.err
    assert coronode("score", tmp_path / "nowhere").code == 2


def test_phantom_command(coronode, tmp_path):
    ended = coronode("phantom", "p", "--seed", 2, "--matrix", 64, "--no-calcium", "--thickness", 5)
    assert ended.code == 0
    assert Truth.from_json((tmp_path / "p" / "truth.json").read_text()).agatston.total == 0
    assert dcmread(tmp_path / "p" / "dicom" / "0001.dcm").SliceThickness == 5
    assert coronode("phantom", "p").code == 1

    first = coronode("phantom", "many", "--population", 2, "--seed", 27, "--matrix", 64)
    assert (first.code, len(first.out.splitlines())) == (0, 2)
    kept, cut = (tmp_path / "many" / f"{n:04d}" / "truth.json" for n in range(2))
    times, text = kept.stat().st_mtime_ns, cut.read_text()
    cut.unlink()
    again = coronode("phantom", "many", "--population", 2, "--seed", 27, "--matrix", 64)
    assert again.out == first.out
    assert (kept.stat().st_mtime_ns, cut.read_text()) == (times, text)
    assert coronode("phantom", "many", "--population", 2, "--seed", 28).code == 1
    assert coronode("phantom", "many", "--population", 2, "--noise", 9).code == 2


def test_explain_tells_every_lesion_and_every_rejected_candidate(coronode, scan):
    score = Score.from_json(coronode("score", scan, "--json").out)
    ended = coronode("score", scan, "--explain")
    assert ended.code == 0
    lines = ended.out.splitlines()
    head = next(index for index, line in enumerate(lines) if "Counted:" in line)
    middle = next(index for index, line in enumerate(lines) if "Not counted" in line)
    counted = {line.split()[0]: line.split()[1:4] for line in lines[head + 2 : middle]}
    assert counted == {
        str(item.id): [item.artery, f"{item.agatston:.1f}", f"{item.confidence:.3f}"] for item in score.lesions
    }
    assert len(counted) > 1
    told = lines[middle + 2 : -1]
    assert len(score.rejected) > 0
    assert len(told) == len(score.rejected)
    for line, item in zip(told, score.rejected, strict=True):
        assert line.split()[1:3] == [f"{item.agatston:.1f}", f"{item.confidence:.3f}"]
        assert line.endswith(item.reason.text)
    assert f"{score.agatston_range[0]:.1f} to {score.agatston_range[1]:.1f}" in ended.out
    assert "Not counted" not in coronode("score", scan).out


def test_explain_leaves_json_and_refusals_as_they_are(coronode, scan, tmp_path):
    assert coronode("score", scan, "--json", "--explain").out == coronode("score", scan, "--json").out
    few = tmp_path / "few"
    few.mkdir()
    for path in sorted(scan.glob("dicom/*.dcm"))[:3]:
        shutil.copy(path, few)
    ended = coronode("score", few, "--explain")
    assert "not scorable" in ended.out
    assert len(ended.out.splitlines()) == 1
