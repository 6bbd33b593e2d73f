"""In the shadow a series is scored, and nobody but the pages hears of it."""

from dataclasses import replace

import pytest

from config.validation import ValidationSettings
from scp.priors.comparison import History
from scp.work.documents import DocumentWork
from scp.work.series_work import SeriesWork
from storage.outbox import deliveries
from storage.series import lifecycle, results, states
from storage.series.states import State
from storage.validation import decisions, holding
from storage.validation.decisions import Decision, Kind

UID = "1.2.1.1"


class Site:
    def __init__(self, installation, receive, scorer) -> None:
        self.installation, self.scorer = installation, scorer
        self.database = installation.database
        receive(installation, 3, 1)

    def score(self, version=1) -> None:
        lifecycle.complete(self.database, UID, self.installation.clock(), expected=3)
        self.run(version)

    def run(self, version=1) -> None:
        reporting = DocumentWork(self.installation, self.scorer)
        SeriesWork(self.installation, self.scorer, History(self.installation), reporting).run(UID, version)

    def decide(self, kind) -> None:
        decisions.decide(self.database, Decision(kind, "Dr. A", "", "good enough", "{}", self.installation.clock()))

    @property
    def documents(self) -> int:
        return len(deliveries.list_deliveries(self.database))


@pytest.fixture
def site(install, receive, scorer) -> Site:
    installation = install()
    settings = installation.settings.model_copy(update={"validation": ValidationSettings(shadow=True)})
    return Site(replace(installation, settings=settings), receive, scorer)


def test_nothing_is_made_or_sent(site):
    site.score()
    assert states.get(site.database, UID).state == State.SCORED
    assert results.get(site.database, UID).held
    assert site.scorer.requests == []
    assert site.documents == 0
    assert states.list_unfinished(site.database) == []


def test_going_live_changes_what_comes_after_it(site):
    site.score()
    site.decide(Kind.GO_LIVE)
    assert holding.count_held(site.database) == 1
    site.run()
    assert site.documents == 0
    lifecycle.rescore(site.database, UID, site.installation.clock())
    site.score(2)
    assert site.documents == 1
    site.decide(Kind.WITHDRAW)
    lifecycle.rescore(site.database, UID, site.installation.clock())
    site.score(3)
    assert results.get(site.database, UID).held


def test_a_released_result_is_reported_and_sent(site):
    site.score()
    holding.release(site.database, site.installation.clock())
    assert [one.series_instance_uid for one in states.list_unfinished(site.database)] == [UID]
    site.run()
    assert site.documents == 1


def test_without_the_shadow_a_decision_is_not_asked_for(install, receive, scorer):
    site = Site(install(), receive, scorer)
    site.score()
    assert site.documents == 1
