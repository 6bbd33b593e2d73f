"""A rejection note takes objects out, before or after they come, and an operator takes them back."""

from __future__ import annotations

import pytest

from config.errors import Permanent
from storage.database import audit
from storage.outbox import deliveries, outcomes, outgoing
from storage.outbox.deliveries import DeliveryState, Document
from storage.series import documents, lifecycle, rejecting, rejections, slices, states
from storage.series.priors import Person
from storage.series.rejections import Reference, Rejected, RejectionNote
from storage.series.states import IllegalTransition, State, UnknownSeries

STUDY, SERIES = "1.2.1", "1.2.1.1"
UIDS = [f"{SERIES}.{number}" for number in (1, 2, 3)]


def note_of(*uids: str, number: int = 1, series: str = SERIES, **values) -> RejectionNote:
    references = tuple(Reference(STUDY, series, uid) for uid in uids)
    stated = {"title": "quality", "person": Person("7"), "references": references, "peer_ae": "PACS"}
    return RejectionNote(f"1.2.9.{number}", STUDY, **stated | values)


def obey(node, note: RejectionNote, seconds: float = 100) -> rejecting.Obeyed:
    return rejecting.obey(node.db, note, node.at(seconds), withdraw=outgoing.withdraw)


def listed(node) -> list[str]:
    return [item.sop_instance_uid for item in slices.list_slices(node.db, SERIES)]


def images(node, count: int = 3, first: int = 1, **attributes) -> None:
    for number in range(first, first + count):
        node.store(node.ct(SOPInstanceUID=f"{SERIES}.{number}", **{"PatientID": "7"} | attributes))


def score(node, seconds: float = 60) -> int:
    version = lifecycle.complete(node.db, SERIES, node.at(seconds), expected=len(listed(node)))
    lifecycle.finish(node.db, SERIES, version, "{}", "scored", now=node.at(seconds))
    return version


def test_a_rejected_image_is_no_part_of_the_scan(node):
    images(node)
    done = obey(node, note_of(UIDS[1]))
    assert (done.named, done.taken_out, done.series) == (1, 1, (SERIES,))
    assert listed(node) == [UIDS[0], UIDS[2]]
    assert len(slices.list_files(node.db, node.files, SERIES)) == 2
    assert rejections.count_rejected_images(node.db, SERIES) == 1
    assert states.get(node.db, SERIES).state == State.RECEIVING
    (event,) = audit.list_events(node.db, series_instance_uid=SERIES, kind="rejected")
    assert (event.text, event.peer_ae) == ("1 object, quality, note 1.2.9.1", "PACS")


def test_a_note_that_comes_first_counts_when_the_images_come(node):
    assert obey(node, note_of(UIDS[0], UIDS[2])).taken_out == 0
    images(node)
    assert listed(node) == [UIDS[1]]
    state = states.get(node.db, SERIES)
    assert (state.state, state.instance_count) == (State.RECEIVING, 3)


@pytest.mark.parametrize("first", [0, 1, 2])
def test_the_order_of_arrival_does_not_matter(node, first):
    images(node, first)
    obey(node, note_of(UIDS[0], UIDS[2]))
    images(node, 3 - first, first + 1)
    assert listed(node) == [UIDS[1]]
    assert rejections.list_rejected(node.db, SERIES) == [Rejected("quality", "1.2.9.1", "PACS", 2, 2)]


def test_a_scored_series_is_scored_again_without_them(node):
    images(node)
    score(node)
    obey(node, note_of(UIDS[0]))
    assert states.get(node.db, SERIES).state == State.RECEIVING
    assert score(node, 200) == 2


def test_a_version_that_is_being_scored_is_out_of_date(node):
    images(node)
    version = lifecycle.complete(node.db, SERIES, node.at(60), expected=3)
    lifecycle.start_scoring(node.db, SERIES, version, node.at(61))
    obey(node, note_of(UIDS[0]))
    assert lifecycle.finish(node.db, SERIES, version, "{}", "scored", now=node.at(62)) is states.Finished.SUPERSEDED


def test_an_image_that_comes_rejected_does_not_restart_a_scored_series(node):
    obey(node, note_of(UIDS[2]))
    images(node, 2)
    score(node)
    images(node, 1, 3)
    state = states.get(node.db, SERIES)
    assert (state.state, state.version, state.instance_count) == (State.SCORED, 1, 3)


def test_what_is_still_to_be_sent_is_not_sent(node):
    images(node)
    version = score(node)
    documents_of = [Document(SERIES, version, f"1.2.8.{kind}", kind, "p") for kind in ("sr", "overlay")]
    first, _ = outgoing.add(node.db, documents_of, ["PACS"], node.at(61))
    outgoing.claim(node.db, first, node.at(62))
    outcomes.mark_delivered(node.db, first, node.at(62))
    obey(node, note_of(UIDS[0]))
    assert {item.kind: item.state for item in deliveries.list_deliveries(node.db)} == {
        "sr": DeliveryState.DELIVERED,
        "overlay": DeliveryState.DISCARDED,
    }


def test_reports_of_a_series_without_images_are_not_answered(node):
    images(node)
    score(node)
    report = "1.2.1.8.1"
    node.store(node.ct(SOPInstanceUID=report, SeriesInstanceUID="1.2.1.8", Modality="SR"), origin="made")
    documents.note(node.db, report, SERIES, 1)
    obey(node, note_of(*UIDS[:2]))
    assert states.find_series(node.db, [State.KEPT]) != []
    obey(node, note_of(UIDS[2], number=2))
    assert states.find_series(node.db, [State.KEPT]) == []


def test_the_same_note_again_changes_nothing(node):
    images(node)
    obey(node, note_of(UIDS[0]))
    score(node)
    assert obey(node, note_of(UIDS[0])) == rejecting.Obeyed()
    assert states.get(node.db, SERIES).state == State.SCORED


@pytest.mark.parametrize(
    ("note", "words"),
    [
        (note_of(), "no object"),
        (note_of(UIDS[0], series="1.2.1.9"), "lies in another series"),
        (note_of(UIDS[0], person=Person("8")), "its patient is not"),
        (note_of(UIDS[0], person=Person("7", birth_date="19500101")), "its patient is not"),
        (
            note_of(references=(Reference(STUDY, SERIES, UIDS[0]), Reference("1.3", "1.3.1", "1.3.1.1"))),
            "another study",
        ),
        (note_of(references=(Reference("1.3", SERIES, UIDS[0]),), has_copies=True), "no object"),
    ],
)
def test_a_note_that_contradicts_the_index_does_nothing(node, note, words):
    images(node, PatientBirthDate="19600101")
    assert words in obey(node, note).contradiction
    assert listed(node) == UIDS
    assert rejections.list_rejected(node.db, SERIES) == []


def test_of_a_note_with_copies_in_other_studies_each_counts_for_its_own(node):
    images(node)
    references = (Reference(STUDY, SERIES, UIDS[0]), Reference("1.3", "1.3.1", "1.3.1.1"))
    assert obey(node, note_of(references=references, has_copies=True)).named == 1
    assert listed(node) == UIDS[1:]


@pytest.mark.parametrize(
    "attributes", [{"SeriesInstanceUID": "1.2.1.5"}, {"StudyInstanceUID": "1.4"}, {"PatientID": "8"}]
)
def test_an_image_that_comes_elsewhere_than_the_note_says_is_not_rejected(node, attributes):
    node.store(node.ct(SOPInstanceUID="1.2.9.1", SeriesInstanceUID="1.2.9", Modality="KO", PatientID="7"))
    obey(node, note_of(UIDS[0]))
    uid = attributes.get("SeriesInstanceUID", SERIES)
    node.store(node.ct(SOPInstanceUID=UIDS[0], **{"PatientID": "7"} | attributes))
    assert rejections.count_rejected_images(node.db, uid) == 0


def test_rejected_images_that_come_again_stay_out(node):
    images(node)
    obey(node, note_of(UIDS[0]))
    assert node.store(node.ct(SOPInstanceUID=UIDS[0], PatientID="7")).outcome == "duplicate"
    assert listed(node) == UIDS[1:]


class TestRetention:
    """Data Retention Policy Expired: IHE RAD TF-3 4.66.4.4.3."""

    def test_it_says_nothing_of_objects_that_are_not_here(self, node):
        assert obey(node, note_of(UIDS[0], title="retention")).named == 0
        images(node)
        assert listed(node) == UIDS

    def test_what_comes_again_counts_again(self, node):
        images(node)
        score(node)
        obey(node, note_of(*UIDS, title="retention"))
        assert listed(node) == []
        images(node)
        assert listed(node) == UIDS
        assert states.get(node.db, SERIES).state == State.RECEIVING

    def test_not_if_it_was_rejected_for_another_reason_too(self, node):
        images(node)
        obey(node, note_of(UIDS[0], title="retention"))
        obey(node, note_of(UIDS[0], number=2))
        images(node)
        assert listed(node) == UIDS[1:]


def test_an_operator_takes_everything_back(node):
    images(node)
    score(node)
    obey(node, note_of(*UIDS[:2]))
    obey(node, note_of(*UIDS[1:], number=2, title="safety"))
    assert rejecting.restore(node.db, SERIES, node.at(300)) == 3
    assert listed(node) == UIDS
    assert states.find_series(node.db, [State.RECEIVING]) != []
    assert rejections.list_rejected(node.db, SERIES) == []
    obey(node, note_of(*UIDS[:2]))  # an archive that repeats its note does not undo that
    assert listed(node) == UIDS
    obey(node, note_of(UIDS[0], number=3))  # a new note does
    assert listed(node) == UIDS[1:]


def test_there_must_be_something_to_take_back(node):
    images(node)
    with pytest.raises(Permanent, match="none of its objects is rejected"):
        rejecting.restore(node.db, SERIES, node.at(1))
    with pytest.raises(UnknownSeries):
        rejecting.restore(node.db, "9.9", node.at(1))


def test_a_series_without_images_is_not_scored_again_by_mistake(node):
    images(node)
    score(node)
    obey(node, note_of(*UIDS))
    with pytest.raises(IllegalTransition, match="series restore"):
        lifecycle.rescore(node.db, SERIES, node.at(1))
    assert states.find_series(node.db, [State.RECEIVING]) == []


def test_a_companion_is_hidden_and_the_scan_stays(node):
    images(node)
    score(node)
    node.store(node.ct(SOPClassUID="1.2.840.10008.5.1.4.1.1.7", SOPInstanceUID="1.2.7", Modality="OT"))
    done = obey(node, note_of("1.2.7"))
    assert (done.taken_out, done.series) == (1, ())
    assert states.get(node.db, SERIES).state == State.SCORED


def test_a_note_of_many_objects(node):
    images(node)
    many = [f"1.2.1.1.{number}" for number in range(1, 3001)]
    assert obey(node, note_of(*many)).named == 3000
    assert listed(node) == []
