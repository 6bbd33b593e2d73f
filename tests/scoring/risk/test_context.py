"""A score with its patient, its percentile and what follows from published tables."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from config.risk import RiskSettings
from scoring import engine
from scoring.result import ArteryValues, Patient, Provenance, Score, SeriesInfo, Statement
from scoring.risk import context as risk
from scoring.risk.context import Context
from scoring.risk.ten_year import Clinical

WHITE = Context(RiskSettings(group="white"))
CLINICAL = Clinical(190, 50, 130, True, False, False, False, False)  # noqa: FBT003  # the facts in their order


def score(total: float = 120.0, **series: object) -> Score:
    info = SeriesInfo("1.2", "1.3", slices=1, rows=8, columns=8, spacing_mm=(3.0, 0.5, 0.5), kvp=120.0, gated=True)
    return Score(
        status="scored",
        reason=None,
        series=dataclasses.replace(info, **series),
        agatston=ArteryValues(total=total),
        agatston_range=(total, total),
        volume_mm3=ArteryValues(),
        mass_mg=None,
        lesions=(),
        category="101-400",
        cac_drs="A2",
        percentile=None,
        change=None,
        flags=(),
        provenance=Provenance("coronode", "1", "default", "standard", 130.0, 1.0, 8, "voxels"),
    )


def test_a_score_gets_what_follows_from_it() -> None:
    patient = Patient(62, "female", "black", "command line")
    found = risk.add_context(score(), patient, Context(clinical=CLINICAL))
    assert found.patient == patient
    assert found.percentile.band == ">90th"
    assert found.risk.arterial_age_years == pytest.approx(39.1 + 7.25 * np.log(121), abs=0.005)
    assert 0 < found.risk.ten_year_without_percent < found.risk.ten_year_percent < 100
    assert (found.risk.ten_year_reason, found.risk.percentile_reason) == (None, None)
    assert Score.from_json(found.to_json()) == found


def test_what_is_not_known_has_its_reason() -> None:
    found = risk.add_context(score(), Patient(62, "female"), Context())
    assert found.percentile is None
    assert found.risk.ten_year_percent is found.risk.ten_year_without_percent is None
    assert found.risk.percentile_reason == Statement.build("patient_unknown", missing=("group",))
    assert found.risk.ten_year_reason.values["missing"][:2] == ("group", "cholesterol")


@pytest.mark.parametrize(
    ("series", "caveat"),
    [
        ({"gated": False}, Statement.build("compare_not_gated")),
        ({"kvp": 100.0}, Statement.build("compare_kvp", kvp=100.0, reference=120)),
        ({"kvp": None}, Statement.build("compare_kvp_unknown")),
    ],
)
def test_a_scan_unlike_those_of_the_population_has_its_caveat(series, caveat) -> None:
    patient = Patient(62, "female", "white", "header")
    caveats = risk.add_context(score(**series), patient, Context()).percentile.caveats
    assert caveats[0] == caveat
    plain = risk.add_context(score(), patient, Context()).percentile.caveats
    assert caveats[1:] == plain


def made(ct, series, tmp_path, context: Context, **header: object) -> Score:
    hu = np.full((5, 12, 12), 40, dtype=np.int16)
    hu[1, 2:6, 2:6] = 450  # 16 pixels of 0.25 mm2, weight 4: 16
    paths = series(hu, AcquisitionDate="20200615", **header)
    mask = ct.segmentation(paths, {"LAD": np.ones(hu.shape, dtype=bool)}, tmp_path / "mask.dcm")
    return engine.score(paths, mask=mask, context=context)


def test_the_engine_reads_the_patient_and_the_scan(ct, series, tmp_path) -> None:
    found = made(
        ct,
        series,
        tmp_path,
        WHITE,
        PatientBirthDate="19590616",
        PatientSex="M",
        PatientSize=1.8,
        PatientWeight=81,
        ReconstructionDiameter=220,
        HeartRate=60,
    )
    assert found.agatston.total == 16
    assert found.patient == Patient(60, "male", "white", "configuration", 25)
    assert (found.series.date, found.series.gated, found.series.field_of_view_mm) == ("2020-06-15", True, 220)
    # between 0 (the 32 % without calcium) and 28, the median of white men of 60
    assert found.percentile.estimate == round(32 + (50 - 32) * np.log(17) / np.log(29))
    assert (found.percentile.band, found.percentile.p50) == ("25th-50th", 28)
    assert found.risk.arterial_age_years == round(39.1 + 7.25 * float(np.log(17)), 2)
    assert Score.from_json(found.to_json()) == found


def test_a_header_that_says_nothing_of_the_patient(ct, series, tmp_path) -> None:
    found = made(ct, series, tmp_path, Context())
    assert found.patient == Patient()
    assert found.percentile is None
    assert found.risk.percentile_reason.text == "Not known for this patient: age, sex, population group"


def test_a_series_without_a_score_keeps_its_patient_and_date(series) -> None:
    found = engine.score(
        series(np.zeros((5, 8, 8), dtype=np.int16), PatientAge="061Y", StudyDate="20200615"), context=WHITE
    )
    assert found.status == "not_scorable"
    assert (found.patient.age_years, found.patient.group, found.series.date) == (61, "white", "2020-06-15")
    assert (found.percentile, found.risk) == (None, None)
    assert Score.from_json(found.to_json()) == found


def test_a_result_from_before_risk_is_read() -> None:
    values = json.loads(score().to_json())
    del values["patient"], values["risk"]
    for name in ("date", "gated", "field_of_view_mm"):
        del values["series"][name]
    old = Score.from_json(json.dumps(values))
    assert (old.patient, old.risk, old.series.date, old.series.gated) == (None, None, None, False)
