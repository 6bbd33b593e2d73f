"""The JSON form of a score, and the categories that its interval reaches."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.judgement import flags as quality
from scoring.judgement.category import categorise
from scoring.result import (
    ArteryValues,
    Flag,
    Patient,
    Percentile,
    Provenance,
    Range,
    RejectedCandidate,
    Risk,
    Score,
    SeriesInfo,
    Statement,
)

ROOT = Path(__file__).parents[2]
NUMBERS = st.floats(0, 1e6)
REJECTED = st.builds(
    RejectedCandidate,
    id=st.integers(1),
    agatston=NUMBERS,
    volume_mm3=NUMBERS,
    max_hu=NUMBERS,
    centroid_mm=st.tuples(NUMBERS, NUMBERS, NUMBERS),
    slices=st.lists(st.integers(0, 999), min_size=1).map(tuple),
    confidence=st.floats(0, 1),
    reason=st.builds(Statement, code=st.text(), text=st.text()),
)


def score(**values) -> Score:
    return Score(
        status="scored",
        reason=None,
        series=SeriesInfo("1.2", "1.3", slices=1, rows=8, columns=8, spacing_mm=(3.0, 0.5, 0.5)),
        agatston=ArteryValues(),
        agatston_range=(0.0, 0.0),
        volume_mm3=ArteryValues(),
        mass_mg=None,
        lesions=(),
        category="0",
        cac_drs="A0",
        percentile=None,
        change=None,
        flags=(),
        provenance=Provenance("coronode", "1", "default", "standard", 130.0, 1.0, 8, "voxels"),
        **values,
    )


@given(st.lists(REJECTED, max_size=4).map(tuple), st.integers(0))
def test_rejected_candidates_survive_json(rejected, left_out) -> None:
    made = score(rejected=rejected, rejected_left_out=left_out)
    assert Score.from_json(made.to_json()) == made


def test_a_score_from_before_rejected_candidates_and_weights_is_read() -> None:
    values = json.loads(score().to_json())
    del values["rejected"], values["rejected_left_out"]
    assert Score.from_json(json.dumps(values)) == score()
    del values["provenance"]["weights"]
    assert Score.from_json(json.dumps(values)) == score()
    values["rejected"] = [{"id": 1}]
    with pytest.raises(ValueError, match=r"not a complete score: rejected\.0\.agatston: Field required"):
        Score.from_json(json.dumps(values))


def test_the_weights_are_recorded() -> None:
    made = dataclasses.replace(score(), provenance=dataclasses.replace(score().provenance, weights="heart 0123abcd"))
    assert json.loads(made.to_json())["provenance"]["weights"] == "heart 0123abcd"
    assert Score.from_json(made.to_json()) == made
    assert score().provenance.weights is None


def review(low: float, high: float, total: float) -> Flag:
    flags = quality.flag_result(ArteryValues(total=total), (), Range(low, high, 1, 0))
    (flag,) = [flag for flag in flags if flag.code == "review"]
    return flag


@pytest.mark.parametrize(
    ("low", "high", "categories"),
    [
        (0.0, 0.4, ("0", "1-100")),
        (0.0, 1.0, ("0", "1-100")),
        (0.0, 101.0, ("0", "1-100", "101-400")),
        (0.4, 100.4, ("1-100",)),
        (99.0, 100.49, ("1-100",)),
        (99.0, 100.5, ("1-100", "101-400")),
        (100.6, 400.4, ("101-400",)),
        (100.0, 400.5, ("1-100", "101-400", ">400")),
        (400.4, 400.6, ("101-400", ">400")),
        (401.0, 999.0, (">400",)),
        (0.0, 5000.0, ("0", "1-100", "101-400", ">400")),
    ],
)
def test_review_names_the_categories_of_the_range(low, high, categories) -> None:
    flag = review(low, high, low)
    assert flag.values["categories"] == categories
    assert flag.values["variant"] == ("same" if len(categories) == 1 else "open")


@given(st.lists(st.floats(0, 2000), min_size=3, max_size=3).map(sorted))
def test_review_names_the_category_of_every_total_in_the_range(totals) -> None:
    low, total, high = totals
    assert categorise(total, any_lesion=total > 0) in review(low, high, total).values["categories"]


EVERYTHING = dataclasses.replace(
    score(
        rejected=(RejectedCandidate(1, 2.0, 3.0, 200.0, (1.0, 2.0, 3.0), (4,), 0.3, Statement.build("at_bone")),),
        patient=Patient(70.0, "male", "white", "header", 25.0),
        risk=Risk(
            79.2,
            ten_year_reason=Statement("patient_unknown", {"missing": ("age", "sex")}, "Not known: age, sex"),
            change_reason=(Statement("no_earlier_score", {}, "None is known"), Statement("x", {"count": 3}, "Three")),
        ),
    ),
    flags=(Flag("kvp", "warning", "100 kVp", {"variant": "fixed", "kvp": 100.0, "reference": 120, "sure": True}),),
)


def test_every_sentence_survives_json_with_its_code_and_its_values() -> None:
    assert Score.from_json(EVERYTHING.to_json()) == EVERYTHING
    values = json.loads(EVERYTHING.to_json())
    # as version 0.1.0 wrote it, for whoever reads the JSON
    assert values["risk"]["ten_year_reason"] == "Not known: age, sex"
    assert values["risk"]["change_reason"] == "None is known. Three"
    assert values["risk"]["percentile_reason"] == ""
    # and what is new
    assert values["risk"]["ten_year_reason_code"] == "patient_unknown"
    assert values["risk"]["ten_year_reason_values"] == {"missing": ["age", "sex"]}
    assert [item["code"] for item in values["risk"]["change_reason_coded"]] == ["no_earlier_score", "x"]
    assert values["rejected"][0]["reason_code"] == "at_bone"
    assert values["flags"][0]["values"] == {"variant": "fixed", "kvp": 100.0, "reference": 120, "sure": True}


@pytest.mark.parametrize("band", ["no calcium", "under 25th", "25th-50th", "50th-75th", "75th-90th", ">90th"])
def test_the_band_stands_in_json_as_numbers_too(band) -> None:
    place = Percentile("MESA", "2006", "white", "male", 70.0, 64, band, 83.0, 21.0, 145.0, 540.0, 1345.0)
    made = dataclasses.replace(score(), percentile=place)
    values = json.loads(made.to_json())["percentile"]
    ends = [int(number) for number in re.findall(r"\d+", band)]
    assert [end for end in (values["band_low"], values["band_high"]) if end is not None] == ends
    assert Score.from_json(made.to_json()) == made


OF_0_1_0 = {
    "status": "not_scorable",
    "reason": "contrast-enhanced by its header (Contrast/Bolus Agent: OMNIPAQUE)",
    "flags": [{"code": "contrast", "severity": "reject", "message": "contrast-enhanced by its header"}],
    "percentile": {
        "population": "MESA",
        "citation": "McClelland et al., Circulation 2006;113:30",
        "group": "white",
        "sex": "male",
        "age_years": 70.0,
        "estimate": 64,
        "band": "50th-75th",
        "p_nonzero_percent": 83.0,
        "p25": 21.0,
        "p50": 145.0,
        "p75": 540.0,
        "p90": 1345.0,
        "caveats": ["The header tells of no ECG gating: compare with caution"],
    },
    "risk": {
        "arterial_age_years": 79.2,
        "ten_year_percent": None,
        "ten_year_without_percent": None,
        "ten_year_reason": "not known of the patient: cholesterol",
        "percentile_reason": "",
        "change_reason": "no earlier score of this patient is known. PACS is slow",
    },
}
"""Parts of a result as version 0.1.0 wrote them: sentences without codes."""


def test_a_result_of_0_1_0_keeps_its_sentences() -> None:
    values = json.loads(score().to_json()) | OF_0_1_0
    del values["reason_code"], values["mass_integrated_mg"], values["provenance"]["mass_integrated_method"]
    values["provenance"] = {
        name: value for name, value in values["provenance"].items() if not name.endswith(("_code", "_values"))
    } | {"mass_factor_origin": "configuration"}
    old = Score.from_json(json.dumps(values))
    assert (old.reason, old.reason_code) == (OF_0_1_0["reason"], "contrast")
    assert old.flags == (Flag("contrast", "reject", "contrast-enhanced by its header"),)
    assert old.percentile.caveats == (Statement(text=OF_0_1_0["percentile"]["caveats"][0]),)
    assert old.percentile.band_ends == (50, 75)
    assert old.risk.ten_year_reason == Statement(text="not known of the patient: cholesterol")
    assert old.risk.percentile_reason is None
    assert old.risk.change_reason == (Statement(text=OF_0_1_0["risk"]["change_reason"]),)
    assert old.provenance.mass_factor_origin == Statement(text="configuration")
    again = json.loads(old.to_json())
    assert {name: again["risk"][name] for name in OF_0_1_0["risk"]} == OF_0_1_0["risk"]
    assert again["percentile"]["caveats"] == OF_0_1_0["percentile"]["caveats"]
    assert Score.from_json(old.to_json()) == old


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("status",), "whatever", "status: Input should be 'scored' or 'not_scorable'"),
        (("agatston", "total"), "12", "agatston.total: Input should be a valid number, not '12'"),
        (("agatston", "LM"), True, "agatston.LM: Input should be a valid number"),
        (("category",), "1-99", "category: "),
        (("rejected", 0, "slices"), [1.5], "rejected.0.slices.0: "),
        (("rejected", 0, "centroid_mm"), [1.0, 2.0], "rejected.0.centroid_mm"),
        (("flags", 0, "severity"), "fatal", "flags.0.severity: "),
        (("flags", 0, "values"), [], "flags.0.values: "),
        (("series", "slices"), None, "series.slices: "),
        (("patient", "group"), "martian", "patient.group: "),
        (("schema",), "coronode.score/2", "schema is 'coronode.score/2'"),
    ],
)
def test_a_value_that_the_schema_does_not_allow_is_refused_by_its_place(place, value, words) -> None:
    values = json.loads(EVERYTHING.to_json())
    *outer, last = place
    holder = values
    for name in outer:
        holder = holder[name]
    holder[last] = value
    with pytest.raises(ValueError, match=re.escape(words)):
        Score.from_json(json.dumps(values))


def test_an_artery_that_does_not_exist_is_refused() -> None:
    values = json.loads(score().to_json())
    values["lesions"] = [
        {"id": 1, "artery": "XYZ", "confidence": 1.0, "agatston": 1.0, "volume_mm3": 1.0, "mass_mg": None}
        | {"max_hu": 200.0, "mean_hu": 150.0, "centroid_mm": [0.0, 0.0, 0.0], "slices": [0]}
    ]
    with pytest.raises(ValueError, match=r"lesions\.0\.artery: .*'LM', 'LAD', 'LCX' or 'RCA', not 'XYZ'"):
        Score.from_json(json.dumps(values))
    values["lesions"][0]["artery"] = "LCX"
    assert Score.from_json(json.dumps(values)).lesions[0].artery == "LCX"


@pytest.mark.parametrize("text", ["", "[]", "null", '{"schema": "coronode.score/1"}', '{"schema": 1, "a": NaN}'])
def test_other_texts_are_no_score(text) -> None:
    with pytest.raises(ValueError, match=r"not a|Expecting value"):
        Score.from_json(text)


def test_a_field_of_a_later_version_is_no_obstacle() -> None:
    values = json.loads(score().to_json()) | {"plaque_volume_mm3": 12.0}
    assert Score.from_json(json.dumps(values)) == score()


def test_the_values_are_light_to_import() -> None:
    code = (
        "import sys, scoring.result; print(*({'numpy', 'pydicom', 'pydantic', 'config.settings'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []
