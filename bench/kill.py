"""Kill the node repeatedly while it works, and prove that nothing was lost.

In each round a scanner sends a new patient to a real `coronode serve`; at a random moment during receiving, scoring or
sending, the node is ended with SIGKILL and restarted, while the scanner resends whatever was not acknowledged. At the
end every acknowledged instance must be in the index and on disk with the bytes that were sent, and the PACS must
hold exactly one SR for each series.

    python bench/kill.py --rounds 20 --seed 1
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args

from pydicom import Dataset, dcmread
from pydicom.uid import ComprehensiveSRStorage, CTImageStorage, ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE, evt
from pynetdicom.dsutils import encode

from scoring.phantom.phantom import make_phantom
from scoring.phantom.series import write_series
from scoring.phantom.spec import PhantomSpec
from scp.network.errors import AssociationEnded
from scp.network.negotiation import PresentationContext
from scp.network.opening import Opening
from scp.network.requestor import Requestor

Phase = Literal["receiving", "scoring", "sending"]
PHASES: Final[tuple[Phase, ...]] = get_args(Phase)
SPEC: Final = PhantomSpec(
    matrix=128, slice_thickness_mm=5, slice_increment_mm=5, above_left_main_mm=45, below_left_main_mm=100
)
"""A small patient that is scored within a second or two."""
_SUCCESS: Final = 0
_LONGEST_DELAY: Final[dict[Phase, float]] = {"receiving": 0.05, "scoring": 1.0, "sending": 0.3}


@dataclass
class Patient:
    """A series as the scanner has it, and the instances that the node has acknowledged."""

    study_instance_uid: str
    series_instance_uid: str
    images: dict[str, Dataset]
    acknowledged: set[str] = field(default_factory=set)

    @classmethod
    def copy(cls, slices: Sequence[Dataset], number: int, rng: random.Random) -> Patient:
        """Copy the images under new UIDs and in a different order."""
        study, series, images = generate_uid(), generate_uid(), {}
        for original in rng.sample(list(slices), len(slices)):
            image = deepcopy(original)
            image.PatientID = f"KILL-{number}"
            image.StudyInstanceUID, image.SeriesInstanceUID = study, series
            image.SOPInstanceUID = generate_uid()
            images[str(image.SOPInstanceUID)] = image
        return cls(study, series, images)

    def payload(self, sop_instance_uid: str) -> bytes:
        """Return the encoded data set as transmitted."""
        encoded = encode(self.images[sop_instance_uid], is_implicit_vr=False, is_little_endian=True)
        return encoded or b""


class Scanner(threading.Thread):
    """Sends one patient until every image is acknowledged, over as many associations as it takes."""

    def __init__(self, patient: Patient, port: int, rng: random.Random) -> None:
        super().__init__(name="scanner", daemon=True)
        self._patient = patient
        self._opening = Opening("SCANNER", "CORONODE", "127.0.0.1", port, 10, 10, 10, 131072)
        self._rng = rng
        self.given_up = threading.Event()

    def run(self) -> None:
        """Send; like some scanners, at times start again from the first image after a broken association."""
        patient, again = self._patient, False
        while len(patient.acknowledged) < len(patient.images) and not self.given_up.is_set():
            self._send([uid for uid in patient.images if again or uid not in patient.acknowledged])
            again = self._rng.random() < 0.5  # noqa: PLR2004
            time.sleep(0.05)

    def _send(self, uids: Sequence[str]) -> None:
        with suppress(OSError, AssociationEnded):  # the node was killed
            association = Requestor(self._opening, [PresentationContext(CTImageStorage, (ExplicitVRLittleEndian,))])
            for uid in uids:
                answer = association.store(association.accepted_contexts[0], uid, self._patient.payload(uid))
                if answer.status != _SUCCESS:
                    break
                self._patient.acknowledged.add(uid)
            association.release()


class Pacs:
    """Receives SRs and keeps them by study and SOP Instance UID."""

    def __init__(self, pause: float = 0.2) -> None:
        self.documents: defaultdict[str, dict[str, list[bytes]]] = defaultdict(dict)
        self.arriving: list[str] = []
        self._pause = pause
        ae = AE("PACS")
        ae.add_supported_context(ComprehensiveSRStorage, ExplicitVRLittleEndian)
        self._server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, self._on_store)])
        self.port = int(self._server.server_address[1])

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()

    def _on_store(self, event: evt.Event) -> int:
        study = str(event.dataset.StudyInstanceUID)
        self.arriving.append(study)
        time.sleep(self._pause)  # a window in which the sender can die: half before archiving, half after
        sop = str(event.request.AffectedSOPInstanceUID)
        self.documents[study].setdefault(sop, []).append(event.encoded_dataset(include_meta=False))
        time.sleep(self._pause)
        return _SUCCESS


def configure(pacs_port: int, quiet_seconds: float) -> str:
    """Return the configuration of a node with one destination, beside its section `[node]`."""
    return f"""
[peers.PACS]
ae_title = "PACS"
host = "127.0.0.1"
port = {pacs_port}
[completion]
quiet_seconds = {quiet_seconds}
[results]
destinations = ["PACS"]
documents = ["sr"]
retry_first_seconds = 0.5
"""


class NodeProcess:
    """`coronode serve` in a process group of its own, its log in a file; `sections` are added to its configuration."""

    def __init__(self, folder: Path, port: int, sections: str) -> None:
        self.folder, self.port = folder, port
        self._log = folder / "log.jsonl"
        self._config = folder / "coronode.toml"
        self._config.write_text(
            f"""
[node]
port = {port}
data_dir = {json.dumps(str(folder / "data"))}
accept_unknown_peers = true
reserve_mb = 0
log_format = "json"
[web]
port = 0
{sections}""",
            encoding="utf-8",
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the node and wait until it listens."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", "from scp.cli import main; main()", "serve", "--config", str(self._config)],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for("the node to listen", self._listens, seconds=90)

    def kill(self) -> None:
        """Send SIGKILL to the node alone: its child processes must end by themselves."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        return self._end(signal.SIGTERM)

    def has_logged(self, event: str, series_instance_uid: str) -> bool:
        """Return whether the log contains an event of a series."""
        return any(f'"event": "{event}"' in line and series_instance_uid in line for line in self.log().splitlines())

    def log(self) -> str:
        """Return everything that the node has logged since its first start."""
        return self._log.read_text(encoding="utf-8")

    def _end(self, number: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        os.kill(process.pid, number)
        try:
            return process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def _listens(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError(f"the node ended by itself; its log:\n{self.log()[-4000:]}")
        with closing(socket.socket()) as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@dataclass(frozen=True)
class Kill:
    """One round: when the node was killed, and how much of that patient it had acknowledged by then."""

    number: int
    phase: Phase
    delay: float
    acknowledged: int
    restart_seconds: float


@dataclass(frozen=True)
class Outcome:
    """The state after all rounds; `losses` is empty if nothing was lost.

    `documents` are the copies that the PACS received, by study and SOP Instance UID.
    """

    kills: tuple[Kill, ...]
    patients: tuple[Patient, ...]
    documents: dict[str, dict[str, list[bytes]]]
    acknowledged: int
    reports: int
    copies: int
    losses: tuple[str, ...]
    seconds: float


def run(
    folder: Path, slices: Sequence[Dataset], *, phases: Sequence[Phase], seed: int, quiet_seconds: float
) -> Outcome:
    """One round for each of `phases`, then the check. `slices` is the series whose copies the scanner sends."""
    began, rng = time.monotonic(), random.Random(seed)  # noqa: S311
    kills, patients, scanners = [], [], []
    with (
        closing(Pacs()) as pacs,
        started(NodeProcess(folder, free_port(), configure(pacs.port, quiet_seconds))) as node,
    ):
        for number, phase in enumerate(phases, start=1):
            patient = Patient.copy(slices, number, rng)
            patients.append(patient)
            scanners.append(Scanner(patient, node.port, random.Random(rng.random())))  # noqa: S311
            scanners[-1].start()
            wait_for(f"{phase} in round {number}", moment(phase, patient, node, pacs, rng), seconds=120)
            delay = rng.uniform(0, _LONGEST_DELAY[phase])
            time.sleep(delay)
            node.kill()
            acknowledged, killed = len(patient.acknowledged), time.monotonic()
            node.start()
            kills.append(Kill(number, phase, delay, acknowledged, time.monotonic() - killed))
        try:
            wait_for("the scanner to end", lambda: not any(item.is_alive() for item in scanners), seconds=120)
            wait_for("every SR", lambda: all(delivered(folder, patient) for patient in patients), seconds=180)
            losses = []
        except TimeoutError as error:
            losses = [str(error)]
        for scanner in scanners:
            scanner.given_up.set()
        code = node.stop()
        losses += [f"serve ended with {code} after SIGTERM"] if code else []
    documents = {patient.study_instance_uid: pacs.documents[patient.study_instance_uid] for patient in patients}
    losses += [
        loss for patient in patients for loss in find_losses(folder, patient, documents[patient.study_instance_uid])
    ]
    losses += find_damage(folder)
    reports = [copies for received in documents.values() for copies in received.values()]
    return Outcome(
        kills=tuple(kills),
        patients=tuple(patients),
        documents=documents,
        acknowledged=sum(len(patient.acknowledged) for patient in patients),
        reports=len(reports),
        copies=sum(map(len, reports)),
        losses=tuple(losses),
        seconds=time.monotonic() - began,
    )


def moment(phase: Phase, patient: Patient, node: NodeProcess, pacs: Pacs, rng: random.Random) -> Callable[[], bool]:
    """Return a condition that becomes true when the node is in `phase` with this patient."""
    if phase == "receiving":
        images = rng.randrange(1, len(patient.images) - 1)
        return lambda: len(patient.acknowledged) >= images
    if phase == "scoring":
        return lambda: node.has_logged("scoring", patient.series_instance_uid)
    return lambda: patient.study_instance_uid in pacs.arriving


def delivered(folder: Path, patient: Patient) -> bool:
    """Return whether the node knows that the PACS has this patient's result."""
    with index(folder) as rows:
        return rows("SELECT state FROM series WHERE series_instance_uid = ?", patient.series_instance_uid) == [
            ("delivered",)
        ]


def find_losses(folder: Path, patient: Patient, reports: dict[str, list[bytes]]) -> Iterator[str]:
    """Yield everything of a patient that is missing, changed or duplicated."""
    with index(folder) as rows:
        for uid in sorted(patient.acknowledged):
            paths = rows("SELECT path FROM instances WHERE sop_instance_uid = ?", uid)
            file = folder / "data/objects" / paths[0][0] if len(paths) == 1 else None
            if file is None:
                yield f"{uid}: acknowledged, {len(paths)} times in the index"
            elif not file.is_file():
                yield f"{uid}: acknowledged, its file is missing"
            elif not file.read_bytes().endswith(patient.payload(uid)) or dcmread(file).SOPInstanceUID != uid:
                yield f"{uid}: acknowledged, stored with other bytes"
        results = rows(
            "SELECT r.version, r.sr_sop_instance_uid FROM results r WHERE r.series_instance_uid = ?",
            patient.series_instance_uid,
        )
        states = rows("SELECT state, version FROM series WHERE series_instance_uid = ?", patient.series_instance_uid)
    if states != [("delivered", 1)]:
        yield f"{patient.series_instance_uid}: state and version are {states}, expected delivered, 1"
    if len(reports) != 1 or [uid for _, uid in results] != list(reports):
        yield f"{patient.series_instance_uid}: the PACS has {sorted(reports)}, the index {results}"
    yield from (f"{uid}: sent again with other bytes" for uid, copies in reports.items() if len(set(copies)) > 1)


def find_damage(folder: Path) -> list[str]:
    """Return half-written files after a restart, and damage to the database."""
    left = [f"half-written file {path.name}" for path in (folder / "data/objects/incoming").iterdir()]
    with index(folder) as rows:
        checked = rows("PRAGMA integrity_check")
    return left + ([] if checked == [("ok",)] else [f"database: {checked}"])


@contextmanager
def index(folder: Path) -> Iterator[Callable[..., list[tuple[Any, ...]]]]:
    """Open the node's database for reading from outside."""
    file = folder / "data/coronode.sqlite"
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
        yield lambda query, *values: connection.execute(query, values).fetchall()


@contextmanager
def started(node: NodeProcess) -> Iterator[NodeProcess]:
    """Start a node, and kill it at the end."""
    node.start()
    try:
        yield node
    finally:
        node.kill()


def wait_for(what: str, condition: Callable[[], bool], *, seconds: float) -> None:
    """Wait until the condition is true. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(0.01)


def free_port() -> int:
    """Return a port on which nobody is listening."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def plan(rounds: int, rng: random.Random) -> list[Phase]:
    """Return the phases in random order, each equally often."""
    phases = [PHASES[number % len(PHASES)] for number in range(rounds)]
    rng.shuffle(phases)
    return phases


def main() -> int:
    """Run the rounds and print the outcome."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quiet-seconds", type=float, default=3.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coronode-kill-") as name:
        folder = Path(name)
        slices = [dcmread(path) for path in write_series(make_phantom(SPEC), folder / "phantom")]
        phases = plan(options.rounds, random.Random(options.seed))  # noqa: S311
        outcome = run(folder, slices, phases=phases, seed=options.seed, quiet_seconds=options.quiet_seconds)
    print("round  killed while  delay s  acknowledged  restart s")
    for kill in outcome.kills:
        print(
            f"{kill.number:5}  {kill.phase:12}  {kill.delay:7.3f}  {kill.acknowledged:12}  {kill.restart_seconds:9.1f}"
        )
    print(f"{outcome.acknowledged} images acknowledged, {len(outcome.patients)} series, {outcome.reports} SRs at the")
    print(f"PACS in {outcome.copies} transfers, {outcome.seconds:.0f} s, {len(outcome.losses)} losses")
    for loss in outcome.losses:
        print(f"LOST {loss}")
    return 1 if outcome.losses else 0


if __name__ == "__main__":
    sys.exit(main())
