"""`coronode validate`: readings in, figures out, decisions."""

import json

import pytest

from config.settings import Settings
from scoring.report.common.texts import load_english
from storage.database import audit
from storage.database.opening import open_database
from storage.validation import decisions, holding, readings

T = load_english()


def write_result(path, uid, total):
    category = "0" if not total else "1-100" if total <= 100 else "101-400" if total <= 400 else ">400"
    path.write_text(
        json.dumps(
            {
                "schema": "coronode.score/1",
                "status": "scored",
                "series": {"series_instance_uid": uid, "study_instance_uid": f"{uid}.0", "kernel": "Qr36"},
                "agatston": {"total": total, "LM": 0, "LAD": total, "LCX": 0, "RCA": 0},
                "agatston_range": [total, total],
                "category": category,
                "flags": [],
            }
        )
    )


@pytest.fixture
def folder(tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    for number, total in enumerate([0, 0, 12, 80, 150, 900], start=1):
        write_result(results / f"case-{number}.json", f"1.2.{number}", total)
    (tmp_path / "readings.csv").write_text(
        "case;total;reader\ncase-1;0;A\ncase-2;3,5;A\ncase-3;12;A\ncase-4;130;A\ncase-5;150;A\ncase-6;900;A\n"
    )
    return tmp_path


@pytest.fixture
def node(tmp_path):
    """An index without a series, in shadow mode."""
    (tmp_path / "coronode.toml").write_text("[validation]\nshadow = true\n")
    database = open_database(Settings(node={"data_dir": tmp_path / "coronode-data"}))
    yield database
    database.close()


def test_a_folder_of_results_and_a_table_without_a_node(coronode, folder):
    ended = coronode("validate", "--results", "results", "--readings", "readings.csv")
    assert (ended.code, ended.err) == (0, "")
    assert "6 scans with a reader's value" in ended.out
    assert "false zero" in ended.out
    assert not (folder / "coronode-data").exists()


def test_the_same_for_a_script(coronode, folder):
    ended = coronode("validate", "--results", "results", "--readings", "readings.csv", "--json", "--by", "kernel")
    found = json.loads(ended.out)
    assert found["schema"] == "coronode.validation/1"
    assert found["total"]["matrix"] == [[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]]
    assert [one["why"] for one in found["worst"]] == ["false_zero", "category"]
    assert {one["by"] for one in found["strata"]} == {"kernel"}
    assert found["refused"] == []


def test_rows_that_are_not_used_are_told_and_fail(coronode, folder):
    with (folder / "readings.csv").open("a") as file:
        file.write("case-9;5;A\ncase-1;many;A\n")
    ended = coronode("validate", "--results", "results", "--readings", "readings.csv")
    assert ended.code == 1
    assert ended.err.splitlines() == ["Line 8: case-9 is not here", "Line 9: total: many is not a number from 0 on"]


def test_a_pdf(coronode, folder):
    ended = coronode("validate", "--results", "results", "--readings", "readings.csv", "--pdf", "out.pdf")
    assert ended.code == 0
    assert (folder / "out.pdf").read_bytes().startswith(b"%PDF-1.")
    ended = coronode("validate", "--results", "results", "--readings", "readings.csv", "--pdf", "no/out.pdf")
    assert ended.code == 2
    assert "--pdf" in ended.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--results", "results"), "--results needs --readings"),
        (("--results", "results", "--readings", "readings.csv", "--from", "PACS"), "no --from"),
        (("--unverified",), "--unverified belongs to --from"),
        (("--results", "results", "--readings", "missing.csv"), "--readings: missing.csv: No such file"),
        (("--results", "missing", "--readings", "readings.csv"), "--results: missing: No such file"),
    ],
)
def test_options_that_contradict_are_a_wrong_use(coronode, folder, arguments, words):
    ended = coronode("validate", *arguments)
    assert ended.code == 2
    assert words in ended.err


def test_a_node_without_readings(coronode, node):
    ended = coronode("validate")
    assert (ended.code, ended.out.strip()) == (0, T("validation.no_pairs"))
    assert json.loads(coronode("validate", "--json").out)["total"]["kappa"]["missing"] == "no_cases"


def test_unknown_studies_of_a_node_are_told(coronode, node, tmp_path):
    (tmp_path / "r.csv").write_text("study_instance_uid,total\n1.2.3,5\n")
    ended = coronode("validate", "--readings", "r.csv")
    assert ended.code == 1
    assert ended.err == "Line 2: 1.2.3 is not here\n"
    assert readings.list_readings(node) == []


def test_a_decision_and_its_end(coronode, node):
    named = ("--name", "Dr. A. Weber", "--reason", "kappa 0.91")
    assert coronode("validate", "go-live", *named).code == 0
    assert decisions.is_live(node)
    again = coronode("validate", "go-live", *named)
    assert (again.code, again.err) == (1, "coronode: the node is live already\n")
    assert coronode("validate", "withdraw", *named).code == 0
    assert not decisions.is_live(node)
    (event, _) = audit.list_events(node)
    assert event.person.startswith("shell")


def test_what_is_not_held_cannot_be_released(coronode, node):
    ended = coronode("validate", "release", "1.2.3")
    assert ended.code == 1
    assert "no result that is held back" in ended.err
    assert coronode("validate", "release", "--all", "--yes").out == "0 results released\n"
    assert coronode("validate", "release").code == 2
    assert holding.count_held(node) == 0


def test_a_source_that_nobody_recorded_cannot_be_forgotten(coronode, node):
    ended = coronode("validate", "forget", "week-1.csv")
    assert ended.code == 1
    assert "sources: none" in ended.err
