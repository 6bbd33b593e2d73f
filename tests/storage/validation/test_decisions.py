"""A decision counts until the next one, and every one stays."""

import pytest

from storage.database import audit
from storage.validation import decisions
from storage.validation.decisions import DecidedAlready, Decision, Kind


def decide(node, kind, seconds=0):
    decisions.decide(node.db, Decision(kind, "Dr. A. Weber", "weber", "kappa 0.9", '{"n": 3}', node.at(seconds)))


def test_a_decision_counts_until_it_is_withdrawn(node):
    assert not decisions.is_live(node.db)
    decide(node, Kind.GO_LIVE)
    assert decisions.is_live(node.db)
    assert decisions.find_current(node.db).figures == '{"n": 3}'
    decide(node, Kind.WITHDRAW, 5)
    assert not decisions.is_live(node.db)
    assert decisions.find_current(node.db) is None
    assert [one.kind for one in decisions.list_decisions(node.db)] == [Kind.WITHDRAW, Kind.GO_LIVE]


def test_every_decision_is_in_the_audit_with_who_took_it(node):
    decide(node, Kind.GO_LIVE)
    (event,) = audit.list_events(node.db, kind="go_live")
    assert (event.person, event.text) == ("weber", "decided by Dr. A. Weber: kappa 0.9")


@pytest.mark.parametrize("before", [(), (Kind.GO_LIVE, Kind.WITHDRAW)])
def test_what_changes_nothing_is_refused(node, before):
    for kind in before:
        decide(node, kind)
    with pytest.raises(DecidedAlready, match="no decision to withdraw"):
        decide(node, Kind.WITHDRAW)
    decide(node, Kind.GO_LIVE)
    with pytest.raises(DecidedAlready, match="live already"):
        decide(node, Kind.GO_LIVE)
