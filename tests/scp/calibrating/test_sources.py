"""Answers of readers come from signed reviews, and from the readings recorded for validation."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scp.calibrating import sources
from scp.calibrating.sources import Totals
from scp.cli.calibration_run import CalibrationRun, Request
from scp.reviewing.desk import Desk
from scp.reviewing.scans import Scans
from storage.reviews.drafts import Author
from storage.series import slices
from storage.validation import readings
from storage.validation.readings import Reading

READER = Author("reader", "Dr. A. Reader")
NOTHING = Request(None, None, (), None, None)


@pytest.fixture
def sign(site):
    """`sign(lesion)` rejects a lesion and signs; the version is returned."""
    desk = Desk(site.installation, Scans(2**30))

    def sign(lesion):
        seen = desk.show(site.series)
        seen = desk.edit(site.series, seen.revision, {"kind": "reject", "lesion": lesion}, READER)
        return desk.sign(site.series, seen.revision, READER, person="reader")

    return sign


@pytest.fixture
def read(site):
    """`read(total, reader, LM=..)` records a reading of the series, each a minute after the one before."""
    moments = iter(site.installation.clock() + timedelta(minutes=number) for number in range(100))

    def read(total, reader="AB", *, uid=site.series, source="a.csv", **arteries):
        values = [arteries.get(artery) for artery in ("LM", "LAD", "LCX", "RCA")]
        readings.add(site.database, [Reading(uid, "file", source, reader, "", total, *values, next(moments), "")])

    return read


def list_all(site):
    """What `coronode calibrate fit` learns from."""
    return CalibrationRun(None, NOTHING, 1)._list_sources(site.database, site.files)


def test_an_automatic_result_is_nobodys_answer(site):
    assert sources.list_reviews(site.database, site.files) == []
    assert list_all(site) == []


def test_a_signed_review_is_an_answer_with_its_images(site, sign):
    assert sign("1") == 2
    (found,) = sources.list_reviews(site.database, site.files)
    assert (found.series_instance_uid, found.version) == (site.series, 2)
    assert found.files == tuple(slices.list_files(site.database, site.files, site.series))
    assert len(found.files) == site.score.series.slices
    assert found.answer.review.reader == "Dr. A. Reader"
    rest = site.score.agatston.total - site.score.lesions[0].agatston
    assert found.answer.agatston.total == pytest.approx(rest, abs=1e-3)
    # neither name nor identifier
    assert len(found.patient) == 64


def test_the_latest_signature_counts(site, sign):
    sign("1")
    assert sign("2") == 3
    (found,) = sources.list_reviews(site.database, site.files)
    assert (found.version, found.answer.review.rejected) == (3, 2)


def test_a_reading_is_an_answer(site, read):
    read(40.0, LM=0.0, LAD=30.0, LCX=0.0, RCA=10.0)
    (found,) = list_all(site)
    assert (found.series_instance_uid, found.version) == (site.series, 0)
    assert found.answer == Totals(40.0, {"LM": 0.0, "LAD": 30.0, "LCX": 0.0, "RCA": 10.0})
    assert len(found.files) == site.score.series.slices


def test_of_several_readings_the_first_counts_as_it_was_corrected(site, read):
    read(40.0, "AB")
    read(70.0, "CD")
    read(50.0, "ab")
    assert sources.list_readings(site.database) == {site.series: Totals(50.0, {})}


def test_some_arteries_alone_say_nothing_of_the_others(site, read):
    read(40.0, LAD=30.0)
    assert sources.list_readings(site.database) == {site.series: Totals(40.0, {})}


def test_a_reading_that_was_taken_back_teaches_nothing(site, read):
    read(40.0)
    readings.withdraw(site.database, "a.csv", site.installation.clock())
    assert list_all(site) == []


def test_a_review_goes_before_a_reading_and_a_table_that_is_given_too(site, read, sign, tmp_path):
    read(40.0)
    table = tmp_path / "given.csv"
    table.write_text(f"series_instance_uid,total\n{site.series},60\n")
    (found,) = CalibrationRun(None, Request(table, None, (), None, None), 1)._list_sources(site.database, site.files)
    assert found.answer == Totals(60.0, {})
    sign("1")
    (found,) = list_all(site)
    assert found.version == 2


def test_a_reading_of_a_series_that_has_gone_is_told(site, read, capsys):
    read(40.0, uid="2.25.1")
    assert list_all(site) == []
    assert "1 of 1 series that were read are not here" in capsys.readouterr().err
