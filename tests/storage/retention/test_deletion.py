"""Deletion by the rules: what goes, what stays, and what happens when it comes again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from config.errors import Rejected, Transient
from dicom import status
from storage.database import audit
from storage.outbox import deliveries, outcomes
from storage.query.retrieval import Retrieval
from storage.retention.deletion import delete_due, delete_quarantined
from storage.retention.rules import Hold, Kind, Policy
from storage.retention.selection import find_due, list_candidates
from storage.series import lifecycle, priors, removals, results, slices, states
from storage.series.states import IllegalTransition, State
from tests.storage.conftest import Node, at, ct
from tests.storage.retention.conftest import LATER

AGE = timedelta(days=30)
POLICY = Policy(images=AGE)


def delete(node: Node, kind: Kind = Kind.IMAGES, policy: Policy = POLICY, *, remove: bool = True) -> list[str]:
    """Delete what is due as the keeper does, and return the series."""
    gone = [
        candidate.series_instance_uid
        for candidate in find_due(node.db, kind, policy, LATER, age=AGE)
        if delete_due(node.db, candidate, policy, LATER, age=AGE).series
    ]
    if remove:
        removals.carry_out(node.db, node.files, LATER)
    return gone


def list_stored(node: Node) -> set[str]:
    return set(node.files.list_names())


def list_indexed(node: Node, *uids: str) -> set[str]:
    return {
        str(path.relative_to(node.files.root)) for uid in uids for path in slices.list_files(node.db, node.files, uid)
    }


def count_objects(node: Node, level: str, **keys: str) -> int:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    return len(Retrieval.parse("study", identifier).select(node.db))


def test_images_go_and_the_result_stays(node: Node, deliver: Callable[..., str]) -> None:
    uid = deliver()
    before = list_stored(node)
    assert delete(node) == [uid]
    assert len(before) == 4
    assert len(list_stored(node)) == 1  # the report
    after = states.get(node.db, uid)
    assert (after.state, after.instance_count, after.images_deleted_at) == (State.DELIVERED, 0, LATER)
    assert results.get(node.db, uid) is not None
    assert count_objects(node, "SERIES", StudyInstanceUID="1.2.1", SeriesInstanceUID=uid) == 0
    assert count_objects(node, "STUDY", StudyInstanceUID="1.2.1") == 1
    events = audit.list_events(node.db, series_instance_uid=uid, kind="deleted")
    assert len(events) == 1
    assert events[0].text.endswith("untouched for 30 days")
    assert delete(node) == []


def test_what_is_younger_stays(node: Node, deliver: Callable[..., str]) -> None:
    deliver()
    assert not find_due(node.db, Kind.IMAGES, POLICY, at(20) + AGE - timedelta(minutes=1), age=AGE)
    assert not find_due(node.db, Kind.IMAGES, POLICY, at(20) + timedelta(hours=23), age=timedelta(0))


def test_rescoring_says_that_the_images_are_gone(node: Node, deliver: Callable[..., str]) -> None:
    uid = deliver()
    delete(node)
    with pytest.raises(IllegalTransition, match="deleted on 2024-06-10; send or fetch the series again"):
        lifecycle.rescore(node.db, uid, LATER)


def test_images_that_come_again_leave_the_result_and_can_be_scored_on_request(
    node: Node, deliver: Callable[..., str]
) -> None:
    uid = deliver()
    delete(node)
    for number in (1, 2, 3):
        again = node.store(ct(SOPInstanceUID=f"{uid}.{number}", PatientID="P1.2.1"), 50 * 86400)
        assert (again.outcome, again.late) == ("stored", False)
    after = states.get(node.db, uid)
    assert (after.state, after.instance_count, after.version) == (State.DELIVERED, 3, 1)
    assert count_objects(node, "SERIES", StudyInstanceUID="1.2.1", SeriesInstanceUID=uid) == 3
    assert [event.kind for event in audit.list_events(node.db, series_instance_uid=uid, limit=3)] == ["returned"] * 3
    lifecycle.rescore(node.db, uid, LATER)
    assert node.complete(uid, 60 * 86400) == 2
    assert states.get(node.db, uid).images_deleted_at is None


def test_a_series_without_a_result_is_scored_when_it_comes_again(node: Node) -> None:
    uid = node.series(3)
    version = node.complete(uid, 10)
    assert version is not None
    lifecycle.finish(node.db, uid, version, "", "not_scorable", now=at(12), reason_code="timeout")
    policy = Policy(not_scorable=AGE)
    assert delete(node, Kind.NOT_SCORABLE, policy) == [uid]
    assert states.get(node.db, uid).reason_code == "timeout"
    assert node.store(ct(SOPInstanceUID=f"{uid}.1"), 50 * 86400).late
    assert states.get(node.db, uid).state == State.RECEIVING


def test_the_result_still_counts_as_an_earlier_one(node: Node, deliver: Callable[..., str]) -> None:
    deliver()
    delete(node)
    node.series(3, "1.2.7.1", StudyInstanceUID="1.2.7", PatientID="P1.2.1")
    found = priors.find(node.db, "1.2.7.1", ())
    assert [one.series_instance_uid for one in found.results] == ["1.2.1.1"]


def test_results_take_everything_with_them(node: Node, deliver: Callable[..., str]) -> None:
    uid = deliver()
    assert delete(node, Kind.RESULTS, Policy(results=AGE)) == [uid]
    assert list_stored(node) == set()
    with pytest.raises(states.UnknownSeries):
        states.get(node.db, uid)
    assert results.get(node.db, uid) is None
    assert deliveries.list_deliveries(node.db) == []
    assert count_objects(node, "STUDY", StudyInstanceUID="1.2.1") == 0


def test_documents_go_once_they_are_delivered(node: Node, deliver: Callable[..., str]) -> None:
    deliver("1.2.1.1")
    deliver("1.2.2.1", end=lambda one: outcomes.mark_dead(node.db, one, at(15), error="refused"))
    assert delete(node, Kind.DOCUMENTS, Policy(documents=AGE)) == ["1.2.1.1.99"]
    assert states.get(node.db, "1.2.1.1").state == State.DELIVERED


def test_a_deletion_looks_once_more(node: Node, deliver: Callable[..., str]) -> None:
    uid = deliver()
    (candidate,) = find_due(node.db, Kind.IMAGES, POLICY, LATER, age=AGE)
    lifecycle.rescore(node.db, uid, at(20))
    assert delete_due(node.db, candidate, POLICY, LATER, age=AGE).series == 0
    assert states.get(node.db, uid).instance_count == 3


def test_a_crash_before_the_removal_leaves_files_that_are_still_noted(node: Node, deliver: Callable[..., str]) -> None:
    uid = deliver()
    delete(node, remove=False)
    assert len(list_stored(node)) == 4
    assert list_indexed(node, uid) == set()
    assert removals.count_left(node.db) == 3
    assert removals.carry_out(node.db, node.files, LATER).files == 3
    assert len(list_stored(node)) == 1


def test_a_crash_in_the_middle_of_the_removal_is_repeated(
    node: Node, deliver: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver()
    delete(node, remove=False)
    removed: list[str] = []
    remove = node.files.remove

    def fail(name: str) -> None:
        if removed:
            raise OSError(5, "Input/output error")
        removed.append(name)
        remove(name)

    monkeypatch.setattr(node.files, "remove", fail)
    with pytest.raises(Transient):
        removals.carry_out(node.db, node.files, LATER)
    monkeypatch.undo()
    assert removals.carry_out(node.db, node.files, LATER).files == 3
    assert len(list_stored(node)) == 1


def test_an_object_that_comes_again_before_the_removal_keeps_its_file(node: Node, deliver: Callable[..., str]) -> None:
    uid = deliver()
    delete(node, remove=False)
    again = node.store(ct(SOPInstanceUID=f"{uid}.1", StudyInstanceUID="1.2.1", PatientID="P1.2.1"), 50 * 86400)
    removals.carry_out(node.db, node.files, LATER)
    assert list_indexed(node, uid) == {again.path}
    assert (node.files.root / again.path).exists()


def test_an_object_whose_file_is_removed_between_its_file_and_its_row_is_asked_for_again(
    node: Node, deliver: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    uid = deliver()
    delete(node, remove=False)
    commit = type(node.files).sync
    gone = []

    def lose(files: object, names: object) -> None:
        commit(files, names)  # type: ignore[arg-type]
        if not gone:
            gone.append(True)
            removals.carry_out(node.db, node.files, LATER)

    monkeypatch.setattr(type(node.files), "sync", lose)
    image = ct(SOPInstanceUID=f"{uid}.1", StudyInstanceUID="1.2.1", PatientID="P1.2.1")
    with pytest.raises(Rejected) as refused:
        node.store(image, 50 * 86400)
    assert refused.value.status == status.OUT_OF_RESOURCES
    again = node.store(image, 50 * 86400)
    assert (node.files.root / again.path).exists()


def test_a_series_that_was_erased_and_comes_again_is_not_taken_the_fast_way(
    node: Node, deliver: Callable[..., str]
) -> None:
    uid = deliver()
    delete(node, Kind.RESULTS, Policy(results=AGE), remove=False)
    for number in (1, 2):
        node.store(ct(SOPInstanceUID=f"{uid}.{number}", PatientID="P1.2.1"), 50 * 86400)
    removals.carry_out(node.db, node.files, LATER)
    names = list_indexed(node, uid)
    assert len(names) == 2
    assert names <= list_stored(node)


def test_folders_are_dropped_once_the_removal_is_forgotten(node: Node, deliver: Callable[..., str]) -> None:
    uid = deliver()
    (folder,) = {path.parent for path in slices.list_files(node.db, node.files, uid)}
    delete(node)
    assert folder.is_dir()
    removals.carry_out(node.db, node.files, LATER + timedelta(hours=2))
    assert not folder.exists()


def test_the_quarantine_is_emptied_in_time(node: Node) -> None:
    node.series(1)
    aside = node.store(ct(SOPInstanceUID="1.2.1.1.1", PatientName="Other"), 5)
    assert aside.outcome == "conflict"
    assert delete_quarantined(node.db, at(10) + timedelta(days=29), age=AGE).objects == 0
    assert delete_quarantined(node.db, LATER, age=AGE).objects == 1
    removals.carry_out(node.db, node.files, LATER)
    assert not (node.files.root / aside.path).exists()
    assert len(list_stored(node)) == 1


def test_show_says_why_a_series_is_left_alone(node: Node, deliver: Callable[..., str]) -> None:
    deliver("1.2.1.1")
    deliver("1.2.2.1", end=lambda one: outcomes.mark_dead(node.db, one, at(15), error="refused"))
    deliver("1.2.3.1", end=lambda one: outcomes.mark_delivered(node.db, one, at(15), commit_at=at(16)))
    found = {one.series_instance_uid: one.holds for one in list_candidates(node.db, POLICY, LATER)}
    assert found == {"1.2.1.1": (), "1.2.2.1": (Hold.UNFINISHED,), "1.2.3.1": (Hold.UNCOMMITTED,)}


def test_without_destinations_a_report_is_enough(node: Node, deliver: Callable[..., str]) -> None:
    deliver(destinations=())
    assert not find_due(node.db, Kind.IMAGES, POLICY, LATER, age=AGE)
    alone = replace(POLICY, has_destinations=False)
    assert len(find_due(node.db, Kind.IMAGES, alone, LATER, age=AGE)) == 1


def test_paths_of_the_store_are_those_of_the_index(node: Node, deliver: Callable[..., str]) -> None:
    uids = [deliver(f"1.2.{number}.1") for number in range(1, 4)]
    delete(node)
    assert {Path(name).suffix for name in list_stored(node)} == {".dcm"}
    assert list_indexed(node, *uids) == set()
