"""Percentiles: the shipped table, a site's own, and what is read between its values."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import ConfigurationError
from config.risk import RiskSettings
from scoring.result import GROUPS, Patient, Statement
from scoring.risk import population
from scoring.risk.percentile import at_age, percentile, standing
from scoring.risk.population import MESA_CITATION, PERCENTS, Level, load_mesa

HEADER = "race,sex,age,p_nonzero_pct,p25,p50,p75,p90"
PEOPLE = st.builds(
    Patient,
    age_years=st.integers(45, 84).map(float),
    sex=st.sampled_from(["female", "male"]),
    group=st.sampled_from(GROUPS),
)
TABLE = {"population": "MESA", "first": 45.0, "last": 84.0}


@pytest.mark.parametrize(
    ("age", "sex", "group", "score", "told", "nonzero", "scores"),
    [
        (55, "male", "white", 0, 0, 56, (0, 6, 68, 234)),
        (46, "female", "chinese", 35, 97, None, None),
        (62, "female", "black", 120, 91, 32, (0, 0, 11, 102)),
        (70, "male", "hispanic", 450, 84, 75, (1, 56, 247, 666)),
        (72, "male", "white", 1200, 85, 86, (32, 180, 641, 1584)),
    ],
)
def test_the_official_tools_answers_are_met(age, sex, group, score, told, nonzero, scores) -> None:
    """Within what is known of the method: 12 points for an estimate, 10 % (and rounding) for a score between ages."""
    found = percentile(load_mesa(), score, Patient(age, sex, group))
    if told > 90:
        assert (found.estimate, found.band) == (None, ">90th")
    else:
        assert abs(found.estimate - told) <= 12
    if scores is not None:
        assert abs(found.p_nonzero_percent - nonzero) <= 2
        assert (found.p25, found.p50, found.p75, found.p90) == pytest.approx(scores, rel=0.1, abs=1.0)


def test_the_table_of_an_age_is_as_published() -> None:
    found = percentile(load_mesa(), 145, Patient(70.9, "male", "white"))
    assert (found.population, found.citation) == ("MESA", MESA_CITATION)
    assert (found.group, found.sex, found.age_years) == ("white", "male", 70)
    assert (found.p_nonzero_percent, found.p25, found.p50, found.p75, found.p90) == (83, 21, 145, 540, 1345)
    assert (found.estimate, found.band) == (50, "50th-75th")
    assert [caveat.code for caveat in found.caveats] == ["mesa_lesion_size", "estimate_interpolated"]


@pytest.mark.parametrize(
    ("score", "band", "ends"),
    [
        (0, "no calcium", (None, None)),
        (20, "under 25th", (None, 25)),
        (21, "25th-50th", (25, 50)),
        (539, "50th-75th", (50, 75)),
        (540, "75th-90th", (75, 90)),
        (1345, "75th-90th", (75, 90)),
        (1346, ">90th", (90, None)),
    ],
)
def test_bands_of_a_white_man_of_seventy(score, band, ends) -> None:
    place = percentile(load_mesa(), score, Patient(70, "male", "white"))
    assert (place.band, place.band_ends) == (band, ends)


def test_between_the_values_the_logarithm_of_the_score_is_linear() -> None:
    # half way between ln(21 + 1) and ln(145 + 1)
    score = math.sqrt(22 * 146) - 1
    assert standing(Level(70, 83, (21, 145, 540, 1345)), score)[0] in (37, 38)
    # 41 % have any: a first trace of calcium stands just above the 59 % that have none
    assert standing(Level(50, 41, (0, 0, 22, 110)), 0.01) == (59, "50th-75th")


def test_between_ages_the_square_root_of_the_score_is_linear() -> None:
    levels = (Level(60, 100, (0, 4, 16, 100)), Level(70, 100, (0, 16, 64, 400)))
    assert at_age(levels, 65).scores == pytest.approx((0, 9, 36, 225))
    assert at_age(levels, 70) == levels[1]


@given(PEOPLE, st.lists(st.floats(0, 5000), min_size=2, max_size=2).map(sorted))
def test_more_calcium_is_never_a_lower_percentile(patient, scores) -> None:
    few, many = (percentile(load_mesa(), score, patient) for score in scores)
    assert (few.estimate if few.estimate is not None else 91) <= (many.estimate if many.estimate is not None else 91)
    for found, score in ((few, scores[0]), (many, scores[1])):
        assert (found.estimate == 0) == (found.band == "no calcium") == (score == 0)
        assert found.estimate is None or 100 - found.p_nonzero_percent - 1 <= found.estimate <= 90 or score == 0


@given(PEOPLE)
def test_a_percentile_is_never_above_the_share_that_has_calcium(patient) -> None:
    _, levels = load_mesa().of(patient.group, patient.sex)
    level = at_age(levels, patient.age_years)
    assert list(level.scores) == sorted(level.scores)
    for percent, score in zip(PERCENTS, level.scores, strict=True):
        assert score == 0 or percent >= 100 - level.nonzero_percent - 1


@pytest.mark.parametrize(
    ("patient", "reason"),
    [
        (Patient(), Statement.build("patient_unknown", missing=("age", "sex", "group"))),
        (Patient(60, None, "white"), Statement.build("patient_unknown", missing=("sex",))),
        (Patient(60, "male"), Statement.build("patient_unknown", missing=("group",))),
        (Patient(44.9, "male", "white"), Statement.build("age_outside_table", age=44, **TABLE)),
        (Patient(85, "male", "white"), Statement.build("age_outside_table", age=85, **TABLE)),
    ],
)
def test_without_a_place_in_the_table_there_is_a_reason(patient, reason) -> None:
    assert percentile(load_mesa(), 100, patient) == reason


def test_caveats_of_the_scan_and_of_a_group_for_all_patients() -> None:
    not_gated = Statement.build("compare_not_gated")
    configured = percentile(load_mesa(), 100, Patient(60, "male", "white", "configuration"), [not_gated])
    assert configured.caveats[0] == not_gated
    assert Statement.build("group_configured") in configured.caveats
    stated = percentile(load_mesa(), 100, Patient(60, "male", "white", "header"))
    assert Statement.build("group_configured") not in stated.caveats


def table(tmp_path: Path, *rows: str, header: str = HEADER) -> RiskSettings:
    path = tmp_path / "own.csv"
    path.write_text("\n".join((header, *rows)), "utf-8")
    return RiskSettings(table=path, table_name="Our registry", table_citation="Ours 2020")


def test_a_site_brings_its_own_table(tmp_path) -> None:
    settings = table(tmp_path, "all,male,50,100,1,2,3,4", "", "all,male,40,100,1,2,3,4")
    own = population.load_configured(settings)
    found = percentile(own, 2, Patient(45, "male"))
    assert (found.population, found.citation, found.group) == ("Our registry", "Ours 2020", "all")
    assert (found.estimate, found.band) == (50, "50th-75th")
    reason = Statement.build("population_without", population="Our registry", sex="female")
    assert percentile(own, 2, Patient(45, "female")) == reason
    assert population.load_configured(RiskSettings()) is load_mesa()


GOOD = "white,male,50,41,0,0,22,110"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "has no row"),
        ([GOOD], "white male has one age; allowed: two or more"),
        ([GOOD, GOOD], "line 3: white male of 50 years is listed twice"),
        (
            [GOOD, "martian,male,60,1,0,0,0,0"],
            "race = 'martian'; allowed: white, chinese, black, hispanic, all",
        ),
        ([GOOD, "white,m,60,1,0,0,0,0"], "line 3: sex = 'm'; allowed: female, male"),
        ([GOOD, "white,male,sixty,1,0,0,0,0"], "line 3: age = 'sixty'; allowed: years, 0 to 120"),
        ([GOOD, "white,male,60,nan,0,0,0,0"], "line 3: p_nonzero_pct = 'nan'; allowed: per cent, 0 to 100"),
        ([GOOD, "white,male,60,68,0,28,27,452"], "line 3: p75 = '27'; allowed: an Agatston score of 28 or more"),
        ([GOOD, "white,male,60,40,0,28,155,452"], "line 3: p50 = '28', but only 40 % have any calcium; allowed: 0"),
        ([GOOD, "white,male,60"], "line 3: 3 values; allowed: 8"),
    ],
)
def test_a_wrong_table_is_refused_with_file_line_and_what_is_allowed(tmp_path, rows, words) -> None:
    with pytest.raises(ConfigurationError) as caught:
        population.load_configured(table(tmp_path, *rows))
    assert "own.csv" in str(caught.value)
    assert words in str(caught.value)


def test_a_table_needs_its_header_its_name_and_to_be_there(tmp_path) -> None:
    with pytest.raises(ConfigurationError, match=f"line 1: the header must be {HEADER}"):
        population.load_configured(table(tmp_path, GOOD, header="race,sex"))
    nameless = table(tmp_path, GOOD).model_copy(update={"table_name": " "})
    with pytest.raises(ConfigurationError, match=r"risk\.table_name: is empty"):
        population.load_configured(nameless)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        population.load(tmp_path / "none.csv", "a", "b")
    (tmp_path / "latin.csv").write_bytes(b"\xe9")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        population.load(tmp_path / "latin.csv", "a", "b")
