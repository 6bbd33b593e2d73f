"""Readings are kept as they came, and taken back by their source."""

from dataclasses import replace

import pytest

from storage.validation import readings
from storage.validation.readings import Reading


@pytest.fixture
def reading(node):
    return Reading("1.2.1.1", "file", "week-1.csv", "AB", "2026-03-02", 12.5, 0.0, 12.5, None, 0.0, node.at(0), "anna")


def test_a_reading_comes_back_as_it_was(node, reading):
    other = replace(reading, series_instance_uid="1.2.1.2", reader="ÄÖ", LM=None, total=0.0)
    readings.add(node.db, [reading, other])
    assert readings.list_readings(node.db) == [reading, other]
    assert readings.list_readings(node.db, series_instance_uids=["1.2.1.2", "9"]) == [other]
    assert readings.list_readings(node.db, series_instance_uids=[]) == []


def test_a_source_is_taken_back_as_a_whole(node, reading):
    readings.add(node.db, [reading, replace(reading, source="week-2.csv", recorded_at=node.at(9))])
    assert [(one.source, one.count) for one in readings.list_sources(node.db)] == [("week-2.csv", 1), ("week-1.csv", 1)]
    assert readings.withdraw(node.db, "week-1.csv", node.at(20)) == 1
    assert readings.withdraw(node.db, "week-1.csv", node.at(21)) == 0
    assert [one.source for one in readings.list_readings(node.db)] == ["week-2.csv"]


def test_a_series_is_found_by_series_study_and_accession_number(node):
    node.series(1, AccessionNumber="A7")
    node.store(node.ct(SOPInstanceUID="1.9", SeriesInstanceUID="1.8", Modality="SR"), origin="made")
    for name in ("1.2.1.1", "1.2.1", "A7"):
        (found,) = readings.find_targets(node.db, [name, "unknown"])
        assert (found.series_instance_uid, found.study_instance_uid) == ("1.2.1.1", "1.2.1")
    assert readings.find_targets(node.db, ["", "1.2"]) == []
