"""Three rounds of the bench that kills the node in its services; `python -m bench.kill_services` makes fifty."""

from __future__ import annotations

import pytest


@pytest.fixture
def kill_services(bench):
    return bench("kill_services")


@pytest.mark.component
def test_what_was_acknowledged_is_kept_and_answered(kill_services, tmp_path):
    outcome = kill_services.run(tmp_path, ["commitment", "steps", "move"], 3)
    assert outcome.losses == ()
    record = outcome.record
    assert record.asked
    assert record.steps
    assert record.asked.keys() <= record.told.keys()
    assert len(record.arrived) == len(record.objects)

    # the check sees what it is there for
    transaction, step = min(record.asked), min(record.steps)
    record.asked[transaction] |= {"1.2.3"}
    record.steps[step].append("DISCONTINUED")
    record.possible[step] = "DISCONTINUED"
    (tmp_path / "data/objects/incoming/half").touch()
    found = [loss.partition(":")[0] for loss in kill_services.find_losses(tmp_path, record)]
    assert found == [transaction, step, "half-written file half"]
    moved = min(record.arrived)
    record.arrived[moved] += b"x"
    assert list(kill_services.find_unmoved(record, 0xB000)) == [
        "a C-MOVE after the restart ended with 45056",
        f"{moved}: moved with other bytes",
    ]
