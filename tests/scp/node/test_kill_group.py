"""Fifty kills of a group, a dozen of one with a bucket; `python -m bench.kill_group --rounds 1000` makes the rest."""

from __future__ import annotations

from collections import Counter

import pytest


@pytest.fixture
def kill_group(bench):
    return bench("kill_group")


@pytest.fixture
def postgres_server(kill_group):
    try:
        server = kill_group.PostgresServer()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    server.close()


@pytest.mark.component
@pytest.mark.peer
@pytest.mark.usefixtures("postgres_server")
@pytest.mark.timeout(600)
def test_nothing_is_lost_in_fifty_kills(kill_group, tmp_path, small_series):
    block = kill_group.run(
        0, 50, 7, folder=tmp_path, slices=small_series, members=2, quiet_seconds=2, under_way=2, away=0.05
    )
    assert block.losses == []
    assert block.kills.total() == 50
    assert {"member", "scorer", "database, kill"} <= block.kills.keys()
    assert block.acknowledged == block.patients * len(small_series) > 0


@pytest.mark.component
@pytest.mark.peer
@pytest.mark.usefixtures("postgres_server", "s3_service")
@pytest.mark.timeout(600)
def test_nothing_is_lost_when_the_objects_are_in_a_bucket(kill_group, tmp_path, small_series):
    block = kill_group.run(
        0, 12, 3, folder=tmp_path, slices=small_series, members=2, quiet_seconds=2, under_way=1, away=0, in_bucket=True
    )
    assert block.losses == []
    assert {"member", "s3"} <= block.kills.keys()
    assert block.acknowledged == block.patients * len(small_series) > 0


def test_a_run_goes_on_after_the_last_block_in_its_log(kill_group, tmp_path):
    log = tmp_path / "log"
    assert kill_group.read(log, 1) == {}
    block = kill_group.Block(3, 25, Counter(scorer=20, member=5), Counter(sending=4), [21.5], 7, 210, 8, ["x"], 60.0)
    kill_group.note(log, 1, block)
    kill_group.note(log, 2, kill_group.Block(4, 25))
    assert kill_group.read(log, 1) == {3: block}


def test_losses_are_reported(kill_group, capsys):
    assert kill_group.report([kill_group.Block(0, 25)]) == 0
    assert kill_group.report([kill_group.Block(0, 25), kill_group.Block(1, 25, losses=["1.2.3: missing"])]) == 1
    assert "LOST block 1: 1.2.3: missing" in capsys.readouterr().out
