"""One reading of each series counts, and what does not is told."""

from datetime import timedelta

import pytest

from scp.validating.pairing import pair_stored
from storage.reviews import signing
from storage.reviews.drafts import Author, Basis
from storage.series import lifecycle
from storage.validation import readings
from storage.validation.readings import Reading


@pytest.fixture
def read(site):
    def read(uid, total, reader="AB", *, read_on="", origin="file", minutes=0, **arteries):
        values = [arteries.get(artery) for artery in ("LM", "LAD", "LCX", "RCA")]
        at = site.now + timedelta(minutes=minutes)
        readings.add(site.database, [Reading(uid, origin, "s", reader, read_on, total, *values, at, "")])

    return read


def left(paired):
    return sorted((one.series_instance_uid, one.why, one.detail) for one in paired.left_out)


def test_a_pair_has_both_values_and_what_the_scan_is(site, read):
    site.score("1.1", 120, arteries={"LM": 0, "LAD": 100, "LCX": 0, "RCA": 20})
    read("1.1", 90, LAD=90.0)
    (pair,) = pair_stored(site.database).pairs
    assert (pair.ours.total, pair.ours.category, pair.theirs.total, pair.theirs.category) == (
        120,
        "101-400",
        90,
        "1-100",
    )
    assert (pair.ours.arteries["RCA"], pair.theirs.arteries) == (20, {"LAD": 90})
    assert (pair.scan.scanner, pair.scan.kernel, pair.scan.kvp, pair.scan.month) == (
        "ACME Ultra",
        "Qr36",
        "120",
        "2026-03",
    )
    assert pair.study_instance_uid == "1.1.0"


def test_the_first_reader_counts_and_the_last_correction_of_a_reading(site, read):
    site.score("1.1", 120)
    read("1.1", 50, "AB")
    read("1.1", 70, "CD")
    read("1.1", 60, "ab")
    paired = pair_stored(site.database)
    assert [pair.theirs.total for pair in paired.pairs] == [60]
    assert left(paired) == [("1.1", "other_reader", "")]
    assert [pair.theirs.total for pair in pair_stored(site.database, reader="cd").pairs] == [70]


def test_series_without_a_score_are_told_apart(site, read):
    site.score("1.1", status="not_scorable", reason="contrast")
    site.score("1.2", 3)
    lifecycle.rescore(site.database, "1.2", site.now)
    for uid in ("1.1", "1.2", "1.3"):
        read(uid, 5)
    paired = pair_stored(site.database)
    assert [pair.series_instance_uid for pair in paired.pairs] == ["1.2"]
    assert left(paired) == [("1.1", "not_scorable", "contrast"), ("1.3", "no_longer_here", "")]


def test_a_signed_review_is_a_reading_and_an_independent_one_goes_before_it(site, read, result):
    for uid in ("1.1", "1.2"):
        site.score(uid, 120)
        review = {"reader": "Dr. C", "signed_at": "2026-06-15T08:00:00+00:00", "automatic_version": 1}
        signed = result(uid, 80, review=review)
        signing.sign(site.database, Basis(uid, 1, 1, 0), Author("c", "Dr. C"), signed, site.now, person="c", text="")
    read("1.2", 100)
    paired = pair_stored(site.database)
    found = {pair.series_instance_uid: (pair.ours.total, pair.theirs.total, pair.origin) for pair in paired.pairs}
    assert found == {"1.1": (120, 80, "review"), "1.2": (120, 100, "file")}
    assert left(paired) == [("1.2", "other_reader", "")]


def test_readings_since_a_moment(site, read):
    for number in (1, 2):
        site.score(f"1.{number}", 10)
        read(f"1.{number}", 10, minutes=number * 60)
    paired = pair_stored(site.database, since=site.now + timedelta(minutes=90))
    assert [pair.series_instance_uid for pair in paired.pairs] == ["1.2"]
    assert left(paired) == []
