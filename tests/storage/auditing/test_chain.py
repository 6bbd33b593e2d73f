"""The chain over the audit log: what breaks it, and what does not."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from storage.auditing import chain
from storage.auditing.chain import START, Fault, Head
from storage.database import audit

LATER = 3600


def enter(node, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        audit.record(node.db, node.at(number), "viewed", f"text {number}", series_instance_uid="1.2", person="reader")


def change(node, statement: str, **values: object) -> None:
    with node.db.session() as session:
        session.execute(text(statement), values)


def verify(node, head: Head | None = None) -> list[Fault]:
    return list(chain.verify(node.db, node.at(LATER), head=head))


@pytest.fixture
def sealed(node):
    enter(node, 5)
    assert chain.seal(node.db, node.at(10)) == 5
    return node


def test_a_log_that_nobody_touched_is_whole(sealed):
    assert verify(sealed) == []
    enter(sealed, 3, first=20)
    assert chain.seal(sealed.db, sealed.at(30)) == 3
    assert chain.seal(sealed.db, sealed.at(30)) == 0
    assert verify(sealed) == []


def test_an_empty_log_is_whole(node):
    assert chain.find_head(node.db) == Head(0, START)
    assert verify(node) == []
    assert verify(node, Head(0, START)) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("text", "other"),
        ("kind", "signed"),
        ("person", ""),
        ("peer_ae", "PACS"),
        ("series_instance_uid", "1.3"),
        ("sop_instance_uid", "1.3"),
        ("at", "2020-01-01 00:00:00.000000"),
    ],
)
def test_a_changed_event_is_found_whichever_field_it_is(sealed, column, value):
    change(sealed, f"UPDATE audit SET {column} = :value WHERE id = 3", value=value)  # noqa: S608
    assert verify(sealed) == [Fault("changed", 3, 3)]


def test_a_removed_event_is_found(sealed):
    change(sealed, "DELETE FROM audit WHERE id = 2")
    assert verify(sealed) == [Fault("missing", 2, 2)]


def test_an_event_removed_with_its_link_is_found(sealed):
    change(sealed, "DELETE FROM audit WHERE id = 2")
    change(sealed, "DELETE FROM audit_links WHERE position = 2")
    assert verify(sealed) == [Fault("gap", 3, 3)]


def test_the_first_events_removed_with_their_links_are_found(sealed):
    change(sealed, "DELETE FROM audit WHERE id < 3")
    change(sealed, "DELETE FROM audit_links WHERE position < 3")
    assert verify(sealed)[0] == Fault("gap", 3, 3)


def test_two_events_in_each_others_place_are_found(sealed):
    change(sealed, "UPDATE audit SET text = 'text 2' WHERE id = 2")
    change(sealed, "UPDATE audit SET text = 'text 1' WHERE id = 3")
    assert verify(sealed) == [Fault("changed", 2, 2), Fault("changed", 3, 3)]


def test_an_event_slipped_in_under_an_old_number_is_found(sealed):
    change(sealed, "DELETE FROM audit WHERE id = 2")
    change(
        sealed,
        "INSERT INTO audit (id, at, kind, series_instance_uid, sop_instance_uid, peer_ae, text, person) "
        "VALUES (99999, '2020-01-01 00:00:00.000000', 'viewed', '', '', '', '', '')",
    )
    assert verify(sealed) == [Fault("missing", 2, 2), Fault("unsealed", 0, 99999)]


def test_an_event_of_a_moment_ago_need_not_be_sealed_yet(sealed):
    audit.record(sealed.db, sealed.at(LATER - 1), "viewed")
    assert verify(sealed) == []


def test_a_chain_made_anew_is_found_by_a_head_that_was_noted(sealed):
    noted = chain.find_head(sealed.db)
    assert verify(sealed, noted) == []
    change(sealed, "UPDATE audit SET text = 'other' WHERE id = 3")
    change(sealed, "DELETE FROM audit_links")
    chain.seal(sealed.db, sealed.at(20))
    assert verify(sealed) == []
    assert verify(sealed, noted) == [Fault("head", 5, 0)]


def test_an_end_that_was_cut_off_is_found_by_a_head_that_was_noted(sealed):
    noted = chain.find_head(sealed.db)
    change(sealed, "DELETE FROM audit WHERE id > 3")
    change(sealed, "DELETE FROM audit_links WHERE position > 3")
    assert verify(sealed) == []
    assert verify(sealed, noted) == [Fault("head", 5, 0)]


def test_what_is_forgotten_in_time_leaves_the_rest_whole(sealed):
    noted = chain.find_head(sealed.db)
    assert chain.forget_before(sealed.db, sealed.at(3)) == 3
    assert [event.text for event in audit.list_events(sealed.db)] == ["text 4", "text 3"]
    assert verify(sealed, noted) == []
    assert chain.forget_before(sealed.db, sealed.at(3)) == 0
    change(sealed, "UPDATE audit SET text = 'other' WHERE id = 4")
    assert verify(sealed) == [Fault("changed", 4, 4)]


def test_nothing_is_forgotten_that_a_collector_has_not_had(sealed):
    assert chain.forget_before(sealed.db, sealed.at(100), last=2) == 2
    assert verify(sealed) == []


def test_everything_may_be_forgotten_and_the_chain_goes_on(sealed):
    assert chain.forget_before(sealed.db, sealed.at(100)) == 5
    enter(sealed, 2, first=200)
    chain.seal(sealed.db, sealed.at(210))
    assert verify(sealed) == []
    assert chain.find_head(sealed.db).position == 7


def test_an_event_that_was_removed_is_not_forgotten_away(sealed):
    change(sealed, "DELETE FROM audit WHERE id = 2")
    assert chain.forget_before(sealed.db, sealed.at(100)) == 1
    assert verify(sealed) == [Fault("missing", 2, 2)]


@settings(max_examples=25, deadline=None)
@given(texts=st.lists(st.text(max_size=20), min_size=1, max_size=12), data=st.data())
def test_any_single_change_is_one_fault_at_its_place(shared_node, texts, data):
    node = shared_node
    for table in ("audit", "audit_links", "audit_readers"):
        change(node, f"DELETE FROM {table}")  # noqa: S608
    for number, words in enumerate(texts):
        audit.record(node.db, node.at(number), "viewed", words.replace("\0", ""))
    chain.seal(node.db, node.at(100))
    assert verify(node) == []
    place = data.draw(st.integers(1, len(texts)))
    change(
        node,
        "UPDATE audit SET text = text || 'x' WHERE id = (SELECT audit_id FROM audit_links WHERE position = :place)",
        place=place,
    )
    assert [(fault.kind, fault.position) for fault in verify(node)] == [("changed", place)]


def test_a_thousand_events_are_sealed_at_once(node):
    enter(node, 1005)
    assert chain.seal(node.db, node.at(2000)) == 1000
    assert chain.seal(node.db, node.at(2000)) == 5
    assert list(chain.verify(node.db, node.at(2000) + timedelta(days=1))) == []
