"""Calibrations are kept unchanged, adopted and reverted by name, and all of it stands in the audit log."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from config.errors import CoronodeError
from storage.calibrations import calibrations, patients
from storage.calibrations.calibrations import Fitted
from storage.database import audit

NOW = datetime(2026, 11, 3, 8, 0, tzinfo=UTC)
FITTED = Fitted("site-2026-11", "ab" * 32, "{}", "[]", '{"x": 1}', "better", "0.2.0")


def test_nothing_is_adopted_at_first(node):
    calibrations.keep(node.db, FITTED, NOW)
    assert calibrations.find_adopted(node.db) is None
    assert calibrations.list_adoptions(node.db) == []


def test_it_is_kept_as_it_was_fitted(node):
    kept = calibrations.keep(node.db, FITTED, NOW)
    assert calibrations.find_calibration(node.db, kept.id) == kept
    assert (kept.fitted, kept.created_at) == (FITTED, NOW)
    assert calibrations.find_calibration(node.db, kept.id + 1) is None


def test_a_name_is_given_once(node):
    calibrations.keep(node.db, FITTED, NOW)
    with pytest.raises(CoronodeError, match="site-2026-11"):
        calibrations.keep(node.db, FITTED, NOW)
    assert calibrations.find_free_name(node.db, "site-2026-11") == "site-2026-11-2"
    assert calibrations.find_free_name(node.db, "other") == "other"


def test_the_latest_decision_counts(node):
    one = calibrations.keep(node.db, FITTED, NOW)
    other = calibrations.keep(node.db, replace(FITTED, name="next"), NOW)
    calibrations.adopt(node.db, one.id, "Dr Weber", "better", NOW)
    assert calibrations.find_adopted(node.db) == one
    calibrations.adopt(node.db, other.id, "Dr Weber", "better still", NOW)
    assert calibrations.find_adopted(node.db) == other
    calibrations.revert(node.db, "Dr Roth", "new scanner", NOW + timedelta(days=1))
    assert calibrations.find_adopted(node.db) is None
    assert [(item.calibration, item.person) for item in calibrations.list_adoptions(node.db)] == [
        (None, "Dr Roth"),
        (other, "Dr Weber"),
        (one, "Dr Weber"),
    ]


def test_decisions_stand_in_the_audit_log(node):
    kept = calibrations.keep(node.db, FITTED, NOW)
    calibrations.adopt(node.db, kept.id, "Dr Weber", "better", NOW, account="weber")
    calibrations.revert(node.db, "Dr Weber", "new scanner", NOW)
    found = [(item.kind, item.person, item.text.rpartition(": ")[2]) for item in audit.list_events(node.db)]
    assert found == [
        ("calibration reverted", "Dr Weber", "new scanner"),
        ("calibration adopted", "weber", "better"),
        ("calibration fitted", "", "better"),
    ]


def test_what_is_not_there_cannot_be_adopted(node):
    with pytest.raises(CoronodeError, match="no calibration 7"):
        calibrations.adopt(node.db, 7, "Dr Weber", "better", NOW)
    assert calibrations.list_adoptions(node.db) == []


def test_series_of_one_patient_are_told_without_a_name(node):
    for number, patient in enumerate(("A", "A", "B", "", "")):
        node.store(
            node.ct(
                SOPInstanceUID=f"1.{number}.3",
                SeriesInstanceUID=f"1.{number}.2",
                StudyInstanceUID=f"1.{number}",
                PatientID=patient,
            )
        )
    found = patients.identify(node.db, [f"1.{number}.2" for number in range(6)])
    assert found["1.0.2"] == found["1.1.2"]
    assert len(set(found.values())) == 4
    assert "1.5.2" not in found
    assert all(len(digest) == 64 for digest in found.values())
