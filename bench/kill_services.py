"""Kill the node in the middle of C-MOVE, Storage Commitment and MPPS, and prove that nothing acknowledged is lost.

In each round a peer (pynetdicom) moves, asks for commitment or reports procedure steps as fast as it can, until a real
`coronode serve` is ended with SIGKILL at a random moment; then the node is restarted. After each round a C-MOVE must
deliver every object with the bytes that were sent. At the end every request for commitment that was acknowledged must
have been answered with what is true of each object, every procedure step must be in the state that was last
acknowledged or in one that was sent after it, and no temporary file may be left.

    python -m bench.kill_services --rounds 50 --seed 1
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, get_args

from pydicom import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE, build_role, evt
from pynetdicom.association import Association
from pynetdicom.sop_class import (
    ModalityPerformedProcedureStep,
    StorageCommitmentPushModel,
    StudyRootQueryRetrieveInformationModelMove,
)

from bench.crash import data_set
from bench.kill import find_damage
from bench.killing.index import open_sqlite
from bench.killing.node import NodeProcess, started
from bench.killing.waiting import free_port, wait_for
from scp.network.negotiation import PresentationContext
from scp.network.opening import Opening
from scp.network.requestor import Requestor

Service = Literal["move", "commitment", "steps"]
SERVICES: Final[tuple[Service, ...]] = get_args(Service)
OBJECTS: Final = 24
SERIES: Final = "1.2.826.0.1.3680043.9.7"
ABSENT: Final = f"{SERIES}.9.0"
WELL_KNOWN: Final = "1.2.840.10008.1.20.1.1"
STATES: Final = ("IN PROGRESS", "IN PROGRESS", "COMPLETED")
SUCCESS: Final = 0
_LONGEST_DELAY: Final = 1.5
_REPORTED_SECONDS: Final = 120.0
_CONFIGURATION: Final = """
[peers.{name}]
ae_title = "{name}"
host = "127.0.0.1"
port = {port}
"""
_COMPLETION: Final = """
[completion]
quiet_seconds = 3600
[results]
retry_first_seconds = 0.5
retry_longest_seconds = 2
"""


@dataclass
class Record:
    """What the node acknowledged, and what it told.

    `asked` are requests for commitment by Transaction UID, with the objects that they name; `steps` the acknowledged
    state of each procedure step, and those sent after it; `arrived` the objects that were moved.
    """

    objects: dict[str, bytes] = field(default_factory=dict)
    asked: dict[str, frozenset[str]] = field(default_factory=dict)
    told: dict[str, tuple[frozenset[str], frozenset[str]]] = field(default_factory=dict)
    steps: dict[str, list[str]] = field(default_factory=dict)
    possible: dict[str, str] = field(default_factory=dict)
    arrived: dict[str, bytes] = field(default_factory=dict)


class Peer:
    """The scanner and the destination: asks for services, and takes objects and reports."""

    def __init__(self, record: Record) -> None:
        self._record = record
        ae = AE("SCANNER")
        ae.add_supported_context(CTImageStorage, ExplicitVRLittleEndian)
        ae.add_supported_context(StorageCommitmentPushModel, scu_role=False, scp_role=True)
        self._handlers = [(evt.EVT_N_EVENT_REPORT, self._on_report), (evt.EVT_C_STORE, self._on_store)]
        self._server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=self._handlers)
        self.port = int(self._server.server_address[1])

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()

    @contextmanager
    def calling(self, port: int, sop_class: str) -> Iterator[Association]:
        """Open an association, which may be refused or end at any time."""
        ae = AE("SCANNER")
        ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 20
        ae.add_requested_context(sop_class)
        roles = [build_role(sop_class, scu_role=True)]
        association = ae.associate(
            "127.0.0.1", port, ae_title="CORONODE", ext_neg=roles, evt_handlers=self._handlers[:1]
        )
        yield association
        if association.is_established:
            association.release()

    def _on_report(self, event: evt.Event) -> tuple[int, None]:
        told = event.event_information
        committed = frozenset(str(item.ReferencedSOPInstanceUID) for item in told.get("ReferencedSOPSequence", []))
        failed = frozenset(str(item.ReferencedSOPInstanceUID) for item in told.get("FailedSOPSequence", []))
        self._record.told[str(told.TransactionUID)] = committed, failed
        return SUCCESS, None

    def _on_store(self, event: evt.Event) -> int:
        self._record.arrived[str(event.request.AffectedSOPInstanceUID)] = event.encoded_dataset(include_meta=False)
        return SUCCESS


def store(port: int, record: Record, rng: random.Random) -> None:
    """Store the objects that are moved and asked for."""
    opening = Opening("SCANNER", "CORONODE", "127.0.0.1", port, 20, 20, 20, 16384)
    association = Requestor(opening, [PresentationContext(CTImageStorage, (ExplicitVRLittleEndian,))])
    for number in range(1, OBJECTS + 1):
        uid = f"{SERIES}.9.{number}"
        record.objects[uid] = data_set(SERIES, uid, rng.randbytes(1024) * rng.randint(4, 500))
        if association.store(association.accepted_contexts[0], uid, record.objects[uid]).status != SUCCESS:
            raise RuntimeError(f"{uid} was not stored")
    association.release()


def move(peer: Peer, port: int) -> int | None:
    """Move the study to the peer; return the final status, None when the association ended."""
    identifier = Dataset()
    identifier.QueryRetrieveLevel, identifier.StudyInstanceUID = "STUDY", f"{SERIES}.1"
    final: int | None = None
    with peer.calling(port, StudyRootQueryRetrieveInformationModelMove) as association:
        if association.is_established:
            model = StudyRootQueryRetrieveInformationModelMove
            for answer, _ in association.send_c_move(identifier, "SCANNER", model):
                final = answer.get("Status")
    return final


def ask_for_commitment(peer: Peer, port: int, record: Record, rng: random.Random) -> None:
    """Ask for commitment to objects, one of them unknown at times, some requests on one association."""
    with peer.calling(port, StorageCommitmentPushModel) as association:
        for _ in range(rng.randint(1, 4)):
            if not association.is_established:
                return
            uids = [*rng.sample(sorted(record.objects), rng.randint(1, 6)), *rng.sample([ABSENT], rng.randint(0, 1))]
            request = Dataset()
            request.TransactionUID = generate_uid()
            request.ReferencedSOPSequence = [_refer(uid) for uid in uids]
            answer, _ = association.send_n_action(request, 1, StorageCommitmentPushModel, WELL_KNOWN)
            if answer.get("Status") == SUCCESS:
                record.asked[str(request.TransactionUID)] = frozenset(uids)
            time.sleep(rng.choice((0, 0, 0.7)))


def report_step(peer: Peer, port: int, record: Record, rng: random.Random) -> None:
    """Report one procedure step from its beginning to its end."""
    uid = generate_uid()
    with peer.calling(port, ModalityPerformedProcedureStep) as association:
        for number, state in enumerate(STATES):
            if not association.is_established:
                return
            record.possible[uid] = state
            step = _describe(state, sorted(record.objects)[: rng.randint(1, OBJECTS)])
            if number == 0:
                answer, _ = association.send_n_create(step, ModalityPerformedProcedureStep, uid)
            else:
                answer, _ = association.send_n_set(step, ModalityPerformedProcedureStep, uid)
            if answer.get("Status") == SUCCESS:
                record.steps.setdefault(uid, []).append(state)


def _refer(uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = CTImageStorage, uid
    return item


def _describe(state: str, uids: Sequence[str]) -> Dataset:
    """Describe a step that performed a part of the series."""
    study, performed, step = Dataset(), Dataset(), Dataset()
    study.StudyInstanceUID = f"{SERIES}.1"
    performed.SeriesInstanceUID = SERIES
    performed.ReferencedImageSequence = [_refer(uid) for uid in uids]
    step.PerformedProcedureStepStatus = state
    step.PerformedSeriesSequence = [performed]
    if state == STATES[0]:
        step.Modality = "CT"
        step.ScheduledStepAttributesSequence = [study]
        step.PerformedProcedureStepStartDate, step.PerformedProcedureStepStartTime = "20260301", "1015"
        step.PerformedProcedureStepID, step.PerformedStationAETitle = "STEP", "SCANNER"
    else:
        step.PerformedProcedureStepEndDate, step.PerformedProcedureStepEndTime = "20260301", "1020"
    return step


def find_losses(folder: Path, record: Record) -> Iterator[str]:
    """Yield what was acknowledged and is not as it should be; all reports have come."""
    for uid, named in record.asked.items():
        committed, failed = record.told.get(uid, (frozenset[str](), frozenset[str]()))
        if (committed, failed) != (named - {ABSENT}, named & {ABSENT}):
            yield f"{uid}: asked for {len(named)} objects, {len(committed)} committed, {len(failed)} failed"
    with open_sqlite(folder / "data") as rows:
        there = dict(rows("SELECT sop_instance_uid, state FROM performed_steps"))
    for uid, acknowledged in record.steps.items():
        if there.get(uid) not in {acknowledged[-1], record.possible[uid]}:
            yield f"{uid}: acknowledged as {acknowledged[-1]}, it is {there.get(uid)}"
    yield from find_damage(folder)


def find_unmoved(record: Record, final: int | None) -> Iterator[str]:
    """Yield what a C-MOVE of the whole study did not deliver."""
    if final != SUCCESS:
        yield f"a C-MOVE after the restart ended with {final}"
    for uid, content in record.objects.items():
        if record.arrived.get(uid) != content:
            yield f"{uid}: moved with other bytes" if uid in record.arrived else f"{uid}: not moved"


@dataclass(frozen=True)
class Outcome:
    """What was acknowledged in all rounds, and what was lost of it."""

    kills: Counter[Service]
    record: Record
    losses: tuple[str, ...]


def run(folder: Path, services: Sequence[Service], seed: int) -> Outcome:
    """Kill the node once for each of `services`, while it is used, then check."""
    rng, record, losses = random.Random(seed), Record(), []  # noqa: S311  # reproducible draws
    with closing(Peer(record)) as peer:
        sections = _CONFIGURATION.format(name="SCANNER", port=peer.port) + _COMPLETION
        with started(NodeProcess(folder, free_port(), sections)) as node:
            store(node.port, record, rng)
            use: dict[Service, Callable[[], object]] = {
                "move": lambda: move(peer, node.port),
                "commitment": lambda: ask_for_commitment(peer, node.port, record, rng),
                "steps": lambda: report_step(peer, node.port, record, rng),
            }
            for number, service in enumerate(services, start=1):
                _kill_during(node, use[service], rng.uniform(0.02, _LONGEST_DELAY))
                record.arrived.clear()
                final = move(peer, node.port)
                losses += [f"round {number}, {service}: {loss}" for loss in find_unmoved(record, final)]
            try:
                wait_for("every report", lambda: record.asked.keys() <= record.told.keys(), seconds=_REPORTED_SECONDS)
            except TimeoutError as error:
                losses.append(str(error))
            losses += [f"serve ended with {code} after SIGTERM"] if (code := node.stop()) else []
    return Outcome(Counter(services), record, (*losses, *find_losses(folder, record)))


def _kill_during(node: NodeProcess, use: Callable[[], object], delay: float) -> None:
    """Use a service again and again until the node is killed, and restart it."""
    given_up = threading.Event()

    def repeat() -> None:
        while not given_up.is_set():
            with suppress(RuntimeError):  # pynetdicom's word for an association that has ended
                use()

    peer = threading.Thread(target=repeat, name="peer", daemon=True)
    peer.start()
    time.sleep(delay)
    node.kill()
    given_up.set()
    peer.join()
    node.start()


def main() -> int:
    """Run the rounds and print the outcome."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    begun = time.monotonic()
    services = [SERVICES[number % len(SERVICES)] for number in range(options.rounds)]
    random.Random(options.seed).shuffle(services)  # noqa: S311  # reproducible draws
    with tempfile.TemporaryDirectory(prefix="coronode-kill-") as folder:
        outcome = run(Path(folder), services, options.seed)
    record = outcome.record
    print(f"{dict(outcome.kills)} kills in {time.monotonic() - begun:.0f} s")
    print(f"{len(record.asked)} requests for commitment acknowledged, {len(record.told)} reported")
    print(f"{sum(map(len, record.steps.values()))} changes of {len(record.steps)} procedure steps acknowledged")
    print(f"{len(outcome.losses)} losses")
    for loss in outcome.losses[:20]:
        print(f"LOST {loss}")
    return 1 if outcome.losses else 0


if __name__ == "__main__":
    sys.exit(main())
