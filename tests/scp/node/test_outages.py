"""What a node needs is taken away and given back; `python -m bench.outages` does it for longer."""

from __future__ import annotations

import pytest

ROOMS = {
    "refusal not noted",
    "completion check failed; will retry",
    "no sign of life to the group for now",
    "an open association is not noted",
    "looking at the audit log failed",
    "events of peers wait for the audit log",
    "deleting failed for now",
}
"""What rooms say of a database that is away: once for each outage."""


@pytest.fixture
def outages(bench):
    return bench("outages")


@pytest.fixture
def suffer(outages, tmp_path, small_series):
    """Run a scenario; what it needs and this machine has not skips."""

    def run(name, seconds):
        try:
            return outages.run(name, tmp_path, small_series, seconds)
        except FileNotFoundError as error:
            pytest.skip(str(error))

    return run


@pytest.mark.component
@pytest.mark.peer
@pytest.mark.parametrize("name", ["database", "database-at-start"])
def test_a_database_that_is_down(suffer, name):
    outage = suffer(name, 4)
    assert outage.losses == []
    assert outage.patients == (3 if name == "database" else 2)
    told = outage.told.keys() & ROOMS
    assert {event: outage.told[event] for event in told} == dict.fromkeys(told, 1)


@pytest.mark.component
@pytest.mark.usefixtures("s3_service")
def test_a_bucket_whose_service_is_away(suffer):
    outage = suffer("s3", 4)
    assert outage.losses == []
    assert outage.patients == 3


@pytest.mark.component
def test_a_folder_that_is_moved_away_and_back(suffer):
    outage = suffer("folder", 4)
    assert outage.losses == []
    assert outage.told["association refused"] or outage.told["object refused"]


@pytest.mark.component
@pytest.mark.peer
@pytest.mark.parametrize(("name", "seconds"), [("pacs", 20), ("clock", 1)])
def test_a_week_without_the_pacs_and_a_clock_that_jumps(suffer, name, seconds):
    outage = suffer(name, seconds)
    assert outage.losses == []
