"""Power cuts on a modelled disk; `python -m bench.power_cut` makes more of them."""

from __future__ import annotations

import random

import pytest


@pytest.fixture
def power_cut(bench, peer_program, tmp_path):
    peer_program("strace")
    try:
        bench("killing.clock").Clock(tmp_path / "clock")
    except FileNotFoundError as error:
        pytest.skip(str(error))
    return bench("power_cut")


@pytest.fixture
def power(bench):
    return lambda name: bench(f"power.{name}")


@pytest.mark.component
def test_what_was_acknowledged_survives(power_cut, power, tmp_path, small_series):
    plan = power("session").Plan(patients=1, associations=3)
    session = power("session").record(tmp_path, small_series, plan, draws(1))
    disk = power_cut.Disk(session)
    outcome = power_cut.cut(tmp_path, disk, plan, draws(2), cuts=8, starts=1)
    assert outcome.faults == ()
    assert outcome.losing > 0
    assert outcome.images == len(small_series)
    assert len(disk.documents) == 1
    assert disk.replay.list_removed(max(disk.replay.moments))
    # the model sees each kind of synchronisation that is missing
    for place in ("data/objects/incoming", "data/objects/instances", "data/coronode.sqlite-wal"):
        assert find_worst(power_cut.Disk(session, place), power, tmp_path), place


@pytest.mark.component
def test_relaxed_durability_loses_objects(power_cut, power, tmp_path, small_series):
    plan = power("session").Plan(patients=1, associations=2, durability="relaxed", short=True)
    outcome = power_cut.run(tmp_path, small_series, plan, cuts=8, starts=0, seed=1)
    assert any("not on the disk" in fault for fault in outcome.faults)
    assert any("not in the index" in fault for fault in outcome.faults)


def draws(seed):
    return random.Random(seed)  # noqa: S311


def find_worst(disk, power, tmp_path):
    """Cut the power after some responses, with everything lost that can be."""
    faults = list(disk.find_unsafe())
    stored = disk.replay.stored
    for told in (stored[0], stored[len(stored) // 2], stored[-1]):
        moment = told.moment + 1
        data = disk.write_out(moment, power("disk").WORST, draws(0), tmp_path / "worst")
        faults += power("examining").find_faults(data, disk.expect(moment))
    return faults
