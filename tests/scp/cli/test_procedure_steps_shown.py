"""`coronode series show` tells what the scanner reported of a series, and how much of it is here."""

from __future__ import annotations

import json

import pytest

from config.settings import Settings
from storage.database.opening import open_database
from storage.series import expectations, step_changes
from storage.series.expectations import Announcement
from storage.series.step_changes import Changes
from storage.series.steps import Reason, Step, StepState

STEP = Step("1.2.9", modality="CT", station_ae="CT1", started="20260302 080000", calling_ae="GATEWAY")


@pytest.fixture
def show(coronode, undelivered, tmp_path, clock):
    """`show(state, *options, reason=None)`: the lines about a stored series whose step has ended like that."""
    folder, delivery = undelivered
    (tmp_path / "coronode.toml").write_text(f'[node]\ndata_dir = "{folder}"\n')
    uid = delivery.series_instance_uid

    def run(state: StepState, *options: str, reason: Reason | None = None) -> str:
        database = open_database(Settings(node={"data_dir": folder}))
        step_changes.create(database, STEP, ["1.2"], {}, clock())
        ended = Changes(state, "20260302 081000", {uid: frozenset({"1.1", "1.2"})}, reason)
        step_changes.change(database, STEP.sop_instance_uid, ended, clock())
        if state == StepState.COMPLETED:
            expectations.announce(database, Announcement(uid, "witness", "PACS", 1), clock())
        database.close()
        shown = coronode("series", "show", uid, *options)
        assert shown.code == 0, shown.err
        return shown.out

    return run


def test_a_completed_step(show):
    lines = show(StepState.COMPLETED).splitlines()
    assert "step:        COMPLETED, 20260302 080000 to 20260302 081000, CT1, 1.2.9" in lines
    assert "announced:   2 images by the scanner, 0 of them received" in lines
    assert "announced:   1 images by the source, 1 of them received" in lines


def test_a_discontinued_step(show):
    lines = show(StepState.DISCONTINUED, reason=Reason(meaning="Patient died\x1b[2J")).splitlines()
    assert r"step:        DISCONTINUED (Patient died\x1b[2J), 20260302 080000 to 20260302 081000, CT1, 1.2.9" in lines
    assert not any(line.startswith("announced:") for line in lines)


def test_json(show):
    shown = json.loads(show(StepState.COMPLETED, "--json"))
    assert shown["schema"] == "coronode.score/1"
    (step,) = shown["procedure_steps"]
    assert (step["sop_instance_uid"], step["state"], step["station"]) == ("1.2.9", "COMPLETED", "CT1")
    assert shown["announced"][0] == {"source": "mpps", "origin": "1.2.9", "images": 2, "received": 0}
