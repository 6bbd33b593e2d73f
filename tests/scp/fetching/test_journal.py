"""The file of outcomes survives a kill at any byte, and harms no other file."""

import csv
from datetime import UTC, datetime

import pytest

from config.errors import ConfigurationError
from scp.fetching.journal import Journal
from scp.fetching.outcome import COLUMNS, Outcome
from scp.fetching.wanted import Wanted

ONE, TWO, PATIENT = (
    Wanted(study_instance_uid="1.2.1"),
    Wanted(accession_number="A,2"),
    Wanted(patient_id="P\u00e4tient"),
)
AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "outcomes.csv"


def open_journal(file, peer="PACS", **options):
    return Journal(peer, file, clock=lambda: AT, **options)


def write(file, *outcomes, **options):
    journal = open_journal(file, **options)
    for outcome in outcomes:
        journal.write(outcome)
    journal.close()


def rows(file):
    with file.open(encoding="utf-8", newline="") as content:
        return list(csv.DictReader(content))


def test_a_line_is_complete_and_on_one_line(file):
    outcome = Outcome(
        TWO,
        "failed",
        1,
        "1.2.9",
        5,
        ("1.2.9.1", "1.2.9.2"),
        ("modality SR (2)",),
        51,
        9,
        40,
        2,
        1000,
        1.26,
        "it\nsaid; so",
    )
    write(file, outcome)
    assert len(file.read_text("utf-8").splitlines()) == 2
    (row,) = rows(file)
    assert tuple(row) == COLUMNS
    row.pop("finished_at")
    assert row == {
        "peer": "PACS",
        "requested_study_instance_uid": "",
        "requested_accession_number": "A,2",
        "requested_patient_id": "",
        "requested_study_date": "",
        "studies": "1",
        "study_instance_uid": "1.2.9",
        "outcome": "failed",
        "series_found": "5",
        "series_selected": "1.2.9.1 1.2.9.2",
        "skipped": "modality SR (2)",
        "objects_expected": "51",
        "objects_before": "9",
        "objects_received": "40",
        "objects_missing": "2",
        "bytes": "1000",
        "seconds": "1.3",
        "message": "it said; so",
    }


def test_an_interrupted_run_knows_what_is_done(file):
    write(
        file,
        Outcome(ONE, "fetched", 1, "1.2.1"),
        Outcome(TWO, "not_found", message="the archive has no such study"),
        Outcome(PATIENT, "fetched", 3, "1.2.3"),
        Outcome(PATIENT, "skipped", 3, "1.2.4"),
    )
    journal = open_journal(file)
    assert journal.is_done(ONE)
    assert journal.is_done(TWO)
    assert not journal.is_done(PATIENT)
    assert not journal.is_done(Wanted(study_instance_uid="1.2.3"))
    assert [journal.has(PATIENT, f"1.2.{number}") for number in (3, 4, 5)] == [True, True, False]
    journal.write(Outcome(PATIENT, "fetched", 3, "1.2.5"))
    assert journal.is_done(PATIENT)
    journal.close()


def test_lines_of_another_peer_say_nothing(file):
    write(file, Outcome(ONE, "fetched", 1, "1.2.1"), peer="OTHER")
    journal = open_journal(file)
    assert not journal.is_done(ONE)
    journal.close()


def test_a_kill_at_any_byte_leaves_the_whole_lines(file):
    write(file, Outcome(ONE, "fetched", 1, "1.2.1"), Outcome(TWO, "fetched", 1, "1.2.2", message="ä"))
    whole = file.read_bytes()
    ends = [place + 1 for place, byte in enumerate(whole) if byte == ord("\n")]
    for length in range(len(whole) + 1):
        file.write_bytes(whole[:length])
        journal = open_journal(file)
        assert (journal.is_done(ONE), journal.is_done(TWO)) == (length >= ends[1], length >= ends[2])
        journal.close()
        assert len(rows(file)) == sum(length >= end for end in ends[1:])


@pytest.mark.parametrize("content", [b"study_instance_uid\n1.2.3", b"1.2.3", b"\xff\xfe\x00", b"peer,other\n"])
def test_another_file_is_left_alone(file, content):
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="is not a file of outcomes"):
        open_journal(file)
    assert file.read_bytes() == content


def test_a_damaged_line_is_told(file):
    write(file, Outcome(ONE, "fetched", 1, "1.2.1"))
    with file.open("ab") as content:
        content.write(b"PACS,1.2.3\n")
    with pytest.raises(ConfigurationError, match="line 3: is not a line of outcomes"):
        open_journal(file)


def test_two_runs_do_not_write_one_file(file):
    journal = open_journal(file)
    with pytest.raises(ConfigurationError, match="another coronode fetch writes it"):
        open_journal(file)
    journal.close()
    open_journal(file).close()


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be written"):
        open_journal(tmp_path / "none" / "outcomes.csv")


def test_what_failed_is_tried_again_when_asked(file):
    bad = [
        Outcome(Wanted(study_instance_uid=f"1.2.{n}"), end, 1)
        for n, end in enumerate(("failed", "refused", "not_found"))
    ]
    good = [Outcome(Wanted(study_instance_uid=f"1.3.{n}"), end, 1) for n, end in enumerate(("fetched", "skipped"))]
    write(file, bad[0], good[0], *bad[1:], good[1])
    journal = open_journal(file, again=True)
    assert not any(journal.is_done(outcome.wanted) for outcome in bad)
    assert all(journal.is_done(outcome.wanted) for outcome in good)
    with pytest.raises(ConfigurationError, match="another coronode fetch"):
        open_journal(file)
    journal.write(Outcome(bad[0].wanted, "fetched", 1))
    journal.close()
    assert [row["outcome"] for row in rows(file)] == ["fetched", "skipped", "fetched"]


def test_without_a_file_a_run_remembers_its_own(tmp_path):
    journal = open_journal(None)
    journal.write(Outcome(ONE, "fetched", 1, "1.2.1"))
    assert journal.is_done(ONE)
    journal.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(1)", "'", "''=1", "'quoted'"])
def test_no_cell_is_a_formula_and_a_request_that_looks_like_one_is_remembered(file, text):
    wanted = Wanted(patient_id=text)
    write(file, Outcome(wanted, "failed", 1, "1.2.9"))
    (row,) = rows(file)
    assert row["requested_patient_id"] == f"'{text}"
    journal = open_journal(file)
    assert journal.is_done(wanted)
    journal.close()
    write(file, Outcome(Wanted(patient_id="other"), "fetched", 1, "1.2.8"), again=True)
    assert [row["requested_patient_id"] for row in rows(file)] == ["other"]
