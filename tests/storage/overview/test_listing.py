"""Lists of series: narrowed down by each filter, in each order, page by page, with what still has to be sent."""

from __future__ import annotations

import json

import pytest

from storage.outbox import deliveries, outcomes, outgoing, pauses
from storage.outbox.deliveries import DeliveryState, Document
from storage.overview import errands, listing, outbox, rates, troubles
from storage.overview.marks import read_marks
from storage.overview.selection import Selection
from storage.series import lifecycle, states, waits
from storage.series.states import State

PATIENTS = (
    ("1.2.1", "Yamada^Tarou=山田^太郎", "P-1", "20240501", "A1", 0.0),
    ("1.2.2", "Müller^Ayşe", "P-2", "20240502", "A2", 812.5),
    ("1.2.3", "Doe^Jane", "Q-3", "", "B3", None),
)


def score(total, **more):
    category = "0" if total == 0 else ">400"
    return json.dumps({"agatston": {"total": total}, "category": category, **more})


@pytest.fixture(scope="module")
def listed(shared_node):
    """Three patients: a score of 0, one over 400 that should be reviewed, and one that is still received."""
    node = shared_node
    for number, (study, name, patient_id, day, accession, total) in enumerate(PATIENTS, 1):
        uid = node.series(
            2,
            f"{study}.1",
            StudyInstanceUID=study,
            PatientName=name,
            PatientID=patient_id,
            StudyDate=day,
            AccessionNumber=accession,
        )
        if total is not None:
            node.complete(uid, number)
            flags = [{"code": "review", "severity": "warning"}] if total else []
            lifecycle.finish(node.db, uid, 1, score(total, flags=flags), "scored", now=node.at(number))
    return node


def find(node, order="received", *, descending=True, limit=50, offset=0, **fields):
    found = listing.list_series(
        node.db, Selection(**fields), order=order, descending=descending, limit=limit, offset=offset
    )
    assert listing.count_series(node.db, Selection(**fields)) >= len(found)
    return [item.study_instance_uid for item in found]


@pytest.mark.parametrize(
    ("fields", "studies"),
    [
        ({}, {"1.2.1", "1.2.2", "1.2.3"}),
        ({"words": ("yamada",)}, {"1.2.1"}),
        ({"words": ("太郎",)}, {"1.2.1"}),
        ({"words": ("MÜLLER", "ayse")}, set()),
        ({"words": ("ayşe", "müll")}, {"1.2.2"}),
        ({"words": ("p-",)}, {"1.2.1", "1.2.2"}),
        ({"words": ("b3",)}, {"1.2.3"}),
        ({"words": ("1.2.3.1",)}, {"1.2.3"}),
        ({"words": ("%",)}, set()),
        ({"words": ("^",)}, set()),
        ({"states": (State.RECEIVING,)}, {"1.2.3"}),
        ({"category": "0"}, {"1.2.1"}),
        ({"wish": "review"}, {"1.2.2"}),
        ({"wish": "unsigned"}, {"1.2.2"}),
        ({"study_from": "20240502"}, {"1.2.2"}),
        ({"study_to": "20240501"}, {"1.2.1"}),
        ({"study_instance_uid": "1.2.2"}, {"1.2.2"}),
        ({"sender": "NOBODY"}, set()),
    ],
)
def test_each_filter(listed, fields, studies):
    assert set(find(listed, **fields)) == studies


@pytest.mark.parametrize(
    ("order", "studies"),
    [("patient", ["1.2.3", "1.2.2", "1.2.1"]), ("study", ["1.2.3", "1.2.1", "1.2.2"])],
)
def test_each_order_and_its_reverse(listed, order, studies):
    assert find(listed, order, descending=False) == studies
    assert find(listed, order, descending=True) == studies[::-1]


def test_series_without_a_score_come_after_those_with_one(listed):
    assert find(listed, "score", descending=True) == ["1.2.2", "1.2.1", "1.2.3"]
    assert find(listed, "score", descending=False) == ["1.2.1", "1.2.2", "1.2.3"]


def test_pages_follow_each_other(listed):
    pages = [find(listed, "patient", descending=False, limit=2, offset=offset) for offset in (0, 2, 4)]
    assert pages == [["1.2.3", "1.2.2"], ["1.2.1"], []]


def test_a_list_takes_one_statement(listed, statements):
    with statements(listed.db) as made:
        find(listed)
    assert len([line for line in made if line != "BEGIN"]) == 2  # the page, and the number of all


def test_a_signed_result_is_listed_with_its_reader(node):
    uid = node.series(1)
    node.complete(uid, 1)
    review = {"reader": "Dr. Meier", "signed_at": "2024-05-01T08:00:00+00:00"}
    flags = [{"code": "review", "severity": "warning"}]
    lifecycle.finish(node.db, uid, 1, score(500.0, review=review, flags=flags), "scored", now=node.at(2))
    item = listing.find_listed(node.db, uid)
    assert (item.agatston, item.category, item.reader, item.wants_review) == (500.0, ">400", "Dr. Meier", False)
    assert troubles.count_reading(node.db, node.at(0)).unsigned == 0
    # a late slice makes the score one of the past
    node.store(node.ct(SOPInstanceUID="1.2.1.1.99"), 3)
    assert listing.find_listed(node.db, uid).agatston is None


def test_a_result_for_an_earlier_version_changes_no_list(node):
    uid = node.series(1)
    node.complete(uid, 1)
    lifecycle.finish(node.db, uid, 1, "not JSON", "scored", now=node.at(2))
    assert listing.find_listed(node.db, uid).agatston is None


def test_what_is_still_to_be_sent(node):
    uid = node.series(1)
    node.complete(uid, 1)
    lifecycle.finish(node.db, uid, 1, score(0.0), "scored", now=node.at(2))
    documents = [Document(uid, 1, f"1.2.9.{number}", kind, "p") for number, kind in enumerate(("sr", "overlay"))]
    first, second, *_ = outgoing.add(node.db, documents, ["PACS", "RIS"], node.at(3))
    outcomes.mark_dead(node.db, first, node.at(4), error="refused")
    pauses.pause(node.db, "RIS", node.at(5), person="meier")
    owed = {(item.destination, item.state): item.count for item in errands.list_owed(node.db, [uid])[uid]}
    assert owed[("PACS", DeliveryState.DEAD)] == 1
    assert sum(owed.values()) == 4
    lines = {line.destination: line for line in errands.list_lines(node.db, ["EMPTY"])}
    assert set(lines) == {"EMPTY", "PACS", "RIS"}
    assert (lines["RIS"].paused_by, lines["EMPTY"].counts) == ("meier", {})
    sendings = outbox.list_sendings(node.db, (DeliveryState.DEAD,), "PACS")
    assert [one.delivery.id for one in sendings] == [first]
    assert outbox.count_sendings(node.db, tuple(DeliveryState)) == 4
    assert outbox.list_numbers(node.db, DeliveryState.DEAD, "PACS", limit=9) == [first]
    assert deliveries.get(node.db, second).state == "pending"


def test_marks_change_with_each_kind_of_change(node):
    seen = [read_marks(node.db)]

    def is_new() -> bool:
        seen.append(read_marks(node.db))
        return seen[-1].series != seen[-2].series

    uid = node.series(1)
    assert is_new()
    assert not is_new()
    waits.wait(node.db, uid, node.at(100), "a gap")
    assert is_new()
    node.complete(uid, 5)
    assert is_new()


def test_rates_and_senders(node):
    uid = node.series(3)
    node.complete(uid, 5)
    assert rates.count_events(node.db, node.at(0))["complete"] == 1
    assert rates.count_events(node.db, node.at(6))["complete"] == 0
    assert rates.measure_stock(node.db) == rates.Stock(1, 3)
    assert troubles.count_waiting(node.db).count == 0
    assert states.get(node.db, uid).state == "complete"
