"""Which series the peer that sent them is still to be asked about, and what it has said."""

from storage.series import holdings, lifecycle, sources
from storage.series.sources import Question, SourceCount

SERIES = "1.2.1.1"


def send(node, number, seconds, peer="CT1"):
    node.store(node.ct(SOPInstanceUID=f"{SERIES}.{number}"), seconds, calling_ae=peer)


def questions(node, quiet_since, peer="CT1"):
    return sources.list_questions(node.db, peer, node.at(quiet_since))


def answer(node, question, count, seconds, remark=""):
    sources.note_answer(node.db, question, "CT1", count, remark, node.at(seconds))


def test_a_quiet_series_is_asked_about_once_more_and_no_more(node):
    send(node, 1, 0)
    send(node, 2, 10)
    assert questions(node, 9) == []
    (first,) = questions(node, 10)
    assert first == Question("1.2.1", SERIES, 2, 0)
    answer(node, first, None, 40, "it says no number")
    assert questions(node, 39) == []
    (second,) = questions(node, 40)
    assert second == Question("1.2.1", SERIES, 2, 1)
    answer(node, second, 3, 80)
    assert questions(node, 1000) == []
    assert sources.find_answer(node.db, SERIES) == SourceCount("CT1", 3, "", node.at(80))


def test_what_comes_after_an_answer_makes_it_old(node):
    send(node, 1, 0)
    for seconds in (40, 80):
        answer(node, questions(node, seconds)[0], 3, seconds)
    send(node, 2, 90)
    assert questions(node, 89) == []
    assert questions(node, 90) == [Question("1.2.1", SERIES, 2, 0)]


def test_only_series_of_that_sender_that_are_being_received(node):
    send(node, 1, 0)
    assert questions(node, 100, peer="CT2") == []
    assert len(questions(node, 100)) == 1
    lifecycle.complete(node.db, SERIES, node.at(60), expected=1)
    assert questions(node, 100) == []


def test_nobody_has_said_anything(node):
    send(node, 1, 0)
    assert sources.find_answer(node.db, SERIES) is None


def test_what_is_held_counts_what_lies_in_quarantine(node):
    send(node, 1, 0)
    node.store(node.ct(SOPInstanceUID=f"{SERIES}.1", SeriesInstanceUID="1.2.1.2", InstanceNumber="7"), 1)
    node.store(node.ct(SOPInstanceUID=f"{SERIES}.2", StudyInstanceUID="1.2.9"), 2)
    assert set(holdings.list_held(node.db, SERIES)) == {f"{SERIES}.1", f"{SERIES}.2"}
    assert set(holdings.list_held(node.db, "1.2.1.2")) == {f"{SERIES}.1"}
    assert all(size > 0 for size in holdings.list_held(node.db, SERIES).values())
    assert holdings.list_held(node.db, "1.2.1.3") == {}
