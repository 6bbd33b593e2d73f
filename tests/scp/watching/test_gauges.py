"""The gauges that the tables give: what they say, and what a database that is away or hangs costs."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from config.errors import Transient
from config.settings import Settings
from scp.installation import Installation
from scp.watching import gauges
from scp.watching.gauges import Gauges
from storage.backup import noting
from storage.backup.noting import Noted
from storage.database.engine import Database
from storage.objects.files import Files
from storage.outbox.deliveries import DeliveryState
from storage.overview.stages import Stages, Unsent
from storage.series.states import State

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def installation(tmp_path):
    peers = {"PACS": {"ae_title": "PACS", "host": "127.0.0.1", "port": 104}}
    node = {"data_dir": tmp_path, "reserve_mb": 3}
    settings = Settings.model_validate({"node": node, "peers": peers, "results": {"destinations": ["PACS"]}})
    database = Database.open(f"sqlite:///{tmp_path / 'coronode.sqlite'}")
    database.migrate()
    yield Installation(settings, database, Files(tmp_path / "objects"), lambda: NOW)
    database.close()


def samples(page: bytes) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in page.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_a_node_in_which_nothing_is_has_every_figure_at_nought(installation):
    found = samples(Gauges(installation).render())
    assert found["coronode_database_up"] == 1
    assert found['coronode_series{state="not_scorable"}'] == 0
    assert found['coronode_series_oldest_seconds{state="scoring"}'] == 0
    assert found['coronode_outbox_deliveries{destination="PACS",state="dead"}'] == 0
    assert found['coronode_outbox_oldest_seconds{destination="PACS"}'] == 0
    assert found["coronode_disk_reserve_bytes"] == 3 * 1024 * 1024
    assert 0 < found['coronode_disk_free_bytes{holds="index"}'] <= found['coronode_disk_total_bytes{holds="index"}']
    assert found["coronode_database_bytes"] > 10_000


def test_what_waits_has_an_age(installation, monkeypatch):
    since = NOW - timedelta(minutes=3)
    unsent = tuple(Unsent(name, DeliveryState.PENDING, 1, since) for name in ("PACS", "FORMER"))
    stages = Stages({State.SCORING: 2}, {State.SCORING: since}, unsent, 5, since)
    monkeypatch.setattr(gauges, "read_stages", lambda _database: stages)
    found = samples(Gauges(installation).render())
    assert found['coronode_outbox_deliveries{destination="PACS",state="pending"}'] == 1
    assert found['coronode_outbox_oldest_seconds{destination="PACS"}'] == 180
    assert found['coronode_outbox_oldest_seconds{destination="FORMER"}'] == 180
    assert found['coronode_series{state="scoring"}'] == 2
    assert found['coronode_series_oldest_seconds{state="scoring"}'] == 180
    assert found["coronode_quarantine_objects"] == 5
    assert found["coronode_last_received_timestamp_seconds"] == since.timestamp()


def test_the_last_backup_is_told_by_the_moment_that_it_holds(installation):
    assert samples(Gauges(installation).render())["coronode_backup_last_success_timestamp_seconds"] == 0
    noting.note_backup(installation.database, Noted(NOW - timedelta(hours=2), NOW))
    found = samples(Gauges(installation).render())
    assert found["coronode_backup_last_success_timestamp_seconds"] == (NOW - timedelta(hours=2)).timestamp()


def test_the_tables_are_read_once_in_a_few_seconds(installation, monkeypatch):
    asked = []
    read = gauges.read_stages
    monkeypatch.setattr(gauges, "read_stages", lambda database: asked.append(1) or read(database))
    now = [100.0]
    made = Gauges(installation, clock=lambda: now[0])
    made.render()
    now[0] += 4
    made.render()
    assert len(asked) == 1
    now[0] += 2
    made.render()
    assert len(asked) == 2


def test_a_database_that_is_away_takes_its_own_figures_alone(installation, monkeypatch):
    def fail(_database):
        raise Transient("away")

    monkeypatch.setattr(gauges, "read_stages", fail)
    found = samples(Gauges(installation).render())
    assert found["coronode_database_up"] == 0
    assert 'coronode_disk_free_bytes{holds="objects"}' in found
    assert not [name for name in found if name.startswith("coronode_series")]


def test_a_database_that_hangs_is_waited_for_once_and_not_long(installation, monkeypatch):
    hangs, asked = threading.Event(), []
    read = gauges.read_stages

    def hang(database):
        asked.append(1)
        hangs.wait(60)
        return read(database)

    monkeypatch.setattr(gauges, "read_stages", hang)
    made = Gauges(installation, patience_seconds=0.05)
    try:
        assert samples(made.render())["coronode_database_up"] == 0
        assert samples(made.render())["coronode_database_up"] == 0
        assert len(asked) == 1
    finally:
        hangs.set()
    patient = Gauges(installation, patience_seconds=30)
    assert samples(patient.render())["coronode_database_up"] == 1
