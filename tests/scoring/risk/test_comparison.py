"""What is said about two scans of a patient; expected numbers are worked out by hand from the published formulas."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.result import ArteryValues, Earlier, Provenance, Score, SeriesInfo, Statement
from scoring.risk.comparison import compare, earlier_of
from scoring.risk.limits import agatston_limit, volume_limit

SERIES = SeriesInfo(
    study_instance_uid="1.2.9",
    series_instance_uid="1.2.9.1",
    slices=50,
    rows=512,
    columns=512,
    spacing_mm=(3.0, 0.4, 0.4),
    slice_thickness_mm=3.0,
    kvp=120.0,
    kernel="Qr36",
    manufacturer="Maker",
    model="Scanner",
    date="2026-01-05",
    gated=True,
)
MADE = Provenance("coronode", "0.1.0", "default", "standard", 130.0, 1.0, 8, "voxels")
THEN = Earlier(
    date="2025-01-05",
    agatston=100.0,
    volume_mm3=81.0,
    mass_mg=20.0,
    origin="index",
    study_instance_uid="1.2.8",
    sop_instance_uid="1.2.8.9",
    slice_thickness_mm=3.0,
    spacing_mm=3.0,
    kvp=120.0,
    kernel="Qr36",
    scanner="Maker Scanner",
    software="coronode 0.1.0",
    convention="standard",
    gated=True,
    volume_definition="voxels",
)
NO_ANSWER = Statement.build("peer_incomplete", peer="PACS", error="no association")


def scored(agatston=150.0, volume=144.0, mass=30.0, **series) -> Score:
    return Score(
        status="scored",
        reason=None,
        series=replace(SERIES, **series),
        agatston=ArteryValues(total=agatston, LAD=agatston),
        agatston_range=(agatston, agatston),
        volume_mm3=ArteryValues(total=volume, LAD=volume),
        mass_mg=None if mass is None else ArteryValues(total=mass, LAD=mass),
        lesions=(),
        category="101-400",
        cac_drs="A2/N1",
        percentile=None,
        change=None,
        flags=(),
        provenance=MADE,
    )


def test_a_year_later_by_hand():
    change = compare(scored(), [THEN])
    assert (change.date, change.interval_days) == ("2025-01-05", 365)
    assert change.agatston.absolute == 50
    assert change.agatston.per_year == pytest.approx(50 * 365.25 / 365, abs=1e-4)
    # 0.17 * 100 + 4.89 * 10 + 0.44 * 27 - 10.84
    assert change.agatston.limit == pytest.approx(66.94)
    assert change.agatston.exceeds_limit is False
    # 0.16 * 81 + 4.30 * 9 + 0.23 * 27 - 5.00
    assert change.volume_mm3.limit == pytest.approx(52.87)
    assert (change.volume_mm3.absolute, change.volume_mm3.exceeds_limit) == (63, True)
    assert (change.mass_mg.absolute, change.mass_mg.limit, change.mass_mg.exceeds_limit) == (10, None, None)
    assert (change.root_volume, change.progression) == (3, True)
    assert (change.bmi, change.bmi_origin) == (27, "assumed")
    assert change.differences == ()
    assert change.notes == (Statement.build("bmi_assumed", bmi=27.0),)
    assert [citation.code for citation in change.citations] == ["limit_source", "progression_source"]


def test_the_patients_own_body_mass_index_wins():
    change = compare(scored(), [THEN], bmi=35)
    assert change.agatston.limit == pytest.approx(66.94 + 0.44 * 8)
    assert (change.bmi, change.bmi_origin) == (35, "header")
    assert change.notes == ()


def test_thick_slices_widen_the_limit_of_the_agatston_score():
    # two scans of 5 mm: each spreads by 5 / 3 of the root of 100 instead of by 10
    added = 2 * ((50 / 3) ** 2 - 10**2)
    both = compare(scored(spacing_mm=(5.0, 0.4, 0.4)), [replace(THEN, spacing_mm=5.0)])
    assert both.agatston.limit == pytest.approx((66.94**2 + 1.96**2 * added) ** 0.5, abs=1e-3)
    one = compare(scored(), [replace(THEN, spacing_mm=5.0)])
    assert one.agatston.limit == pytest.approx((66.94**2 + 1.96**2 * added / 2) ** 0.5, abs=1e-3)
    assert both.volume_mm3.limit == one.volume_mm3.limit == pytest.approx(52.87)
    widened = Statement.build("limit_widened", spacing_mm=5.0, usual_mm=3.0)
    assert widened in both.notes
    assert widened in one.notes


@pytest.mark.parametrize("spacing", [None, 0.75, 2.5, 3.0])
def test_thin_or_unknown_spacing_leaves_the_published_limit(spacing):
    change = compare(scored(spacing_mm=spacing and (spacing, 0.4, 0.4)), [replace(THEN, spacing_mm=spacing)])
    assert change.agatston.limit == pytest.approx(66.94)
    assert "limit_widened" not in [note.code for note in change.notes]


def test_less_calcium_than_before_is_judged_by_the_same_limit():
    change = compare(scored(10, 10), [replace(THEN, agatston=100.0)])
    assert (change.agatston.absolute, change.agatston.exceeds_limit) == (-90, True)
    assert change.progression is False


@pytest.mark.parametrize(("volume", "progression"), [(132.25, True), (132.2, False)])
def test_progression_begins_at_a_root_of_2_5(volume, progression):
    assert compare(scored(volume=volume), [THEN]).progression is progression


@pytest.mark.parametrize(("bmi", "at_zero"), [(27, 1.04), (20, 0), (24.6, 0)])
def test_the_limit_is_never_below_zero(bmi, at_zero):
    assert agatston_limit(0, bmi) == pytest.approx(at_zero, abs=0.02)
    assert volume_limit(0, 15) == 0


def test_two_scores_under_ten_get_no_verdict():
    change = compare(scored(9.9, 12), [replace(THEN, agatston=0.0, volume_mm3=0.0)])
    assert (change.agatston.absolute, change.agatston.limit, change.agatston.exceeds_limit) == (9.9, None, None)
    assert (change.volume_mm3.exceeds_limit, change.progression) == (None, None)
    assert change.notes[0] == Statement.build("both_small", limit=10.0)
    assert compare(scored(10.0), [replace(THEN, agatston=0.0)]).agatston.exceeds_limit is True


def test_scans_under_90_days_apart_get_no_yearly_rate():
    near = compare(scored(date="2025-04-04"), [THEN])
    assert (near.interval_days, near.agatston.per_year) == (89, None)
    assert Statement.build("scans_close", days=90) in near.notes
    assert compare(scored(date="2025-04-05"), [THEN]).agatston.per_year is not None


@pytest.mark.parametrize(
    ("before", "what", "then", "now"),
    [
        ({"convention": "philips"}, "convention", "philips", "standard"),
        ({"slice_thickness_mm": 2.5}, "slice_thickness", 2.5, 3.0),
        ({"spacing_mm": 1.5}, "slice_spacing", 1.5, 3.0),
        ({"kvp": 100.0}, "tube_voltage", 100.0, 120.0),
        ({"kernel": "Br40"}, "kernel", "Br40", "Qr36"),
        ({"scanner": "Other CT"}, "scanner", "Other CT", "Maker Scanner"),
        ({"gated": False}, "gating", "not_gated", "gated"),
        ({"software": "coronode 0.0.9"}, "software", "coronode 0.0.9", "coronode 0.1.0"),
    ],
)
def test_differences_between_the_scans_are_named(before, what, then, now):
    change = compare(scored(), [replace(THEN, **before)])
    (difference,) = change.differences
    assert difference.code == "differs"
    assert [difference.values[name] for name in ("what", "then", "now")] == [what, then, now]
    assert Statement.build("scans_differ") in change.notes


def test_slabs_count_as_the_slices_that_they_are():
    """A scan at 1 mm that was scored as slabs of 3 mm is like one at 3 mm, and unlike one that was scored at 1 mm."""
    thin = scored(spacing_mm=(1.0, 0.4, 0.4), slice_thickness_mm=1.0)
    slabs = replace(thin, provenance=replace(MADE, slab_slices=3, slab_mm=3.0))
    assert compare(slabs, [THEN]).differences == ()
    then = earlier_of(slabs, date(2025, 1, 5), origin="index")
    assert (then.slice_thickness_mm, then.spacing_mm) == (3.0, 3.0)
    names = [item.values["what"] for item in compare(thin, [replace(THEN)]).differences]
    assert names == ["slice_thickness", "slice_spacing"]


def test_facts_that_one_scan_lacks_are_named_too():
    change = compare(scored(), [replace(THEN, kvp=None, kernel=None)])
    assert change.differences == ()
    assert Statement.build("known_for_one", what=("tube_voltage", "kernel")) in change.notes


def test_volumes_that_are_defined_differently_are_not_compared():
    change = compare(scored(), [replace(THEN, convention="siemens", volume_definition="isotropic")])
    assert (change.volume_mm3, change.root_volume, change.progression) == (None, None, None)
    assert Statement.build("volumes_not_compared") in change.notes
    assert change.agatston.limit is not None
    assert [citation.code for citation in change.citations] == ["limit_source"]


def test_only_other_studies_before_the_scan_count():
    same_study = replace(THEN, study_instance_uid="1.2.9")
    same_day, later = replace(THEN, date="2026-01-05"), replace(THEN, date="2026-02-01")
    assert compare(scored(), [same_study, same_day, later, replace(THEN, date="2025-02-31")]) is None
    assert compare(scored(date=None), [THEN]) is None
    assert compare(replace(scored(), agatston=None), [THEN]) is None


def test_the_latest_earlier_scan_is_compared_and_all_are_kept():
    years = [
        replace(THEN, date=f"{year}-03-01", study_instance_uid=f"1.2.{year}", sop_instance_uid=f"{year}", agatston=year)
        for year in (2023, 2025, 2021)
    ]
    change = compare(scored(), years)
    assert (change.date, change.agatston.then) == ("2025-03-01", 2025)
    assert [item.date for item in change.history] == ["2021-03-01", "2023-03-01", "2025-03-01"]


def test_of_a_study_with_several_series_the_one_most_like_this_scan_counts():
    thin = replace(THEN, slice_thickness_mm=1.0, sop_instance_uid="1.2.8.7", agatston=130.0)
    unsaid = replace(THEN, kvp=None, kernel=None, sop_instance_uid="1.2.8.6", agatston=140.0)
    for order in ([thin, THEN, unsaid], [unsaid, thin, THEN], [THEN, unsaid, thin]):
        change = compare(scored(), order)
        assert (change.agatston.then, len(change.history)) == (100, 1)


def test_a_score_becomes_an_earlier_one():
    earlier = earlier_of(scored(), date(2026, 1, 5), origin="index", sop_instance_uid="1.2.3")
    assert earlier == replace(
        THEN,
        date="2026-01-05",
        agatston=150.0,
        volume_mm3=144.0,
        mass_mg=30.0,
        study_instance_uid="1.2.9",
        sop_instance_uid="1.2.3",
    )
    assert earlier_of(replace(scored(), agatston=None), date(2026, 1, 5), origin="index") is None


values = st.floats(0, 20_000)
earlier_scores = st.builds(
    replace,
    st.just(THEN),
    date=st.dates(date(1990, 1, 1), date(2030, 1, 1)).map(date.isoformat) | st.just("?"),
    agatston=values,
    volume_mm3=st.none() | values,
    mass_mg=st.none() | values,
    study_instance_uid=st.sampled_from(["", "1.2.7", "1.2.8", "1.2.9"]),
    sop_instance_uid=st.sampled_from(["1", "2", "3", "4", "5"]),
    kvp=st.sampled_from([None, 100.0, 120.0]),
    volume_definition=st.sampled_from([None, "voxels", "isotropic"]),
)


@given(st.lists(earlier_scores, max_size=6), values, values, st.none() | values, st.none() | st.floats(10, 80))
def test_every_history_gives_a_comparison_that_holds_together(history, agatston, volume, mass, bmi):
    score = scored(agatston, volume, mass)
    change = compare(score, history, bmi=bmi, notes=(NO_ANSWER,))
    countable = {
        (item.date, item.study_instance_uid or item.sop_instance_uid)
        for item in history
        if item.date != "?" and item.date < "2026-01-05" and item.study_instance_uid != "1.2.9"
    }
    if change is None:
        assert not countable
        return
    told = [(item.date, item.study_instance_uid or item.sop_instance_uid) for item in change.history]
    assert set(told) <= countable
    assert len(told) == len({study for _, study in countable})
    assert change.date == told[-1][0]
    assert change.interval_days == (date(2026, 1, 5) - date.fromisoformat(change.date)).days > 0
    assert [item.date for item in change.history] == sorted(item.date for item in change.history)
    assert change.notes[-1] == NO_ANSWER
    then = change.history[-1]
    for difference, now in ((change.agatston, agatston), (change.volume_mm3, volume), (change.mass_mg, mass)):
        if difference is not None:
            assert difference.absolute == pytest.approx(now - difference.then, abs=1e-3)
            assert (difference.per_year is None) == (change.interval_days < 90)
            assert difference.limit is None or difference.limit >= 0
            assert (difference.limit is None) == (difference.exceeds_limit is None)
    assert (change.volume_mm3 is None) == (then.volume_mm3 is None or then.volume_definition == "isotropic")
    assert Score.from_json(replace(score, change=change).to_json()).change == change


@given(st.lists(earlier_scores, max_size=6), st.randoms())
def test_the_order_in_which_earlier_scores_are_found_does_not_matter(history, random):
    mixed = list(history)
    random.shuffle(mixed)
    assert compare(scored(), mixed) == compare(scored(), history)


@given(values, st.floats(10, 60))
def test_the_limit_grows_with_the_score_and_the_body(earlier, bmi):
    assert agatston_limit(earlier + 1, bmi) >= agatston_limit(earlier, bmi)
    assert agatston_limit(earlier, bmi + 1) >= agatston_limit(earlier, bmi)
    assert volume_limit(earlier + 1, bmi) >= volume_limit(earlier, bmi)


def test_an_interval_is_counted_over_leap_years():
    change = compare(scored(), [replace(THEN, date=(date(2026, 1, 5) - timedelta(days=731)).isoformat())])
    assert (change.date, change.interval_days) == ("2024-01-05", 731)
