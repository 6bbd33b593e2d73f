"""`coronode audit` as an administrator runs it."""

import json
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import text

from config.settings import Settings
from storage.database import audit
from storage.database.opening import open_database


@pytest.fixture
def log(coronode, tmp_path):
    """An index with three events; the function changes it behind the node's back."""
    database = open_database(Settings(node={"data_dir": tmp_path / "coronode-data"}))
    for day in (1, 2, 3):
        at = datetime(2026, 5, day, 8, tzinfo=UTC)
        audit.record(database, at, "viewed", f"day {day}", series_instance_uid="1.2.3", person="reader")

    def change(statement: str) -> None:
        with database.session() as session:
            session.execute(text(statement))

    yield change
    database.close()


def test_a_whole_log_is_told_with_its_head(coronode, log):
    ended = coronode("audit", "verify")
    assert ended.code == 0
    assert "ok  every event is as it was entered" in ended.out
    head = ended.out.splitlines()[-1].removeprefix("head ")
    assert head.startswith("3:")
    assert coronode("audit", "verify", "--head", head).code == 0


def test_a_changed_log_is_exit_1_and_says_where(coronode, log):
    coronode("audit", "verify")
    log("UPDATE audit SET text = 'never' WHERE id = 2")
    ended = coronode("audit", "verify")
    assert ended.code == 1
    assert "BAD place 2: event 2 was changed after it was sealed" in ended.out
    assert "backup" in ended.out
    found = json.loads(coronode("audit", "verify", "--json").out)[0]
    assert found["faults"] == [{"kind": "changed", "position": 2, "event": 2}]


def test_a_log_made_anew_shows_by_the_head_that_was_noted(coronode, log):
    head = coronode("audit", "verify").out.splitlines()[-1].removeprefix("head ")
    log("DELETE FROM audit_links")
    log("UPDATE audit SET text = 'never' WHERE id = 2")
    assert coronode("audit", "verify").code == 0
    ended = coronode("audit", "verify", "--head", head)
    assert ended.code == 1
    assert "made anew" in ended.out


def test_something_that_is_no_head_is_refused(coronode, log):
    ended = coronode("audit", "verify", "--head", "12")
    assert ended.code == 2
    assert "POSITION:DIGEST" in ended.err


def test_the_list_can_begin_at_a_day(coronode, log):
    coronode("audit", "verify")
    lines = coronode("audit", "list", "--since", "2026-05-02").out.splitlines()
    assert [line.split()[-1] for line in lines] == ["2", "3"]
    assert all("reader" in line and "1.2.3" in line for line in lines)
    found = json.loads(coronode("audit", "list", "--json").out)
    assert [item["text"] for item in found] == ["day 1", "day 2", "day 3"]


@pytest.mark.parametrize("form", ["xml", "syslog"])
def test_an_export_has_every_event_and_is_itself_recorded(coronode, log, tmp_path, form):
    coronode("audit", "verify")
    file = tmp_path / "export"
    assert coronode("audit", "export", file, "--format", form).code == 0
    assert file.stat().st_mode & 0o077 == 0
    if form == "xml":
        assert len(ET.parse(file).getroot()) == 3  # noqa: S314  # our own
    else:
        assert [line.split()[0] for line in file.read_text().splitlines()] == ["<85>1"] * 3
    coronode("audit", "verify")
    assert json.loads(coronode("audit", "list", "--json").out)[-1]["kind"] == "audit-read"
