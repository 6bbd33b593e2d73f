"""What peers did, as the text of an event and back."""

import pytest

from storage.auditing import statements
from storage.auditing.statements import Lost, Queried, Refused, Retrieved, Retrieving
from storage.database import audit
from storage.overview import marks

FIND = "1.2.840.10008.5.1.4.1.2.2.1"
CT = "1.2.840.10008.5.1.4.1.1.2"
CASES = {
    statements.QUERIED: Queried(FIND, "1.2.840.10008.1.2", "192.0.2.1", "QUJD", "STUDY", failed=True, count=3),
    statements.PEER_RETRIEVED: Retrieved("C-MOVE", "1.2", ("1.2.1", "1.2.2"), {CT: 7}, 2, "PACS", "192.0.2.1"),
    statements.PEER_RETRIEVING: Retrieving("C-GET", "1.2", ("1.2.1",), {CT: 9}, "PACS", "192.0.2.1"),
    statements.RETRIEVED: Retrieved("WADO-RS", "1.2"),
    statements.REFUSED: Refused("unknown", "192.0.2.1", "no peer has the AE title 'X'", 40),
    statements.LOST: Lost(7),
}


@pytest.mark.parametrize("kind", CASES)
def test_a_statement_is_read_as_it_was_written(kind):
    text = statements.write(CASES[kind])
    assert statements.read(kind, text) == CASES[kind]
    assert statements.describe(kind, text) == CASES[kind].describe()


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("text", ["", "words", "[]", "7", "{}", '{"classes":7,"count":"x"}', '{"series":3}', "null"])
def test_any_other_text_is_no_statement(kind, text):
    assert statements.read(kind, text) is None
    assert statements.describe(kind, text) == text


def test_events_of_other_kinds_are_no_statements():
    assert statements.read("viewed", statements.write(Lost(7))) is None


def test_what_a_later_version_adds_is_passed_over():
    assert statements.read(statements.LOST, '{"count":7,"why":"x"}') == Lost(7)


def test_words():
    assert CASES[statements.QUERIED].describe() == (
        "Study Root Query/Retrieve Information Model - FIND, level STUDY, from 192.0.2.1, refused, 3 times"
    )
    assert CASES[statements.PEER_RETRIEVED].describe() == ("C-MOVE: 7 CT Image Storage to PACS, 2 not sent, study 1.2")
    assert CASES[statements.PEER_RETRIEVING].describe() == "C-GET begins: 9 CT Image Storage to PACS, study 1.2"
    assert CASES[statements.RETRIEVED].describe() == "WADO-RS: nothing, study 1.2"
    assert CASES[statements.REFUSED].describe() == "192.0.2.1: no peer has the AE title 'X', 40 times"


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (Retrieved("C-GET", "1.2", (), {CT: 7}, unsure=1, end="interrupted", left=3), "1 perhaps sent, interrupted, 3"),
        (Retrieved("C-GET", "1.2", (), {CT: 7}, end="cancelled", left=3), "7 CT Image Storage, cancelled, 3 left"),
        (Retrieved("C-MOVE", "1.2", (), {CT: 7}, unsure=1), "7 CT Image Storage, 1 perhaps sent, study"),
    ],
)
def test_what_ended_early_is_told(ended, words):
    assert words in ended.describe()
    assert not ended.is_whole


def test_what_was_sent_of_a_study_is_an_event_of_each_series_that_it_names(node):
    for uid in ("1.2.1.1", "1.2.1.2", "1.2.1.3"):
        node.series(1, uid)
    text = statements.write(Retrieved("C-GET", "1.2.1", ("1.2.1.1", "1.2.1.2")))
    audit.record(node.db, node.at(0), statements.PEER_RETRIEVED, text, series_instance_uid="1.2.1.1")
    audit.record(node.db, node.at(1), "viewed", series_instance_uid="1.2.1.3")

    def kinds(series: str) -> list[str]:
        return [event.kind for event in audit.list_events(node.db, series_instance_uid=series)]

    assert kinds("1.2.1.1") == kinds("1.2.1.2") == [statements.PEER_RETRIEVED]
    assert kinds("1.2.1.3") == ["viewed"]
    assert kinds("1.2.1") == kinds("%") == []


def test_what_peers_ask_changes_no_page(node):
    before = marks.read_marks(node.db)
    for kind in CASES:
        if kind != statements.LOST:
            audit.record(node.db, node.at(0), kind, "{}")
    assert marks.read_marks(node.db) == before
    audit.record(node.db, node.at(1), "complete")
    assert marks.read_marks(node.db) != before
