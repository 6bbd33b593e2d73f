"""`coronode calibrate`: from answers to a calibration that is kept, shown, adopted with a reason, and reverted."""

from __future__ import annotations

import json

import numpy as np
import pytest

from config.settings import Settings
from scoring.calibration.phantoms import load_phantoms
from scoring.calibration.truth import Example
from scoring.judgement.calibration import Calibration
from scp.calibrating.measuring import Gathered, LeftOut, Measurer
from scp.calibrating.sources import Source, Totals
from scp.cli import calibration_run
from storage.calibrations.calibrations import find_adopted
from storage.database.opening import open_database
from tests.scoring.calibration.sites import answer, invent_case, shifted

MANY = {("pericardium", "intercept"): 2.0, ("off_course", "intercept"): 2.0}
BY = ("--name", "Dr Weber", "--reason", "tried on our patients")


def examples(patients):
    rng = np.random.default_rng(0)
    cases = [invent_case(rng, f"2.25.{number}", 8) for number in range(patients)]
    return tuple(Example(case, answer(rng, case, shifted(MANY)), case.series_instance_uid) for case in cases)


@pytest.fixture
def index(tmp_path):
    settings = Settings(node={"data_dir": tmp_path / "coronode-data"})
    open_database(settings).close()
    return settings


@pytest.fixture
def read(monkeypatch):
    """`read(patients)`: readers have answered so many; one more series cannot be scored."""

    def make(patients):
        found = examples(patients)
        known = [Source(item.case.series_instance_uid, 2, item.patient, (), Totals(0.0, {})) for item in found]
        left_out = (LeftOut("2.25.999", "The images do not show a chest"),)
        monkeypatch.setattr(calibration_run.CalibrationRun, "_list_sources", lambda *_: known)
        monkeypatch.setattr(Measurer, "gather", lambda *_: Gathered(found, left_out))

    return make


def adopted(settings):
    database = open_database(settings)
    try:
        return find_adopted(database)
    finally:
        database.close()


def test_from_answers_to_a_decision_and_back(coronode, index, read, tmp_path):
    read(32)
    ended = coronode("calibrate", "fit", "--name", "site-a", "--out", "site.json")
    assert ended.code == 0, ended.err
    assert "calibration 1: site-a (sha256 " in ended.out
    assert "2.25.999: The images do not show a chest" in ended.out
    # what would do harm stands before what would help
    assert ended.out.index("new false zeros") < ended.out.index("kappa of the category")
    written = Calibration.from_json((tmp_path / "site.json").read_bytes())
    assert (written.name, written.nets) == ("site-a", "net 1")
    assert adopted(index) is None

    shown = json.loads(coronode("calibrate", "show", "1", "--json").out)
    assert shown["sha256"] == written.sha256
    assert len(shown["cases"]) == 32
    assert {"series_instance_uid", "version", "read", "shipped", "calibrated"} <= set(shown["cases"][0])

    ended = coronode("calibrate", "adopt", "1", *BY, *(["--anyway"] if shown["finding"] != "better" else []))
    assert ended.code == 0, ended.err
    assert adopted(index).fitted.sha256 == written.sha256
    listed = coronode("calibrate", "list").out
    assert "decided by Dr Weber: tried on our patients" in listed
    assert json.loads(coronode("calibrate", "list", "--json").out)[0]["adopted"] is True

    assert coronode("calibrate", "revert", *BY).code == 0
    assert adopted(index) is None
    assert "scoring: the shipped weights" in coronode("calibrate", "list").out
    assert coronode("calibrate", "export", "1", "--out", "again.json").code == 0
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "site.json").read_bytes()


def test_without_a_gain_it_is_adopted_only_anyway(coronode, index, read, monkeypatch):
    read(30)
    monkeypatch.setattr("scoring.calibration.refit.conclude", lambda *_, **__: ("no_gain", ("error_same",)))
    assert coronode("calibrate", "fit").code == 0
    ended = coronode("calibrate", "adopt", "1", *BY)
    assert ended.code == 1
    assert "--anyway" in ended.err
    assert adopted(index) is None
    assert coronode("calibrate", "adopt", "1", *BY, "--anyway").code == 0
    assert adopted(index) is not None


@pytest.mark.usefixtures("index")
def test_too_few_cases_are_refused_and_nothing_is_kept(coronode, read):
    read(29)
    ended = coronode("calibrate", "fit")
    assert ended.code == 1
    assert "29 patients" in ended.err
    assert "2.25.999: The images do not show a chest" in ended.err
    assert json.loads(coronode("calibrate", "list", "--json").out) == []


@pytest.mark.usefixtures("index")
def test_with_phantoms_of_another_version_nothing_is_measured(coronode, read, monkeypatch):
    read(32)
    monkeypatch.setattr("scoring.calibration.phantoms.load_phantoms", load_phantoms.__wrapped__)
    monkeypatch.setattr("scoring.calibration.basis.identify_nets", lambda: "other nets")
    monkeypatch.setattr(Measurer, "gather", lambda *_: pytest.fail("measured"))
    ended = coronode("calibrate", "fit")
    assert ended.code == 1
    assert "do not belong to this version of the software (nets)" in ended.err


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("uid,total\n", "lacks the column series_instance_uid"),
        ("series_instance_uid,total\n1.2,many\n", "line 2: total is 'many'"),
        ("series_instance_uid,total\n1.2,nan\n", "line 2: total is 'nan'"),
        ("series_instance_uid,total\n1.2,-3\n", "line 2: total is '-3'"),
        ("series_instance_uid,total,LM\n1.2,5,5\n", "give all of LM, LAD, LCX, RCA"),
    ],
)
def test_a_wrong_table_is_told_with_its_line(coronode, tmp_path, text, words):
    (tmp_path / "readings.csv").write_text(text)
    ended = coronode("calibrate", "fit", "--readings", "readings.csv")
    assert ended.code == 1
    assert words in ended.err


@pytest.mark.usefixtures("index")
def test_a_decision_needs_words_and_a_calibration(coronode):
    assert coronode("calibrate", "adopt", "1", "--name", " ", "--reason", "x").code == 2
    ended = coronode("calibrate", "adopt", "1", *BY)
    assert (ended.code, "no calibration 1" in ended.err) == (1, True)


def test_a_file_that_is_no_calibration_is_refused(coronode, tmp_path):
    (tmp_path / "x.json").write_text("{}")
    ended = coronode("score", ".", "--calibration", "x.json")
    assert ended.code in (1, 2)
    assert "calibration" in ended.err or "no DICOM image" in ended.err
