"""A recorded session of a node: it receives over several associations, is killed once, scores, delivers and deletes."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

from pydicom import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from bench.crash import NODE
from bench.killing.clock import Clock
from bench.killing.index import open_sqlite
from bench.killing.node import START_SECONDS, NodeProcess, configure
from bench.killing.pacs import Pacs
from bench.killing.patients import Patient
from bench.killing.waiting import free_port, listens, wait_for
from bench.power.recording import Recorder
from scp.network.errors import AssociationEnded
from scp.network.negotiation import PresentationContext
from scp.network.opening import Opening
from scp.network.requestor import Requestor

DELETING: Final = "deleting"
"""The mark before images of delivered series are deleted."""
REPEATING: Final = "repeating"
"""The mark after it, before the first patient is sent again."""
_BUSY: Final = """
import os, random, sys, time
fsync = os.fsync
os.fsync = lambda descriptor: (time.sleep(random.choice((0, 0, 0.05))), fsync(descriptor))[1]
from scp.cli import main
main()
"""
"""A node on a busy disk: some folders are synchronised later than others that were begun after them."""
_DAYS: Final = 40 * 86400
_REPEATED: Final = 0.1
_SECONDS: Final = 60


@dataclass(frozen=True)
class Plan:
    """What a session has: patients, associations at a time, the setting of durability, and whether it goes to the end.

    A `short` one ends once everything has been received.
    """

    patients: int = 3
    associations: int = 4
    durability: str = "full"
    short: bool = False
    quiet_seconds: float = 3.0

    def configure(self, pacs_port: int) -> str:
        """Return the configuration of the node beside its section `[node]`."""
        quiet = 3600 if self.short else self.quiet_seconds
        storage = f'[storage]\ndurability = "{self.durability}"\n[retention]\nimages_days = 1\n'
        return configure(pacs_port, quiet) + storage


@dataclass(frozen=True)
class Session:
    """What a session left: the recording, the folder with the data folder, the patients, and what the PACS got."""

    recording: Path
    root: Path
    patients: tuple[Patient, ...]
    reports: dict[str, dict[str, list[bytes]]]


def record(folder: Path, slices: Sequence[Dataset], plan: Plan, rng: random.Random) -> Session:
    """Let a node work below `folder` and record it."""
    root, file = folder / "root", folder / "calls"
    root.mkdir()
    patients = tuple(Patient.copy(slices, number, rng) for number in range(plan.patients))
    with closing(Pacs(pause=0.05)) as pacs, Recorder(file, folder / "log") as recorder:
        node = NodeProcess(folder, free_port(), plan.configure(pacs.port), data=root / "data")
        pid = _start(recorder, node)
        some = rng.randrange(1, sum(len(each.images) for each in patients))
        with _sending(node.port, patients, plan, rng):
            wait_for("the first images", lambda: _count_acknowledged(patients) >= some, seconds=2 * _SECONDS)
            recorder.kill(pid)
        pid = _start(recorder, node)
        send(node.port, patients, plan, rng, threading.Event())
        if not plan.short:
            wait_for("every SR", lambda: count_delivered(node.data) == len(patients), seconds=300, pause=0.2)
            recorder.mark(DELETING)
            _delete(recorder, node, folder)
            recorder.mark(REPEATING)
            patients[0].acknowledged.clear()
            send(node.port, patients[:1], plan, rng, threading.Event())
        code = recorder.end(pid, "TERM")
    if code:
        raise RuntimeError(f"serve ended with {code} after SIGTERM")
    return Session(file, root, patients, dict(pacs.documents))


def send(port: int, patients: Sequence[Patient], plan: Plan, rng: random.Random, stop: threading.Event) -> None:
    """Send what is not acknowledged over several associations at once, each image over any of them, some twice.

    The first two of each patient, which are the ends of the scan, come first and so at the same time, the others mixed.
    """
    queue: SimpleQueue[tuple[Patient, str]] = SimpleQueue()
    images = [(patient, list(patient.images)) for patient in patients]
    ends = [(patient, uid) for patient, uids in images for uid in uids[:2]]
    inner = [(patient, uid) for patient, uids in images for uid in uids[2:]]
    for patient, uid in (*ends, *rng.sample(inner, len(inner))):
        if uid not in patient.acknowledged or rng.random() < _REPEATED:
            for _ in range(2 if rng.random() < _REPEATED else 1):
                queue.put((patient, uid))
    senders = [threading.Thread(target=_send, args=(port, queue, stop)) for _ in range(plan.associations)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()


def _send(port: int, queue: SimpleQueue[tuple[Patient, str]], stop: threading.Event) -> None:
    with suppress(OSError, AssociationEnded, Empty):  # the node was killed; nothing is left
        opening = Opening("SCANNER", "CORONODE", "127.0.0.1", port, _SECONDS, _SECONDS, _SECONDS, 131072)
        association = Requestor(opening, [PresentationContext(CTImageStorage, (ExplicitVRLittleEndian,))])
        with suppress(Empty):
            while not stop.is_set():
                patient, uid = queue.get_nowait()
                if association.store(association.accepted_contexts[0], uid, patient.payload(uid)).status == 0:
                    patient.acknowledged.add(uid)
        association.release()


@contextmanager
def _sending(port: int, patients: Sequence[Patient], plan: Plan, rng: random.Random) -> Iterator[None]:
    """Send beside what is done in the block, and no longer."""
    stop = threading.Event()
    sender = threading.Thread(target=send, args=(port, patients, plan, rng, stop))
    sender.start()
    try:
        yield
    finally:
        stop.set()
        sender.join()


def _count_acknowledged(patients: Sequence[Patient]) -> int:
    return sum(len(patient.acknowledged) for patient in patients)


def _start(recorder: Recorder, node: NodeProcess) -> int:
    pid = recorder.start([sys.executable, "-c", _BUSY, "serve", "--config", str(node.config)], {"OMP_NUM_THREADS": "1"})
    wait_for("the node to listen", lambda: listens(node.port), seconds=START_SECONDS, pause=0.05)
    return pid


def _delete(recorder: Recorder, node: NodeProcess, folder: Path) -> None:
    """Let the rules of retention delete the images, by a clock that is some weeks ahead."""
    clock = Clock(folder / "clock")
    clock.set(_DAYS)
    command = [*NODE[:-2], "retention", "run", "--yes", "--config", str(node.config)]
    if code := recorder.run(command, clock.environment):
        raise RuntimeError(f"retention run ended with {code}")


def count_delivered(data: Path) -> int:
    """Count the series whose result every destination has."""
    with open_sqlite(data) as rows:
        return int(rows("SELECT count(*) FROM series WHERE state = 'delivered'")[0][0])
