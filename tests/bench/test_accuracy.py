"""Measures over scans, the cache, and the output."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
from PIL import Image

from scoring.phantom import PhantomSpec

from .conftest import BENCH, calcification, counted, not_counted, score, truth

MIDDLE, FAR = (0.0, 0.0, 0.0), (60.0, 0.0, 0.0)


@pytest.fixture
def scan(part):
    def make(phantom_truth, answer, nearest=(), seed=100_000, **spec):
        record = part("record").Record(seed, phantom_truth, answer, nearest, 2.0)
        chosen = {"kvp": 120, "slice_thickness_mm": 3.0, "distractors": False} | spec
        return part("scan").Scan(record, PhantomSpec(seed=seed, **chosen))

    return make


@pytest.fixture
def scans(scan):
    """One correct, one false zero, one with an extra lesion in the wrong artery, one refused, one refused for metal."""
    one = calcification("LAD", MIDDLE, 40.0)
    return [
        scan(truth(one), score(counted("LAD", MIDDLE, 44.0), span=(30.0, 50.0)), ((0.2,),)),
        scan(truth(calcification("RCA", FAR, 0.5)), score(category="0"), seed=100_001, kvp=100),
        scan(
            truth(one, distractors=[("aortic root", FAR)]),
            score(
                counted("LM", MIDDLE, 40.0),
                counted("RCA", FAR, 100.0),
                category="101-400",
                rejected=(not_counted((2.0, 0.0, 0.0), 3.0, 0.3), not_counted((30.0, 0.0, 0.0), 9.0, 0.05)),
            ),
            ((0.2,), (59.0,)),
            seed=100_002,
        ),
        scan(truth(category="0"), score(refused="noise"), seed=100_003),
        scan(truth(one, refusal="metal"), score(refused="metal"), seed=100_004),
    ]


def test_totals_and_categories(part, scans) -> None:
    measures = part("measures")
    assert measures.totals(scans) == [(40.0, 44.0), (0.5, 0.0), (40.0, 140.0)]
    assert measures.agreeing(scans) == 1
    assert measures.false_zeros(scans) == (1, 3)
    assert measures.false_zeros(scans, 1.0) == (0, 2)
    assert measures.false_positives(scans) == (0, 0)
    assert measures.relative_errors(scans) == pytest.approx([0.1, 1.0, 2.5])
    assert part("tables").confusion(scans) == [[0, 0, 0, 0, 1], [1, 1, 1, 0, 1], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]


def test_refusals_for_metal_are_separate(part, scans) -> None:
    measures = part("measures")
    assert measures.refusals(scans, fit=True) == {"noise": 1}
    assert measures.refusals(scans, fit=False) == {"metal": 1}


def test_lesions(part, scans) -> None:
    measures = part("measures")
    assert measures.calcifications(scans) == (2, 3)
    assert measures.calcifications(scans, 1.0) == (2, 2)
    assert measures.missed_agatston(scans) == pytest.approx(0.5 / 3)
    assert measures.false_agatston(scans) == pytest.approx(100.0 / 3)


def test_arteries(part, scans) -> None:
    measures = part("measures")
    assert measures.artery_agatston(scans) == {
        ("LAD", "LAD"): 44.0,
        ("LAD", "LM"): 40.0,
        ("none", "RCA"): 100.0,
        ("RCA", "missed"): 0.5,
    }
    assert measures.correctly_assigned(scans, ("LAD",)) == pytest.approx(44 / 84)
    assert measures.correctly_assigned(scans, ("LM", "LAD")) == 1.0
    assert math.isnan(measures.correctly_assigned(scans, ("LCX",)))
    assert measures.artery_totals(scans, ("LM", "LAD")) == [(40.0, 44.0), (0.0, 0.0), (40.0, 40.0)]


def test_range_and_confidence(part, scans) -> None:
    measures = part("measures")
    assert measures.covered(scans) == (1, 3)
    assert measures.covered(scans, 0.1, 1.0) == (2, 3)  # 0.5 is within 1 of 0
    assert measures.judged(scans) == [(0.9, True), (0.9, True), (0.9, False), (0.3, True), (0.05, False)]


def test_mass_where_it_can_be_correct(part, scan) -> None:
    # The mass is a quarter of the Agatston score: truly 20 mg.
    phantom_truth, answer = truth(calcification("LAD", MIDDLE, 80.0)), score(counted("LAD", MIDDLE, 88.0))
    small = truth(calcification("LAD", MIDDLE, 40.0))
    scans = [
        scan(phantom_truth, answer, ((0.2,),)),
        scan(phantom_truth, answer, ((0.2,),), kvp=100),
        scan(phantom_truth, answer, ((0.2,),), kernel_fwhm_mm=1.3),
        scan(small, answer, ((0.2,),)),
        scan(phantom_truth, score(refused="noise")),
    ]
    assert part("measures").mass_errors(scans) == pytest.approx([0.1])


def test_breakdown_has_a_row_for_each_range_with_scans(part, scans) -> None:
    breakdown = part("breakdown")
    noise = next(axis for axis in breakdown.AXES if axis.title == "Noise")
    assert [(name, len(those)) for name, those in noise.parts(scans)] == [("15 to under 20", 5)]
    volts = breakdown.AXES[0]
    assert [(name, len(those)) for name, those in volts.parts(scans)] == [("100", 1), ("120", 4)]
    assert "| aortic root | 1 | 0 | 100.00 | 0.00 | 100.00 |" in breakdown.by_distractor(scans)


def test_a_cache_returns_only_results_of_this_code(part, scans, tmp_path) -> None:
    record = part("record")
    cache = record.Cache(tmp_path / "new", 256, "this")
    assert cache.read() == {}
    cache.add(scans[0].record)
    with cache.path.open("a") as file:
        file.write('{"code": "this", "matrix": 256, "rec')  # killed while it wrote
    cache.add(scans[2].record)
    for other in (record.Cache(cache.folder, 256, "other"), record.Cache(cache.folder, None, "this")):
        other.add(scans[1].record)
    phantom_truth = cache.read()
    assert phantom_truth == {100_000: scans[0].record, 100_002: scans[2].record}


def test_code_is_the_same_twice(part) -> None:
    record = part("record")
    assert record.code() == record.code()
    assert len(record.code()) == 12


def test_results_of_other_sources_are_not_mixed_in(part) -> None:
    record = part("record")
    with pytest.raises(record.SourcesChanged):
        part("phantoms").measure(100_000, 64, "other")


def test_readings(part, tmp_path) -> None:
    reading = part("reading")
    outline = {"agatston": 40.0, "center_mm": FAR, "radius_mm": 2.0, "points_mm": [[58.0, 0.0, 0.0]]}
    drawn = {"agatston": {"total": 40.0}, "rois": [outline]}

    def read(reference, answer):
        return reading.Reading(reading.Case("set", "one", tmp_path, reference), answer)

    right = read(drawn, score(counted("LAD", (66.9, 0.0, 0.0), 44.0)))
    assert (right.is_right, right.false, right.missed) == (True, 0.0, 0.0)
    aside = read(drawn, score(counted("LAD", (67.1, 0.0, 0.0), 44.0)))
    assert (aside.is_right, aside.false, aside.missed) == (True, 44.0, 40.0)
    clean = read({"expect": ["0"]}, score(counted("LAD", FAR, 3.0)))
    assert (clean.is_right, clean.false, clean.missed) == (False, 3.0, 0.0)
    refused = read({"expect": ["not_scorable"]}, score(refused="contrast"))
    assert (refused.is_right, refused.false) == (True, None)
    broken = reading.Reading(refused.case, None, "ValueError: no")
    assert not broken.is_right
    text = part("tables").readings([right, aside, clean, refused, broken])
    assert "| set/one | 40.0 (1-100) | 44.0 | 44.0 to 44.0 | 1-100 | yes | 44.0 | 40.0 |  |" in text
    assert "As expected: 3 of 5 (60.0 %)." in text


def test_markdown_and_pictures(part, scans, tmp_path) -> None:
    pictures, report = part("pictures"), part("report")
    text = report.markdown(report.Measured("Made by hand.", scans, {100_009: "ValueError: no"}, []))
    assert "Made by hand." in text
    assert "Seed 100009 failed: ValueError: no" in text
    assert "## Real scans" not in text
    assert all(text.count(f"\n## {name}\n") == 1 for name in ("Phantoms", "Arteries", "Confidence"))
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(blocks) == 11
    assert all(len({line.count("|") for line in block}) == 1 for block in blocks)
    for name, draw in (
        ("a.png", lambda p: pictures.agreement_picture(scans, [], p)),
        ("b.png", lambda p: pictures.calibration_picture(part("measures").judged(scans), p)),
    ):
        draw(tmp_path / name)
        with Image.open(tmp_path / name) as image:
            assert image.format == "PNG"
            assert len(image.convert("L").getcolors()) > 50


def test_pictures_of_nothing(part, tmp_path) -> None:
    part("pictures").agreement_picture([], [], tmp_path / "a.png")
    part("pictures").calibration_picture([], tmp_path / "b.png")
    assert (tmp_path / "b.png").stat().st_size > 0


@pytest.mark.component
def test_a_run_resumes_where_it_stopped(tmp_path) -> None:
    def run(number: int) -> subprocess.CompletedProcess[str]:
        options = ["--phantoms", str(number), "--matrix", "128", "--jobs", "1", "--out", str(tmp_path)]
        command = [sys.executable, str(BENCH / "accuracy.py"), *options]
        return subprocess.run(command, capture_output=True, text=True, check=True)

    first, again = run(1), run(1)
    assert first.stdout == again.stdout == (tmp_path / "accuracy.md").read_text("utf-8") + "\n"
    assert "1/1" in first.stderr
    assert "phantoms" not in again.stderr
    assert len((tmp_path / "cache" / "phantoms.jsonl").read_text("utf-8").splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"accuracy.md", "agreement.png", "calibration.png", "cache"}
