from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from dicom.uids import derived_uid, is_valid_uid
from scoring.report.common.request import ReportRequest
from scoring.report.common.words import headline, method, summary, technique
from scoring.result import Score


@pytest.mark.parametrize(
    ("total", "shown"),
    [(0.0, "0"), (0.04, "<0.1"), (0.44, "0.4"), (1.0, "1"), (5.9, "6"), (100.4, "100"), (1834.6, "1835")],
)
def test_a_small_score_never_reads_zero(total: float, shown: str) -> None:
    assert headline(total) == shown


def test_unknown_technique_is_left_out(scores: dict[str, Score]) -> None:
    series = scores["3"].series
    assert technique(series).startswith("Maker, 120 kVp, 80 mAs, kernel Qr36, 6 slices")
    silent = replace(
        series, manufacturer=None, kvp=None, exposure_mas=None, kernel=None, slice_thickness_mm=None, spacing_mm=None
    )
    assert technique(silent) == "6 slices"


def test_the_method_names_the_mass_factor_or_its_absence(scores: dict[str, Score]) -> None:
    assert "Mass factor: 0.778 mg/cm3 per HU, from (0018,9352) medium" in method(scores["3"])
    assert "Mass factor: not known, no mass" in method(scores["1800"])
    whole = "Mass without threshold: integrated intensity over the local background, same factor"
    assert whole in method(scores["3"])
    assert whole not in method(scores["1800"])


def test_the_method_names_the_weights_where_there_are_any(scores: dict[str, Score]) -> None:
    made = scores["3"]
    assert "Anatomy engine: default" in method(made)
    named = replace(made, provenance=replace(made.provenance, weights="heart 0123abcd"))
    assert "Anatomy engine: default (weights heart 0123abcd)" in method(named)


def test_without_mass_no_mass_is_named(scores: dict[str, Score], first: ReportRequest) -> None:
    lines = summary(scores["1800"], first).splitlines()
    assert not any(" mg," in line for line in lines)
    assert "All coronary arteries: Agatston 1800.0, volume 33.4 mm3, 3 lesions" in lines


def test_a_point_interval_is_not_named(score_of: Callable[..., Score], first: ReportRequest) -> None:
    score = score_of([("LM", 10.0)], category="1-100", cac_drs="A1/N1")
    assert "Interval of the total: 8.8 to 11.2" in summary(score, first)
    assert "Interval" not in summary(replace(score, agatston_range=(10.0, 10.0)), first)
    with pytest.raises(ValueError, match="not scored"):
        summary(replace(score, agatston=None), first)


@pytest.mark.parametrize(
    ("uid", "valid"),
    [
        ("1.2.840.10008", True),
        ("2.25.0", True),
        ("1.02.3", False),
        ("1..2", False),
        ("1", False),
        ("1.2.x", False),
        ("", False),
        ("1." + "2" * 62, True),
        ("1." + "2" * 63, False),
        ("1.2\n", False),
    ],
)
def test_uids_are_judged_as_the_standard_does(uid: str, valid: bool) -> None:
    assert is_valid_uid(uid) is valid


def test_derived_uids_are_valid_and_differ() -> None:
    found = {derived_uid("series", "sr", version) for version in range(200)}
    assert len(found) == 200
    assert all(is_valid_uid(uid) for uid in found)
    assert derived_uid("a", "b") != derived_uid("ab")
