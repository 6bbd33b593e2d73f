"""From a file to readings: found, told, recorded once, taken back."""

import pytest

from scp.validating import intake
from storage.database import audit
from storage.validation import readings

HEAD = "accession,study_instance_uid,series_instance_uid,total,reader,date\n"


@pytest.fixture
def take(site):
    def take(*lines, source="week.csv", **more):
        content = (HEAD + "\n".join(lines) + "\n").encode()
        return intake.take_table(site.installation, content, source, **more)

    return take


def told(matched):
    return [(one.line, one.code) for one in matched.refused]


def test_rows_find_their_series_by_every_name(site, take):
    for number in (1, 2, 3):
        site.score(f"1.{number}", 10)
    matched = take("A1.1,,,10,AB,", ",1.2.0,,10,,", ",,1.3,10,,2026-06-01", reader="CD", person="anna")
    assert told(matched) == []
    kept = readings.list_readings(site.database)
    assert [(one.series_instance_uid, one.reader, one.recorded_by) for one in kept] == [
        ("1.1", "AB", "anna"),
        ("1.2", "CD", "anna"),
        ("1.3", "CD", "anna"),
    ]
    (event,) = audit.list_events(site.database, kind="readings")
    assert (event.text, event.person) == ("3 from a file", "anna")


def test_unknown_ambiguous_and_repeated_rows_are_told(site, take):
    site.score("1.1", 10, study="9.9", accession="X")
    site.score("1.2", 10, study="9.9", accession="X")
    matched = take("X,,,5,,", ",9.8,,5,,", ",,1.1,5,,", ",,1.1,5,,", ",,1.1,6,,")
    assert told(matched) == [(2, "row_several"), (3, "row_unknown"), (5, "row_same"), (6, "row_other")]


def test_of_a_study_the_series_that_was_scored_is_meant(site, take):
    site.score("1.1", study="9.9", status="not_scorable", reason="contrast")
    site.score("1.2", 10, study="9.9")
    site.score("1.3", study="9.8", status="not_scorable", reason="localizer")
    site.score("1.4", study="9.8", status="not_scorable", reason="contrast")
    take(",9.9,,5,,", ",9.8,,5,,")
    assert [one.series_instance_uid for one in readings.list_readings(site.database)] == ["1.2", "1.4"]


def test_the_same_file_again_adds_nothing_and_a_corrected_one_replaces(site, take):
    site.score("1.1", 10)
    take(",,1.1,5,AB,2026-06-01")
    assert told(take(",,1.1,5,ab,2026-06-01")) == [(2, "row_known")]
    assert told(take(",,1.1,7,AB,2026-06-01")) == []
    assert len(readings.list_readings(site.database)) == 2


def test_a_dry_run_records_nothing(site, take):
    site.score("1.1", 10)
    assert len(take(",,1.1,5,,", dry_run=True).readings) == 1
    assert readings.list_readings(site.database) == []
    assert audit.list_events(site.database, kind="readings") == []


def test_a_file_is_taken_back(site, take):
    site.score("1.1", 10)
    take(",,1.1,5,,")
    assert intake.take_back(site.installation, "week.csv", person="anna") == 1
    assert readings.list_readings(site.database) == []
    assert [event.person for event in audit.list_events(site.database, kind="readings_withdrawn")] == ["anna"]
