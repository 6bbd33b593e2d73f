"""Two members of a group that score one version of a series at once.

One was frozen so long that the others took it for dead; it wakes while another one scores the series in its place.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from config.errors import NotScorable
from config.settings import Settings
from scoring.result import ArteryValues, Score
from scp import metrics
from scp.installation import Installation
from scp.priors.comparison import History
from scp.work.documents import DocumentWork
from scp.work.series_work import SeriesWork
from storage.database import audit
from storage.database.engine import Database
from storage.group import members
from storage.group.members import Member
from storage.objects.files import Files
from storage.outbox import deliveries, outcomes, outgoing
from storage.series import lifecycle, results, states
from storage.series.states import State
from tests.scp.work.conftest import SCORE, FakeScorer

UID = "1.2.1.1"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
DESTINATIONS = ("PACS", "ARCHIVE")
TOTALS = {"frozen": 100.0, "successor": 200.0}


def score_of(total: float) -> Score:
    return replace(SCORE, agatston=ArteryValues(total=total, LAD=total))


class Group:
    """A complete series, a member that others have taken for dead, and the one that took its work over."""

    def __init__(self, database: Database, files: Files, receive) -> None:
        self.database, self.files = database, files
        self.scorers = {name: FakeScorer(note=f"by the {name}") for name in TOTALS}
        for name, total in TOTALS.items():
            members.join(database, Member(name, "host", 7, ("score",), "1.0", 0, NOON))
            self.scorers[name].answers.append(score_of(total))
        receive(self.installation("frozen"), 3)
        lifecycle.complete(database, UID, NOON, expected=3)
        self.counted = metrics.SCORED.labels("scored")._value.get()

    def installation(self, name: str) -> Installation:
        peers = {one: {"ae_title": one, "host": "127.0.0.1", "port": 104} for one in DESTINATIONS}
        settings = Settings(peers=peers, results={"destinations": DESTINATIONS, "documents": ("sr", "overlay")})
        return Installation(settings, self.database, self.files, lambda: NOON, lambda: name)

    def work(self, name: str) -> SeriesWork:
        installation, scorer = self.installation(name), self.scorers[name]
        return SeriesWork(installation, scorer, History(installation), DocumentWork(installation, scorer))

    def expel(self) -> None:
        (frozen,) = (one for one in members.list_members(self.database) if one.id == "frozen")
        assert members.expel(self.database, frozen, NOON)

    def check(self, kept: tuple[str, ...]) -> None:
        """Check that one result is kept, of one of these members, and one document for each destination."""
        (result,) = results.list_versions(self.database, UID)
        assert Score.from_json(result.score_json).agatston.total in {TOTALS[name] for name in kept}
        assert result.report is not None
        assert states.get(self.database, UID).state is State.SCORED
        owed = deliveries.list_deliveries(self.database)
        assert Counter((item.kind, item.destination) for item in owed) == Counter(
            (kind, one) for kind in ("sr", "overlay") for one in DESTINATIONS
        )
        documents = {item.sop_instance_uid: item.path for item in owed}
        assert len(documents) == 2
        assert {self.files.path(path).exists() for path in documents.values()} == {True}
        stored = [path for path in (self.files.root / "instances").rglob("*") if path.is_file()]
        assert len(stored) == 3 + len(documents), "of a document made twice one file is left"
        kinds = Counter(event.kind for event in audit.list_events(self.database, limit=1000))
        assert kinds["scored"] == 1
        assert metrics.SCORED.labels("scored")._value.get() == self.counted + 1


@pytest.fixture(params=["sqlite", "postgresql"])
def group(request: pytest.FixtureRequest, tmp_path, receive) -> Iterator[Group]:
    url = request.getfixturevalue("postgresql") if request.param == "postgresql" else f"sqlite:///{tmp_path / 'i.db'}"
    database = Database.open(url)
    database.migrate()
    yield Group(database, Files(tmp_path / "objects", durable=False), receive)
    database.close()


@pytest.mark.parametrize(("first", "last"), [("frozen", "successor"), ("successor", "frozen")])
@pytest.mark.parametrize("within", ["during", "during_documents"])
def test_whoever_finishes_first_counts_and_the_other_changes_nothing(group, first, last, within):
    def meanwhile() -> None:
        setattr(group.scorers[last], within, lambda: None)  # once
        group.expel()
        group.work(first).run(UID, 1)

    setattr(group.scorers[last], within, meanwhile)
    if within == "during_documents":  # the last one has scored, and the first one takes over from there
        group.scorers[first].during = lambda: pytest.fail("scored again")
        group.work(last).run(UID, 1)
        group.check((last,))
    else:
        group.work(last).run(UID, 1)
        group.check((first,))


@pytest.mark.parametrize("attempt", range(3))
def test_both_at_the_same_moment(group, attempt):  # the same again
    together = {within: threading.Barrier(2) for within in ("during", "during_documents")}
    group.expel()
    for scorer in group.scorers.values():
        scorer.during = lambda: together["during"].wait(60)
        scorer.during_documents = lambda: together["during_documents"].wait(60)
    failures: list[Exception] = []

    def run(name: str) -> None:
        try:
            group.work(name).run(UID, 1)
        except Exception as error:  # noqa: BLE001  # the test tells it
            failures.append(error)
            for barrier in together.values():
                barrier.abort()

    threads = [threading.Thread(target=run, args=(name,)) for name in TOTALS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    group.check(tuple(TOTALS))


def test_what_is_delivered_stays_delivered_when_the_other_finishes_or_fails(group):
    def meanwhile() -> None:
        group.expel()
        group.work("successor").run(UID, 1)
        for item in deliveries.list_due(group.database, NOON):
            outgoing.claim(group.database, item.id, NOON, "successor")
            outcomes.mark_delivered(group.database, item.id, NOON, owner="successor")

    group.scorers["frozen"].during = meanwhile
    group.work("frozen").run(UID, 1)
    assert states.get(group.database, UID).state is State.DELIVERED
    group.work("frozen").abandon(UID, 1, "its disk is broken")
    assert states.get(group.database, UID).state is State.DELIVERED
    assert {item.state for item in deliveries.list_deliveries(group.database)} == {"delivered"}


def test_a_refusal_of_a_member_that_stood_still_does_not_count(group):
    refused = metrics.NOT_SCORABLE.labels("timeout")._value.get()
    group.scorers["frozen"].answers.clear()
    group.scorers["frozen"].answers.append(NotScorable("timeout", seconds=600))
    group.scorers["frozen"].during = group.expel
    group.work("frozen").run(UID, 1)
    assert states.get(group.database, UID).state is State.SCORING
    assert metrics.NOT_SCORABLE.labels("timeout")._value.get() == refused
    group.work("successor").run(UID, 1)
    group.check(("successor",))


def test_a_refusal_of_a_member_counts(group):
    group.scorers["successor"].answers.clear()
    group.scorers["successor"].answers.append(NotScorable("timeout", seconds=600))
    group.work("successor").run(UID, 1)
    assert states.get(group.database, UID).reason_code == "timeout"
