"""Moves of several receivers share the slots of their node."""

from __future__ import annotations

import multiprocessing
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import pytest
from pydicom import Dataset
from pydicom.uid import CTImageStorage
from pynetdicom import AE, evt

from config.settings import Settings
from dicom.sop_classes import STUDY_ROOT_MOVE
from scp.installation import Installation
from scp.receivers import moves, questions
from scp.receivers.link import MoveAnswered, MoveEnded, MoveWanted
from scp.receivers.moves import AskedSlots
from scp.receivers.pipe import Pipe
from scp.receivers.supervised import Supervised
from scp.reception.seats import Seats
from scp.services.retrieve.slots import Busy, Slots
from tests.scp.conftest import unused_port


@pytest.fixture
def ends():
    ours, theirs = multiprocessing.Pipe()
    yield ours, theirs
    ours.close()
    theirs.close()


class Answering:
    """The node: answers questions for slots in turn by `answers`, and takes note of all that it is told."""

    def __init__(self, end, slots, *answers: str) -> None:
        self.told = []
        self._end, self._slots, self._answers = end, slots, iter(answers)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for answer in self._answers:
            said = self._end.recv()
            self.told.append(said)
            self._slots.note(MoveAnswered(said.move, answer == "free"))

    def join(self) -> None:
        self._thread.join(30)


def test_a_move_asks_until_a_slot_is_free_and_gives_it_back(ends, monkeypatch):
    monkeypatch.setattr(moves, "_ASK_SECONDS", 0.01)
    mine, node = ends
    slots = AskedSlots(Pipe(mine))
    answering = Answering(node, slots, "full", "full", "free")
    with slots.taken("PACS", lambda: True, seconds=60) as is_free:
        assert is_free
        answering.join()
        assert answering.told == [MoveWanted(number, "PACS") for number in (1, 2, 3)]
    assert node.recv() == MoveEnded(3)


def test_a_move_that_finds_none_free_is_refused(ends, monkeypatch):
    monkeypatch.setattr(moves, "_ASK_SECONDS", 0.01)
    monkeypatch.setattr("scp.services.retrieve.slots._LOOK_SECONDS", 0)
    mine, node = ends
    slots = AskedSlots(Pipe(mine))
    Answering(node, slots, "full")
    with pytest.raises(Busy), slots.taken("PACS", lambda: True, seconds=0):
        pass


def test_a_late_slot_is_given_back_and_a_node_that_is_gone_has_none(ends, monkeypatch):
    monkeypatch.setattr(questions, "ANSWER_SECONDS", 0.01)
    mine, node = ends
    slots = AskedSlots(Pipe(mine))
    assert not slots.take("PACS", 0)
    asked = node.recv()
    slots.note(MoveAnswered(asked.move, is_free=False))
    slots.note(MoveAnswered(asked.move, is_free=True))
    assert node.recv() == MoveEnded(asked.move)
    node.close()
    assert not slots.take("PACS", 0)


class Told:
    """The pipe to a receiver."""

    def __init__(self) -> None:
        self.sent = []

    def send(self, message: object) -> None:
        self.sent.append(message)


@pytest.fixture
def supervise():
    """`supervise(slots)`: a receiver of a node, without its process."""

    def make(slots: Slots) -> tuple[Supervised, Told]:
        installation = Installation(Settings(), None, None)
        made, told = Supervised(1, installation, Seats(1, 1), slots, lambda *_: None, lambda _: None), Told()
        made._pipe = told
        return made, told

    return make


def test_the_slots_of_a_node_are_those_of_all_its_receivers(supervise):
    slots = Slots(2, 1)
    (first, to_first), (second, to_second) = supervise(slots), supervise(slots)
    first._take(MoveWanted(1, "PACS"))
    second._take(MoveWanted(1, "PACS"))
    second._take(MoveWanted(2, "OTHER"))
    first._take(MoveWanted(2, "THIRD"))
    assert to_first.sent == [MoveAnswered(1, is_free=True), MoveAnswered(2, is_free=False)]
    assert to_second.sent == [MoveAnswered(1, is_free=False), MoveAnswered(2, is_free=True)]
    first._take(MoveEnded(1))
    first._take(MoveEnded(1))
    second._take(MoveWanted(3, "PACS"))
    assert to_second.sent[-1] == MoveAnswered(3, is_free=True)


def test_a_process_that_ends_leaves_its_slots(supervise):
    slots = Slots(1, 1)
    (first, _), (second, to_second) = supervise(slots), supervise(slots)
    first._take(MoveWanted(1, "PACS"))
    first._forget()
    second._take(MoveWanted(1, "PACS"))
    assert to_second.sent == [MoveAnswered(1, is_free=True)]


@pytest.mark.component
def test_moves_by_several_processes_wait_for_each_other(patient, configured, run_node, scanner_of):
    images = patient()[:4]
    port, came = unused_port(), []

    def take(event: evt.Event) -> int:
        came.append(event.assoc)
        time.sleep(0.02)  # so that moves side by side would send in turns
        return 0

    archive = AE("ARCHIVE")
    archive.add_supported_context(CTImageStorage)
    server = archive.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, take)])
    settings = configured({"ARCHIVE": port}, node={"receivers": 2, "max_moves": 1}, completion={"quiet_seconds": 3600})

    def move(node) -> int:
        ae = AE("VIEWER")
        ae.add_requested_context(STUDY_ROOT_MOVE)
        association = ae.associate("127.0.0.1", node.server.port, ae_title="CORONODE")
        asked = Dataset()
        asked.QueryRetrieveLevel, asked.StudyInstanceUID = "STUDY", images[0].StudyInstanceUID
        *_, (last, _) = association.send_c_move(asked, "ARCHIVE", STUDY_ROOT_MOVE)
        association.release()
        return int(last.Status)

    try:
        with run_node(settings) as node:
            assert scanner_of(node).send_in_parallel(images, 1) == [0] * 4
            with ThreadPoolExecutor(6) as pool:
                assert list(pool.map(move, [node] * 6)) == [0] * 6
    finally:
        server.shutdown()
    assert len(came) == 24
    assert len([*groupby(came)]) == 6
