"""SIGKILL to a real `coronode serve` while it receives, scores and sends: what was acknowledged is there."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest


@pytest.fixture
def kill(bench):
    return bench("kill")


@pytest.mark.component
def test_nothing_is_lost(kill, tmp_path, small_series):
    outcome = kill.run(tmp_path, small_series, phases=["receiving", "sending", "scoring"], seed=11, quiet_seconds=4)
    assert outcome.losses == ()
    assert [each.phase for each in outcome.kills] == ["receiving", "sending", "scoring"]
    assert 0 < outcome.kills[0].acknowledged < len(small_series)
    assert outcome.acknowledged == 3 * len(small_series)
    assert outcome.reports == 3
    assert "Traceback" not in (tmp_path / "log.jsonl").read_text()

    # the check sees what it is there for
    first = outcome.patients[0]
    received = outcome.documents[first.study_instance_uid]
    assert list(kill.find_losses(tmp_path, first, {})) != []
    assert list(kill.find_losses(tmp_path, first, received | {"1.2.3": [b"another SR"]})) != []
    (tmp_path / "data/objects/incoming/half").touch()
    assert kill.find_damage(tmp_path) == ["half-written file half"]
    one, other, third = sorted(first.images)[:3]
    with closing(sqlite3.connect(tmp_path / "data/coronode.sqlite")) as connection, connection:
        paths = dict(connection.execute("SELECT sop_instance_uid, path FROM instances").fetchall())
        connection.execute("DELETE FROM instances WHERE sop_instance_uid = ?", (one,))
    objects = tmp_path / "data/objects"
    (objects / paths[other]).unlink()
    (objects / paths[third]).write_bytes((objects / paths[third]).read_bytes()[:-1])
    assert [loss.partition(":")[0] for loss in kill.find_losses(tmp_path, first, received)] == [one, other, third]
