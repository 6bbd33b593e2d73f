"""An object is registered once, whoever sends it how often; contradictions are put aside."""

from __future__ import annotations

import collections
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import func, select

from config.errors import Rejected, Transient
from dicom.part10 import encode_preface
from storage.database import audit
from storage.database.engine import Database
from storage.database.models import InstanceRow, QuarantineRow, SeriesRow, StudyRow
from storage.intake import instances
from storage.objects.header import InstanceHeader
from storage.series import states
from storage.series.quarantine import Contradiction
from storage.series.states import State

EXPLICIT = "1.2.840.10008.1.2.1"
SENDER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from pydicom.dataset import Dataset
from storage.database.engine import Database
from storage.objects.files import Files
from storage.intake.instances import register
from storage.objects.header import InstanceHeader
db, files = Database.open(sys.argv[1]), Files(Path(sys.argv[2]))
for number in range(100_000):
    dataset = Dataset()
    dataset.SOPClassUID, dataset.Modality = "1.2.840.10008.5.1.4.1.1.2", "CT"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID = "1.2", "1.2.1", f"1.2.1.{number}"
    header = InstanceHeader.from_dataset(dataset, "1.2.840.10008.1.2")
    with files.incoming("1.2.840.10008.1.2") as file:
        file.write(header.sop_instance_uid.encode() * 10_000)
        stored = file.commit(header.file_name(file.sha256))
    register(db, files, header, stored, now=datetime.now(UTC))
    print(header.sop_instance_uid, flush=True)
"""


def count(node, table):
    with node.db.reading() as session:
        return session.scalar(select(func.count()).select_from(table))


def stored_files(node, folder):
    return [path for path in (node.files.root / folder).rglob("[!.]*") if path.is_file()]


def test_a_first_slice_opens_study_and_series(node):
    registered = node.store(node.ct(SeriesNumber=3, SeriesDescription="Ca Score"), calling_ae="SCANNER")
    assert registered == instances.Registered("stored", "1.2.1.1", registered.path)
    assert node.files.path(registered.path).is_file()
    state = states.get(node.db, "1.2.1.1")
    assert (state.state, state.version, state.instance_count) == (State.RECEIVING, 0, 1)
    assert (state.study_instance_uid, state.series_number, state.description) == ("1.2.1", "3", "Ca Score")
    assert state.calling_ae == "SCANNER"
    assert state.first_received_at == state.last_received_at == node.at(0)


def test_slices_count_and_restart_the_clock(node):
    node.store(node.ct(SOPInstanceUID="1.1"), 0)
    node.store(node.ct(SOPInstanceUID="1.2"), 7)
    state = states.get(node.db, "1.2.1.1")
    assert (state.instance_count, state.first_received_at, state.last_received_at) == (2, node.at(0), node.at(7))


def test_the_same_bytes_again_change_nothing(node):
    first = node.store(node.ct(), 0)
    again = node.store(node.ct(), 5)
    assert (again.outcome, again.path) == ("duplicate", first.path)
    assert count(node, InstanceRow) == 1
    assert len(stored_files(node, "instances")) == 1
    assert stored_files(node, "quarantine") == []
    assert states.get(node.db, "1.2.1.1").last_received_at == node.at(0)


def test_other_bytes_are_put_aside_and_the_first_stay(node):
    first = node.store(node.ct(ImageComments="first"))
    before = node.files.path(first.path).read_bytes()
    for _ in range(2):
        other = node.store(node.ct(ImageComments="second"), 5, calling_ae="SCANNER")
        assert other.outcome == "conflict"
        assert (other.reason, other.held_by) == (Contradiction.OTHER_BYTES, "1.2.1.1")
    assert node.files.path(first.path).read_bytes() == before
    assert node.files.path(other.path) in stored_files(node, "quarantine")
    assert (count(node, InstanceRow), count(node, QuarantineRow)) == (1, 1)
    assert [event.kind for event in audit.list_events(node.db)] == ["quarantined"]


def test_another_transfer_syntax_is_other_bytes(node):
    header = InstanceHeader.from_dataset(node.ct(), "1.2.840.10008.1.2.1")
    for syntax, outcome in (("1.2.840.10008.1.2.1", "stored"), ("1.2.840.10008.1.2.4.70", "conflict")):
        with node.files.incoming(syntax) as file:
            file.write(b"same bytes")
            stored = file.commit(header.file_name(file.sha256))
        assert instances.register(node.db, node.files, header, stored, now=node.at(0)).outcome == outcome


def test_a_series_cannot_belong_to_two_studies(node):
    node.store(node.ct())
    other = node.store(node.ct(SOPInstanceUID="1.9", StudyInstanceUID="1.2.99"))
    assert other.outcome == "conflict"
    assert (other.reason, other.held_by) == (Contradiction.OTHER_STUDY, "")
    assert (count(node, StudyRow), count(node, InstanceRow)) == (1, 1)


def test_many_threads_register_the_same_object_once(node):
    with ThreadPoolExecutor(16) as pool:
        outcomes = collections.Counter(pool.map(lambda _: node.store(node.ct()).outcome, range(48)))
    assert outcomes == {"stored": 1, "duplicate": 47}
    assert (count(node, InstanceRow), count(node, SeriesRow), count(node, StudyRow)) == (1, 1, 1)
    assert len(stored_files(node, "instances")) == 1
    assert states.get(node.db, "1.2.1.1").instance_count == 1


def test_many_threads_with_two_contents_keep_one_of_them(node):
    with ThreadPoolExecutor(16) as pool:
        registered = list(pool.map(lambda number: node.store(node.ct(InstanceNumber=number % 2)), range(32)))
    outcomes = collections.Counter(one.outcome for one in registered)
    assert outcomes == {"stored": 1, "duplicate": 15, "conflict": 16}
    (kept,) = {one.path for one in registered if one.outcome != "conflict"}
    assert node.files.path(kept).is_file()
    assert len(stored_files(node, "quarantine")) == 1


def test_many_threads_fill_one_series(node):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: node.store(node.ct(SOPInstanceUID=f"1.2.1.1.{number}")), range(60)))
    assert states.get(node.db, "1.2.1.1").instance_count == count(node, InstanceRow) == 60


@pytest.mark.parametrize("modality", ["OT", "MR", "PT"])
def test_other_modalities_are_kept_and_never_scored(node, modality):
    node.store(node.ct(Modality=modality))
    state = states.get(node.db, "1.2.1.1")
    assert state.state == State.KEPT
    assert state.reason
    assert states.list_receiving(node.db) == []


def test_what_we_made_is_kept_and_the_first_making_stays(node):
    first = node.store(node.ct(InstanceNumber=1), origin="made")
    again = node.store(node.ct(InstanceNumber=2), origin="made")
    assert (again.outcome, again.path) == ("duplicate", first.path)
    assert stored_files(node, "instances") == [node.files.path(first.path)]
    assert states.get(node.db, "1.2.1.1").state == State.KEPT


@pytest.mark.parametrize("changes", [{"InstanceNumber": 2}, {"SeriesInstanceUID": "1.2.1.7"}])
def test_what_we_made_may_come_back_in_other_bytes(node, changes):
    """An archive encodes it again, adds its own elements, or moves it to another series."""
    made = node.store(node.ct(InstanceNumber=1), origin="made")
    back = node.store(node.ct(**changes), 60)
    assert (back.outcome, back.path) == ("duplicate", made.path)
    assert stored_files(node, "instances") == [node.files.path(made.path)]
    assert (stored_files(node, "quarantine"), count(node, QuarantineRow)) == ([], 0)


def test_a_late_slice_returns_the_series_and_is_noted(node):
    node.store(node.ct(SOPInstanceUID="1.1"))
    assert node.complete("1.2.1.1", 60) == 1
    late = node.store(node.ct(SOPInstanceUID="1.2"), 61)
    assert late.late
    assert states.get(node.db, "1.2.1.1").state == State.RECEIVING
    assert audit.list_events(node.db, kind="late-slice")[0].sop_instance_uid == "1.2"


@pytest.mark.parametrize("options", [{"Modality": "SR"}, {"origin": "made"}])
def test_a_late_object_that_is_no_slice_changes_no_state(node, options):
    node.store(node.ct(SOPInstanceUID="1.1"))
    node.complete("1.2.1.1", 60)
    origin = options.get("origin", "received")
    other = node.store(node.ct(SOPInstanceUID="1.2", Modality=options.get("Modality", "CT")), 61, origin=origin)
    assert (other.outcome, other.late) == ("stored", False)
    assert states.get(node.db, "1.2.1.1").state == State.COMPLETE


def test_a_duplicate_of_a_scored_series_changes_no_state(node):
    node.store(node.ct())
    node.complete("1.2.1.1", 60)
    assert node.store(node.ct(), 61).outcome == "duplicate"
    assert states.get(node.db, "1.2.1.1").state == State.COMPLETE


class FullDatabase(Database):
    """The disk is full when a transaction is to be committed."""

    @contextmanager
    def session(self):
        with super().session() as session:
            yield session
            raise Transient("the database did not take the change: disk full")


def test_a_failing_database_refuses_the_object_and_a_resend_succeeds(node):
    with pytest.raises(Rejected) as refused:
        type(node)(FullDatabase(node.db.engine), node.files).store(node.ct())
    assert refused.value.status == 0xA700
    assert count(node, InstanceRow) == 0
    assert node.store(node.ct()).outcome == "stored"
    assert len(stored_files(node, "instances")) == 1


def test_later_slices_fill_in_what_the_study_lacks(node):
    node.store(node.ct(SOPInstanceUID="1.1", PatientID=""))
    node.store(node.ct(SOPInstanceUID="1.2", PatientID="P1", PatientName="DOE^J"))
    node.store(node.ct(SOPInstanceUID="1.3", PatientID="P2"))
    with node.db.reading() as session:
        study = session.scalars(select(StudyRow)).one()
        assert (study.patient_id, study.patient_name, study.patient_name_folded) == ("P1", "DOE^J", "doe^j")


@pytest.mark.parametrize("acknowledged", [1, 25])
def test_kill_loses_nothing_that_was_acknowledged(node, acknowledged):
    url = node.db.engine.url.render_as_string()
    sender = subprocess.Popen(
        [sys.executable, "-c", SENDER, url, str(node.files.root)], stdout=subprocess.PIPE, text=True
    )
    with sender, sender.stdout:
        said = [sender.stdout.readline().strip() for _ in range(acknowledged)]
        sender.kill()
        said += sender.stdout.read().splitlines()
    assert len(said) >= acknowledged
    node.files.sweep()
    assert stored_files(node, "incoming") == []
    for uid in filter(None, said):
        found = instances.find_instance(node.db, uid)
        assert node.files.path(found.path).read_bytes() == uid.encode() * 10_000
    with node.db.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    assert states.get(node.db, "1.2.1").instance_count == count(node, InstanceRow)


def test_find_instance(node):
    registered = node.store(node.ct())
    found = instances.find_instance(node.db, "1.2.1.1.1")
    assert (found.path, found.series_instance_uid, found.sop_class_uid) == (
        registered.path,
        "1.2.1.1",
        node.ct().SOPClassUID,
    )
    assert found.size == node.files.path(found.path).stat().st_size
    assert instances.find_instance(node.db, "9.9") is None


def test_no_patient_in_the_audit(node):
    secret = "SECRET^NAME"
    node.store(node.ct(PatientName=secret, PatientID="SECRET-7", InstanceNumber=1))
    node.store(node.ct(PatientName=secret, PatientID="SECRET-7", InstanceNumber=2))
    node.complete("1.2.1.1", 60)
    node.store(node.ct(PatientName=secret, PatientID="SECRET-7", SOPInstanceUID="1.5"), 61)
    events = audit.list_events(node.db)
    assert {event.kind for event in events} == {"quarantined", "complete", "late-slice"}
    assert "SECRET" not in repr(events)


def test_the_same_object_from_another_sender_has_the_size_of_its_file(node):
    """The file names its sender, and is written anew."""
    stored = []
    for sender in ("A", "ANOTHER"):
        header = InstanceHeader.from_dataset(node.ct(), EXPLICIT)
        with node.files.incoming(EXPLICIT) as file:
            file.preface(encode_preface(header.sop_class_uid, header.sop_instance_uid, EXPLICIT, sender))
            file.write(b"the same data set")
            stored.append(file.commit(header.file_name(file.sha256)))
        instances.register(node.db, node.files, header, stored[-1], now=node.at(0), calling_ae=sender)
    assert stored[0].path == stored[1].path
    assert stored[0].size != stored[1].size
    assert instances.find_instance(node.db, "1.2.1.1.1").size == node.files.path(stored[1].path).stat().st_size
