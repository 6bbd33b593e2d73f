"""One, several or all series are scored again, chosen by state, reason, day and sender."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from sqlalchemy import text

from config.settings import Settings
from scp.installation import Installation
from storage.database.opening import open_database
from storage.objects.opening import open_files
from storage.series import lifecycle, states, step_changes, steps
from storage.series.states import State
from storage.series.step_changes import Changes
from storage.series.steps import Step, StepState

SERIES = {  # state, reason, sender, day of receipt after 2 March 2026
    "1.1": ("not_scorable", "crashed", "CT1", 0),
    "1.2": ("not_scorable", "timeout", "CT1", 1),
    "1.3": ("not_scorable", "contrast", "CT2", 1),
    "1.4": ("scored", "", "CT2", 2),
    "1.5": (None, "", "CT1", 2),
}


@pytest.fixture
def database(tmp_path: Path, clock, receive):
    settings = Settings(node={"data_dir": tmp_path / "coronode-data"})
    opened = open_database(settings)
    installation = Installation(settings, opened, open_files(settings), clock)
    first = clock.now
    for uid, (state, reason, sender, day) in SERIES.items():
        clock.now = first
        clock.advance(day * 86400)
        receive(installation, 2, SeriesInstanceUID=uid)
        if state is not None:
            lifecycle.complete(opened, uid, clock.now, expected=2)
            lifecycle.finish(opened, uid, 1, "", state, now=clock.now, reason_code=reason, reason=reason)
        with opened.session() as session:
            session.execute(
                text("UPDATE series SET calling_ae = :ae WHERE series_instance_uid = :uid"), {"ae": sender, "uid": uid}
            )
    yield opened
    opened.close()


def again(database) -> set[str]:
    """The series that are received anew."""
    return {item.series_instance_uid for item in states.list_receiving(database)} - {"1.5"}


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        ((), {"1.1", "1.2", "1.3", "1.4"}),
        (("--state", "not_scorable"), {"1.1", "1.2", "1.3"}),
        (("--state", "not_scorable,scored", "--peer", "CT2"), {"1.3", "1.4"}),
        (("--reason", "crashed"), {"1.1"}),
        (("--reason", "crashed, timeout"), {"1.1", "1.2"}),
        (("--reason", "not_ct"), set()),
        (("--since", "2026-03-03"), {"1.2", "1.3", "1.4"}),
        (("--since", "2026-03-03", "--reason", "crashed,timeout"), {"1.2"}),
        (("--peer", "NOBODY"), set()),
    ],
)
def test_all_that_the_options_leave(coronode, database, options, chosen):
    listed = coronode("series", "rescore", "--all", *options, "--dry-run")
    assert listed.code == 0
    assert all((uid in listed.out) == (uid in chosen) for uid in SERIES)
    assert f"{len(chosen)} series would be scored again" in listed.out
    assert again(database) == set()
    assert coronode("series", "rescore", "--all", *options, "--yes").code == 0
    assert again(database) == chosen


def test_all_asks_with_the_number(coronode, database, monkeypatch):
    monkeypatch.setattr("sys.stdin", StringIO("n\n"))
    ended = coronode("series", "rescore", "--all")
    assert ended.code == 1
    assert "score 4 series again?" in ended.err
    assert again(database) == set()
    monkeypatch.setattr("sys.stdin", StringIO("y\n"))
    assert coronode("series", "rescore", "--all").code == 0
    assert len(again(database)) == 4


def test_several_by_name_and_one_that_is_not_there(coronode, database):
    ended = coronode("series", "rescore", "1.1", "9.9", "1.3")
    assert ended.code == 1
    assert "2 series will be scored again" in ended.out
    assert "there is no series 9.9" in ended.err
    assert again(database) == {"1.1", "1.3"}
    assert states.get(database, "1.1").state == State.RECEIVING


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "give Series Instance UIDs"),
        (("--all", "1.1"), "give Series Instance UIDs"),
        (("1.1", "--state", "scored"), "choose among --all"),
        (("--all", "--state", "receiving"), "allowed: scored, delivered, not_scorable, undeliverable"),
        (("--all", "--reason", "crashd"), "reasons of series here: contrast (1), crashed (1), timeout (1)"),
        (("--all", "--since", "yesterday"), "yesterday"),
    ],
)
def test_a_wrong_choice_is_exit_2_and_names_the_right_ones(coronode, database, options, words):
    ended = coronode("series", "rescore", *options)
    assert (ended.code, ended.out) == (2, "")
    assert words in " ".join(ended.err.split())
    assert again(database) == set()


@pytest.mark.parametrize(
    ("arguments", "overruled"),
    [
        (("1.3",), True),
        (("--all", "--reason", "acquisition_discontinued", "--yes"), True),
        (("--all", "--yes"), False),
        (("--all", "--state", "not_scorable", "--yes"), False),
    ],
)
def test_a_discontinued_acquisition_is_scored_only_when_it_is_meant(coronode, database, clock, arguments, overruled):
    step_changes.create(database, Step("1.9"), ["1.2.1"], {"1.3": frozenset()}, clock())
    step_changes.change(database, "1.9", Changes(StepState.DISCONTINUED), clock())
    lifecycle.complete(database, "1.3", clock(), expected=2)
    lifecycle.finish(
        database, "1.3", 2, "", "not_scorable", now=clock(), reason_code="acquisition_discontinued", reason="said so"
    )
    assert coronode("series", "rescore", *arguments).code == 0
    assert "1.3" in again(database)
    assert (steps.find_discontinued(database, "1.3") is None) is overruled
