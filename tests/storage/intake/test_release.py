"""A release swaps objects between index and quarantine, whole or not at all, and loses no byte; a deletion deletes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import select

from config.errors import Permanent
from storage.database import audit
from storage.database.models import InstanceRow, QuarantineRow, SeriesRow, StudyRow
from storage.intake import release as releasing
from storage.intake.instances import find_instance
from storage.intake.release import Released, delete, release
from storage.series import lifecycle, states
from storage.series.quarantine import Contradiction, UnknownQuarantined, list_quarantined
from storage.series.states import IllegalTransition, State

FIRST, COPY = "1.2.1.1", "1.2.1.99"
KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from storage.database.engine import Database
from storage.intake.release import release
from storage.objects.files import Files
from storage.series.quarantine import list_quarantined

step, count = sys.argv[3], int(sys.argv[4])
whole = getattr(Files, step)

def until(self, *names):
    global count
    count -= 1
    if count < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(self, *names)

setattr(Files, step, until)
db, files = Database.open(sys.argv[1]), Files(Path(sys.argv[2]))
release(db, files, list_quarantined(db, series_instance_uid=sys.argv[5]), datetime.now(UTC))
"""


def contents(node) -> list[str]:
    """The digest of each file that a row names; a missing one fails."""
    with node.db.reading() as session:
        names = [*session.scalars(select(InstanceRow.path)), *session.scalars(select(QuarantineRow.path))]
    return sorted(sha256(node.files.path(name).read_bytes()).hexdigest() for name in names)


def stored_files(node) -> int:
    return sum(path.is_file() for path in node.files.root.rglob("[!.]*"))


def quarantined(node, series=None):
    return list_quarantined(node.db, series_instance_uid=series)


def send_copy(node, series=COPY, count=3, **attributes):
    for number in range(1, count + 1):
        node.store(node.ct(SeriesInstanceUID=series, SOPInstanceUID=f"{FIRST}.{number}", **attributes), 30)


@pytest.fixture
def site(node):
    """Three slices that were scored once."""
    node.series(3)
    assert node.complete(FIRST, 60) == 1
    lifecycle.finish(node.db, FIRST, 1, "{}", "scored", now=node.at(61))
    return node


def test_corrected_bytes_take_the_place_and_the_series_is_scored_again(site):
    before = find_instance(site.db, f"{FIRST}.2")
    old = site.files.path(before.path).read_bytes()
    site.store(site.ct(SOPInstanceUID=f"{FIRST}.2", PatientID="CORRECTED"), 70, calling_ae="PACS")
    all_bytes = contents(site)
    (item,) = quarantined(site)
    new = site.files.path(item.path).read_bytes()

    assert release(site.db, site.files, [item], site.at(80)) == Released(1, 1, ())
    held = find_instance(site.db, f"{FIRST}.2")
    assert (site.files.path(held.path).read_bytes(), held.sha256) == (new, item.sha256)
    (aside,) = quarantined(site)
    assert (aside.reason, aside.sha256) == (Contradiction.REPLACED, before.sha256)
    assert site.files.path(aside.path).read_bytes() == old
    state = states.get(site.db, FIRST)
    assert (state.state, state.version, state.instance_count) == (State.RECEIVING, 1, 3)
    with site.db.reading() as session:
        assert session.scalars(select(StudyRow.patient_id)).one() == "CORRECTED"
    assert (contents(site), stored_files(site)) == (all_bytes, 4)
    assert [event.kind for event in audit.list_events(site.db, series_instance_uid=FIRST, limit=2)] == [
        "released",
        "replaced",
    ]


def test_a_second_release_swaps_them_back(site):
    before = find_instance(site.db, f"{FIRST}.2")
    site.store(site.ct(SOPInstanceUID=f"{FIRST}.2", ImageComments="other"), 70)
    for _ in range(2):
        release(site.db, site.files, quarantined(site), site.at(80))
    assert find_instance(site.db, f"{FIRST}.2") == before
    assert stored_files(site) == 4


def test_a_copy_of_a_series_takes_over_the_objects_and_the_first_is_left_empty(site):
    send_copy(site, SeriesDescription="the copy")
    assert release(site.db, site.files, quarantined(site, COPY), site.at(80)) == Released(3, 3, (FIRST,))
    copy, first = states.get(site.db, COPY), states.get(site.db, FIRST)
    assert (copy.state, copy.version, copy.instance_count, copy.description) == (State.RECEIVING, 0, 3, "the copy")
    assert (first.state, first.reason_code, first.instance_count) == (State.NOT_SCORABLE, "emptied", 0)
    assert {item.series_instance_uid for item in quarantined(site)} == {FIRST}
    with pytest.raises(IllegalTransition, match="no objects"):
        lifecycle.rescore(site.db, FIRST, site.at(90))

    assert release(site.db, site.files, quarantined(site, FIRST), site.at(99)) == Released(3, 3, (COPY,))
    assert (states.get(site.db, FIRST).state, states.get(site.db, COPY).reason_code) == (State.RECEIVING, "emptied")


def test_one_object_of_a_copy_leaves_the_others_where_they_are(site):
    send_copy(site)
    one = quarantined(site, COPY)[:1]
    assert release(site.db, site.files, one, site.at(80)).emptied == ()
    assert [states.get(site.db, uid).instance_count for uid in (FIRST, COPY)] == [2, 1]
    assert [states.get(site.db, uid).state for uid in (FIRST, COPY)] == [State.RECEIVING, State.RECEIVING]


def test_a_series_moves_to_another_study_as_a_whole(site):
    send_copy(site, FIRST, StudyInstanceUID="1.2.77", PatientID="MERGED")
    items = quarantined(site, FIRST)
    assert {item.reason for item in items} == {Contradiction.OTHER_STUDY}
    with pytest.raises(Permanent, match="1 of its 3 objects there have no counterpart"):
        release(site.db, site.files, items[:2], site.at(80))
    assert states.get(site.db, FIRST).study_instance_uid == "1.2.1"
    assert len(quarantined(site)) == 3

    assert release(site.db, site.files, items, site.at(81)) == Released(3, 3, ())
    assert states.get(site.db, FIRST).study_instance_uid == "1.2.77"
    with site.db.reading() as session:
        assert [study.patient_id for study in session.scalars(select(StudyRow))] == ["MERGED"]
    assert {item.study_instance_uid for item in quarantined(site)} == {"1.2.1"}
    assert stored_files(site) == 6

    release(site.db, site.files, quarantined(site), site.at(82))
    assert states.get(site.db, FIRST).study_instance_uid == "1.2.1"


def test_two_objects_with_one_uid_are_not_released_together(site):
    for position in (5.0, 9.0):
        site.store(site.ct(SOPInstanceUID=f"{FIRST}.2", ImagePositionPatient=[0, 0, position], InstanceNumber=9), 70)
    with pytest.raises(Permanent, match="one SOP Instance UID"):
        release(site.db, site.files, quarantined(site), site.at(80))
    assert release(site.db, site.files, quarantined(site)[:1], site.at(80)).replaced == 1


def test_a_document_of_the_node_is_never_replaced(site):
    site.store(site.ct(StudyInstanceUID="1.9", SOPInstanceUID="1.2.8.1", Modality="SR"), 62)
    site.store(site.ct(SeriesInstanceUID="1.2.8", SOPInstanceUID="1.2.8.1", Modality="SR"), 70, origin="made")
    with pytest.raises(Permanent, match="this node made"):
        release(site.db, site.files, quarantined(site), site.at(80))
    assert len(quarantined(site)) == 1


@pytest.mark.parametrize("order", [1, -1])
def test_images_released_into_a_series_of_companions_make_it_a_scan(site, order):
    site.store(site.ct(SeriesInstanceUID=COPY, SOPInstanceUID="1.2.9", Modality="SR", SeriesDescription="dose"), 20)
    send_copy(site, count=2, SeriesDescription="scan")
    note = site.ct(SeriesInstanceUID=COPY, SOPInstanceUID=f"{FIRST}.3", Modality="SR", SeriesDescription="note")
    site.store(note, 31)
    assert states.get(site.db, COPY).state == State.KEPT
    release(site.db, site.files, quarantined(site, COPY)[::order], site.at(80))
    copy = states.get(site.db, COPY)
    assert (copy.state, copy.reason, copy.reason_code) == (State.RECEIVING, "", "")
    assert (copy.instance_count, copy.modality, copy.description) == (4, "CT", "scan")


@pytest.mark.parametrize(("origin", "modality"), [("received", "SR"), ("made", "CT")])
def test_what_is_no_scan_stays_kept_after_a_release(site, origin, modality):
    site.store(site.ct(SeriesInstanceUID=COPY, SOPInstanceUID="1.2.9", Modality="SR"), 20, origin=origin)
    send_copy(site, count=1, Modality=modality)
    release(site.db, site.files, quarantined(site, COPY), site.at(80))
    assert states.get(site.db, COPY).state == State.KEPT


def test_a_file_that_is_gone_or_no_longer_dicom_is_not_released(site):
    send_copy(site, count=2)
    one, other = quarantined(site)
    site.files.path(one.path).unlink()
    site.files.path(other.path).write_bytes(b"rubbish")
    for item in (one, other):
        with pytest.raises(Permanent, match=f"object {item.id}: its file"):
            release(site.db, site.files, [item], site.at(80))
    assert states.get(site.db, FIRST).state == State.SCORED


def test_a_score_that_is_under_way_is_out_of_date(site):
    send_copy(site)
    lifecycle.rescore(site.db, FIRST, site.at(70))
    assert site.complete(FIRST, 71) == 2
    lifecycle.start_scoring(site.db, FIRST, 2, site.at(72))
    release(site.db, site.files, quarantined(site), site.at(73))
    assert not lifecycle.start_scoring(site.db, FIRST, 2, site.at(74))
    lifecycle.finish(site.db, FIRST, 2, "{}", "scored", now=site.at(75))
    assert states.get(site.db, FIRST).state == State.NOT_SCORABLE


@pytest.mark.parametrize(("step", "count"), [("link", 0), ("link", 3), ("remove", 0), ("remove", 2)])
def test_a_kill_in_the_middle_loses_nothing_and_a_repeat_ends_it(site, step, count):
    send_copy(site)
    before = contents(site)
    url = site.db.engine.url.render_as_string()
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, url, str(site.files.root), step, str(count), COPY], check=False
    )
    assert ended.returncode == -signal.SIGKILL
    assert contents(site) == before
    if step == "link":  # before the commit
        assert [states.get(site.db, FIRST).instance_count, len(quarantined(site, COPY))] == [3, 3]
        release(site.db, site.files, quarantined(site, COPY), site.at(80))
    assert [states.get(site.db, uid).instance_count for uid in (FIRST, COPY)] == [0, 3]
    assert contents(site) == before


def test_each_folder_is_synchronised_once_before_the_commit(site, monkeypatch):
    send_copy(site)
    synchronised, fsync = [], os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda fd: (synchronised.append(Path(f"/proc/self/fd/{fd}").readlink().name), fsync(fd))
    )
    release(site.db, site.files, quarantined(site), site.at(80))
    assert synchronised == [site.files.path(find_instance(site.db, f"{FIRST}.1").path).parent.name, "quarantine"]


def test_a_disk_without_links_copies(site, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    send_copy(site)
    before = contents(site)
    monkeypatch.setattr(os, "link", refuse)
    release(site.db, site.files, quarantined(site), site.at(80))
    assert (contents(site), stored_files(site)) == (before, 6)


def test_names_that_came_into_use_meanwhile_are_not_removed(site):
    path = find_instance(site.db, f"{FIRST}.1").path
    releasing._drop_unused(site.db, site.files, [path])
    assert site.files.path(path).is_file()


def test_what_is_deleted_is_gone_and_noted(site):
    send_copy(site)
    one, *others = quarantined(site)
    delete(site.db, site.files, [one], site.at(80))
    assert not site.files.path(one.path).exists()
    assert [item.id for item in quarantined(site)] == [item.id for item in others]
    assert audit.list_events(site.db, series_instance_uid=COPY)[0].kind == "quarantine-deleted"
    site.files.path(one.path).write_bytes(site.files.path(others[0].path).read_bytes())
    for act in (delete, release):
        with pytest.raises(UnknownQuarantined, match="no longer"):
            act(site.db, site.files, [one], site.at(81))
    assert states.get(site.db, FIRST).state == State.SCORED


def test_a_file_that_cannot_be_deleted_stays_listed(site, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    send_copy(site)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(Permanent, match="cannot be deleted"):
        delete(site.db, site.files, quarantined(site), site.at(80))
    assert len(quarantined(site)) == 3
    with site.db.reading() as session:
        assert session.scalars(select(SeriesRow.series_instance_uid)).all() == [FIRST]
