"""Kill the node repeatedly while it works, and prove that nothing was lost.

In each round a scanner sends a new patient to a real `coronode serve`; at a random moment during receiving, scoring or
sending, the node is ended with SIGKILL and restarted, while the scanner resends whatever was not acknowledged. At the
end every acknowledged instance must be in the index and on disk with the bytes that were sent, and the PACS must
hold exactly one SR for each series.

    python -m bench.kill --rounds 20 --seed 1
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from pydicom import Dataset, dcmread

from bench.killing import losses as searching
from bench.killing.index import open_sqlite
from bench.killing.node import NodeProcess, configure, started
from bench.killing.objects import FolderObjects
from bench.killing.pacs import Pacs
from bench.killing.patients import SPEC, Patient, Scanner
from bench.killing.waiting import free_port, wait_for
from scoring.phantom.phantom import make_phantom
from scoring.phantom.series import write_series

Phase = Literal["receiving", "scoring", "sending"]
PHASES: Final[tuple[Phase, ...]] = get_args(Phase)
_LONGEST_DELAY: Final[dict[Phase, float]] = {"receiving": 0.05, "scoring": 1.0, "sending": 0.3}


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
            scanners.append(Scanner(patient, lambda: [node.port], random.Random(rng.random())))  # noqa: S311
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
    with open_sqlite(folder / "data") as rows:
        found = rows("SELECT state FROM series WHERE series_instance_uid = ?", patient.series_instance_uid)
        return list(found) == [("delivered",)]


def find_losses(folder: Path, patient: Patient, reports: dict[str, list[bytes]]) -> Iterator[str]:
    """Yield everything of a patient that is missing, changed or duplicated."""
    with open_sqlite(folder / "data") as rows:
        yield from searching.find_losses(rows, FolderObjects(folder / "data/objects"), patient, reports)


def find_damage(folder: Path) -> list[str]:
    """Return half-written files after a restart, and damage to the database."""
    left = list(searching.find_half_written(FolderObjects(folder / "data/objects")))
    with open_sqlite(folder / "data") as rows:
        checked = list(rows("PRAGMA integrity_check"))
    return left + ([] if checked == [("ok",)] else [f"database: {checked}"])


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
