"""The keeper: when it deletes, and how much of a full disk it frees."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from config.retention import RetentionSettings
from config.settings import NodeSettings, Settings
from scp.installation import Installation
from scp.retention.keeper import Keeper
from storage.database.models import SeriesRow
from storage.database.opening import open_database
from storage.intake import instances
from storage.objects.header import InstanceHeader
from storage.retention.erasing import erase
from storage.series import states
from storage.series.states import State
from storage.series.store import open_store
from tests.storage.conftest import EXPLICIT, ct, encoded

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Site:
    """An installation with delivered series, oldest first, and clocks that a test turns."""

    def __init__(self, folder: Path, **retention: int) -> None:
        self.now, self.seconds = START, 0.0
        settings = Settings(node=NodeSettings(data_dir=folder), retention=RetentionSettings(**retention))
        self.installation = Installation(settings, open_database(settings), None, lambda: self.now)  # type: ignore[arg-type]
        self.installation.files = open_store(settings, self.installation.database)
        self.uids: list[str] = []

    def store(self, number: int) -> None:
        uid = f"1.2.{number}.1"
        image = ct(
            SeriesInstanceUID=uid,
            SOPInstanceUID=f"{uid}.1",
            StudyInstanceUID=f"1.2.{number}",
            PatientName=f"Gone^{number}",
        )
        there = self.installation
        header = InstanceHeader.from_dataset(image, EXPLICIT)
        with there.files.incoming(EXPLICIT) as file:
            file.write(encoded(image))
            stored = file.commit(header.file_name(file.sha256))
        now = self.now + timedelta(minutes=number)
        instances.register(there.database, there.files, header, stored, now=now)
        with there.database.session() as session:
            session.execute(update(SeriesRow).where(SeriesRow.series_instance_uid == uid).values(state=State.DELIVERED))
        self.uids.append(uid)

    def wait(self, span: timedelta) -> None:
        self.now += span
        self.seconds += span.total_seconds()

    def count(self) -> list[int]:
        return [states.get(self.installation.database, uid).instance_count for uid in self.uids]


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[object]:
    made: list[Site] = []

    def make(**retention: int) -> Site:
        made.append(Site(tmp_path / str(len(made)), **retention))
        for number in range(1, 6):
            made[-1].store(number)
        return made[-1]

    yield make
    for site in made:
        site.installation.database.close()


class NoDuty:
    def holds(self, duty: str) -> bool:  # noqa: ARG002
        return False


def look_steadily(site: Site, keeper: Keeper, span: timedelta) -> None:
    end = site.now + span
    while site.now < end:
        keeper.look()
        site.wait(timedelta(hours=1))
    keeper.look()


def test_nothing_is_deleted_unless_configured(make_site) -> None:
    site = make_site()
    look_steadily(site, Keeper(site.installation, monotonic=lambda: site.seconds), timedelta(days=3))
    site.wait(timedelta(days=4000))
    assert site.count() == [1] * 5


def test_old_images_go_once_the_clock_has_been_watched(make_site) -> None:
    site = make_site(images_days=2)
    keeper = Keeper(site.installation, monotonic=lambda: site.seconds)
    look_steadily(site, keeper, timedelta(days=1))
    assert site.count() == [1] * 5
    look_steadily(site, keeper, timedelta(days=2))
    assert site.count() == [0] * 5
    assert not list(site.installation.files.list_names())


def test_a_clock_that_jumps_a_year_ahead_deletes_nothing(make_site) -> None:
    site = make_site(images_days=90)
    keeper = Keeper(site.installation, monotonic=lambda: site.seconds)
    look_steadily(site, keeper, timedelta(days=2))
    site.now += timedelta(days=365)
    keeper.look()
    assert site.count() == [1] * 5


def test_a_full_disk_loses_the_oldest_until_the_low_mark(make_site) -> None:
    site = make_site(high_percent=85, low_percent=80)
    keeper = Keeper(site.installation, monotonic=lambda: site.seconds, measure=lambda: 78.0 + 2.0 * sum(site.count()))
    look_steadily(site, keeper, timedelta(days=2))
    assert site.count() == [0, 0, 0, 0, 1]


def test_a_full_disk_of_images_of_today_loses_none(make_site) -> None:
    site = make_site(high_percent=85, low_percent=80)
    keeper = Keeper(site.installation, monotonic=lambda: site.seconds, measure=lambda: 99.0)
    look_steadily(site, keeper, timedelta(hours=24))
    assert site.count() == [1] * 5


def test_without_the_duty_nothing_is_done(make_site) -> None:
    site = make_site(images_days=1)
    keeper = Keeper(site.installation, duties=NoDuty(), monotonic=lambda: site.seconds)
    look_steadily(site, keeper, timedelta(days=4))
    assert site.count() == [1] * 5


def test_an_interrupted_removal_is_finished_also_without_rules(make_site) -> None:
    site = make_site()
    erase(site.installation.database, site.uids[0], site.now)
    Keeper(site.installation, monotonic=lambda: site.seconds).look()
    assert len(list(site.installation.files.list_names())) == 4


def find_names(site: Site) -> list[str]:
    """The files of the index in whose bytes a patient stands."""
    folder = site.installation.settings.node.data_dir
    return [path.name for path in sorted(folder.glob("coronode.sqlite*")) if b"Gone^" in path.read_bytes()]


def test_patients_who_are_deleted_in_time_stand_nowhere_in_the_index(make_site) -> None:
    site = make_site(results_days=2)
    assert find_names(site) == ["coronode.sqlite-wal"]
    keeper = Keeper(site.installation, monotonic=lambda: site.seconds)
    look_steadily(site, keeper, timedelta(days=3))
    assert states.list_series(site.installation.database) == []
    assert find_names(site) == []


def test_the_log_is_emptied_once_nobody_reads_it(make_site) -> None:
    site = make_site(results_days=2)
    keeper = Keeper(site.installation, monotonic=lambda: site.seconds)
    look_steadily(site, keeper, timedelta(days=1))
    with site.installation.database.reading() as session:
        session.execute(select(SeriesRow.id)).all()
        look_steadily(site, keeper, timedelta(days=2))
        assert "coronode.sqlite-wal" in find_names(site)
    keeper.look()
    assert find_names(site) == []


def test_the_log_forgets_what_a_command_has_deleted(make_site) -> None:
    site = make_site()
    keeper = Keeper(site.installation, monotonic=lambda: site.seconds)
    keeper.look()
    for uid in site.uids:
        erase(site.installation.database, uid, site.now)
    assert find_names(site) == ["coronode.sqlite", "coronode.sqlite-wal"]
    keeper.look()
    assert find_names(site) == []
