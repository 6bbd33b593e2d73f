"""A peer asks a whole node for commitment, and is told on its own association or on one that the node opens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ComprehensiveSRStorage, CTImageStorage, generate_uid
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import StorageCommitmentPushModel

from config.settings import Settings
from storage.commitments import commitments
from storage.outbox import deliveries
from storage.series import states
from storage.series.states import State

pytestmark = pytest.mark.component

INSTANCE = "1.2.840.10008.1.20.1.1"
SLOW = {"quiet_seconds": 600}


class Archive:
    """A peer that asks for commitment; `told` are the reports: event type and data set."""

    def __init__(self, answer: int = 0) -> None:
        self.told: list[tuple[int, Dataset]] = []
        self.roles: list[tuple[bool, bool]] = []
        self.answers: list[int] = [answer]
        self._came = threading.Event()
        ae = AE("SCANNER")
        ae.add_supported_context(StorageCommitmentPushModel, scu_role=False, scp_role=True)
        self._handlers = [(evt.EVT_N_EVENT_REPORT, self._on_report)]
        self._ae = ae
        self._server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=self._handlers)
        self.port = int(self._server.server_address[1])

    def stop(self) -> None:
        self._server.shutdown()

    def _on_report(self, event: evt.Event) -> tuple[int, None]:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer == 0:
            self.told.append((event.event_type, event.event_information))
        return answer, None

    @contextmanager
    def calling(self, port: int) -> Iterator[Callable[..., tuple[int, str]]]:
        """`ask(references, transaction_uid)` on one association, which is released at the end."""
        caller = AE("SCANNER")
        caller.add_requested_context(StorageCommitmentPushModel)
        association = caller.associate("127.0.0.1", port, ae_title="CORONODE", evt_handlers=self._handlers)
        assert association.is_established

        def ask(references, transaction_uid="", **changes) -> tuple[int, str]:
            information = request_of(references, transaction_uid or generate_uid())
            status, _ = association.send_n_action(
                information, changes.get("action", 1), StorageCommitmentPushModel, changes.get("instance", INSTANCE)
            )
            return status.Status, str(information.TransactionUID)

        yield ask
        association.release()


def request_of(references, transaction_uid: str) -> Dataset:
    information = Dataset()
    information.TransactionUID = transaction_uid
    information.ReferencedSOPSequence = Sequence()
    for sop_class, instance in references:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, instance
        information.ReferencedSOPSequence.append(item)
    return information


@pytest.fixture
def archive() -> Iterator[Archive]:
    made = Archive()
    yield made
    made.stop()


@pytest.fixture
def settings_for(tmp_path):
    def make(port: int | None, **node: object) -> Settings:
        return Settings(
            node={"port": 0, "data_dir": tmp_path / "data", "reserve_mb": 0} | node,
            peers={"CT1": {"ae_title": "SCANNER", "host": "127.0.0.1", "port": port}},
            completion=SLOW,
            results={"retry_first_seconds": 0.1, "retry_longest_seconds": 0.5},
        )

    return make


def references_of(images) -> list[tuple[str, str]]:
    return [(str(image.SOPClassUID), str(image.SOPInstanceUID)) for image in images]


def test_told_on_a_new_association_when_the_peer_has_gone(
    archive, settings_for, run_node, scanner_of, patient, eventually
):
    images = patient()[:3]
    with run_node(settings_for(archive.port)) as node:
        scanner_of(node).send(images)
        with archive.calling(node.server.port) as ask:
            status, transaction = ask(references_of(images))
        assert status == 0
        eventually("a report", lambda: archive.told)
    ((event, told),) = archive.told
    assert (event, str(told.TransactionUID)) == (1, transaction)
    assert references_of_items(told.ReferencedSOPSequence) == references_of(images)
    assert "FailedSOPSequence" not in told


def references_of_items(items) -> list[tuple[str, str]]:
    return [(str(item.ReferencedSOPClassUID), str(item.ReferencedSOPInstanceUID)) for item in items]


def test_told_on_its_own_association_when_it_stays(archive, settings_for, run_node, scanner_of, patient, eventually):
    images = patient()[:3]
    with run_node(settings_for(None)) as node:
        scanner_of(node).send(images)
        with archive.calling(node.server.port) as ask:
            status, _ = ask([*references_of(images), (CTImageStorage, "1.2.3")])
            eventually("a report", lambda: archive.told)
        assert status == 0
        eventually("its record", lambda: [c.state for c in commitments.list_commitments(node.database)] == ["reported"])
    ((event, told),) = archive.told
    assert event == 2
    assert references_of_items(told.ReferencedSOPSequence) == references_of(images)
    assert references_of_items(told.FailedSOPSequence) == [(CTImageStorage, "1.2.3")]
    assert told.FailedSOPSequence[0].FailureReason == 0x0112


class CommittingPacs:
    """A PACS that takes reports and commits to them, on the association of the request or on one that it opens.

    `answers` say what becomes of each request: "here", "later" (on a new association), "lost" (the same, all objects
    failed); the last one stands for the rest.
    """

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.stored: list[str] = []
        self.asked: list[Dataset] = []
        self.replies: list[int] = []
        self.node_port = 0
        self._threads: list[threading.Thread] = []
        ae = AE("PACS")
        ae.add_supported_context(ComprehensiveSRStorage)
        ae.add_supported_context(StorageCommitmentPushModel)
        handlers = [(evt.EVT_C_STORE, self._on_store), (evt.EVT_N_ACTION, self._on_action)]
        self._server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
        self.port = int(self._server.server_address[1])

    def stop(self) -> None:
        for thread in self._threads:
            thread.join(60)
        self._server.shutdown()

    def _on_store(self, event: evt.Event) -> int:
        self.stored.append(str(event.dataset.SOPInstanceUID))
        return 0

    def _on_action(self, event: evt.Event) -> tuple[int, None]:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        asked = event.action_information
        self.asked.append(asked)
        if answer == "here":
            thread = threading.Thread(target=self._send, args=(event.assoc, asked))
        else:
            thread = threading.Thread(target=self._call, args=(asked,), kwargs={"lost": answer == "lost"})
        self._threads.append(thread)
        self._threads[-1].start()
        return 0, None

    def _call(self, asked: Dataset, *, lost: bool) -> None:
        ae = AE("PACS")
        ae.add_requested_context(StorageCommitmentPushModel)
        role = build_role(StorageCommitmentPushModel, scp_role=True)
        association = ae.associate("127.0.0.1", self.node_port, ae_title="CORONODE", ext_neg=[role])
        assert association.is_established
        self._send(association, asked, lost=lost)
        association.release()

    def _send(self, association, asked: Dataset, *, lost: bool = False) -> None:
        told = Dataset()
        told.TransactionUID = asked.TransactionUID
        if lost:
            told.FailedSOPSequence = asked.ReferencedSOPSequence
            for item in told.FailedSOPSequence:
                item.FailureReason = 0x0112
        else:
            told.ReferencedSOPSequence = asked.ReferencedSOPSequence
        status, _ = association.send_n_event_report(told, 2 if lost else 1, StorageCommitmentPushModel, INSTANCE)
        self.replies.append(status.Status)


@pytest.fixture
def committing_pacs() -> Iterator[Callable[..., CommittingPacs]]:
    made: list[CommittingPacs] = []

    def make(*answers: str) -> CommittingPacs:
        made.append(CommittingPacs(*answers))
        return made[-1]

    yield make
    for item in made:
        item.stop()


@pytest.mark.parametrize(
    ("answers", "sent", "asked"),
    [(["here"], 1, 1), (["lost", "later"], 2, 2)],
    ids=lambda value: "-".join(value) if isinstance(value, list) else str(value),
)
def test_a_destination_commits_to_the_report(
    committing_pacs, run_node, scanner_of, patient, eventually, tmp_path, answers, sent, asked
):
    pacs = committing_pacs(*answers)
    settings = Settings(
        node={"port": 0, "data_dir": tmp_path / "data", "reserve_mb": 0},
        peers={
            "PACS": {"ae_title": "PACS", "host": "127.0.0.1", "port": pacs.port, "commit": True},
            "CT1": {"ae_title": "SCANNER", "host": "127.0.0.1"},
        },
        completion={"quiet_seconds": 1},
        results={"destinations": ("PACS",), "documents": ("sr",), "commit_timeout_seconds": 5},
    )
    images = patient()
    with run_node(settings) as node:
        pacs.node_port = node.server.port
        scanner_of(node).send(images)
        eventually(
            "a commitment", lambda: [item.state for item in deliveries.list_deliveries(node.database)] == ["committed"]
        )
        assert states.get(node.database, images[0].SeriesInstanceUID).state == State.DELIVERED
    assert len(pacs.stored) == sent
    assert [len(request.ReferencedSOPSequence) for request in pacs.asked] == [1] * asked
    assert len({request.TransactionUID for request in pacs.asked}) == asked
    eventually("our answers", lambda: len(pacs.replies) == asked)
    assert set(pacs.replies) == {0}


def test_a_request_for_the_whole_series_ends_the_wait(archive, settings_for, run_node, scanner_of, patient, eventually):
    images = patient()
    with run_node(settings_for(archive.port)) as node:
        scanner_of(node).send(images)
        with archive.calling(node.server.port) as ask:
            ask(references_of(images))
        uid = images[0].SeriesInstanceUID
        eventually("the end of the wait", lambda: states.get(node.database, uid).state != State.RECEIVING)


def test_ten_thousand_objects_most_of_which_are_not_here(
    archive, settings_for, run_node, scanner_of, patient, eventually
):
    images = patient()[:3]
    many = [(CTImageStorage, f"1.2.3.{number}") for number in range(10_000)]
    with run_node(settings_for(archive.port)) as node:
        scanner_of(node).send(images)
        with archive.calling(node.server.port) as ask:
            assert ask([*many, *references_of(images)])[0] == 0
        eventually("a report", lambda: archive.told)
    ((event, told),) = archive.told
    assert (event, len(told.FailedSOPSequence), len(told.ReferencedSOPSequence)) == (2, 10_000, 3)
