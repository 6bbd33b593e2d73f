"""A peer asks a whole node for commitment, and is told on its own association or on one that the node opens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, generate_uid
from pynetdicom import AE, evt
from pynetdicom.sop_class import StorageCommitmentPushModel

from config.settings import Settings
from storage.commitments import commitments

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
