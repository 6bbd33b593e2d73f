"""Kill the processes of a group while it works, and prove that nothing was lost.

    python -m bench.kill_group --rounds 1000 --seed 1 --jobs 2 --log kills.jsonl
    python -m bench.kill_group --rounds 200 --s3 --longest-pause 6

A block of rounds has a group of its own: nodes on one PostgreSQL server and one folder or, with `--s3`, one bucket, a
PACS, and scanners that always have some patients under way and resend what was not acknowledged. In each round a member
of the group, one of their scoring processes, the database server or the S3 service is ended at a random moment with
SIGKILL (the database at times by an immediate shutdown) and started again, a member at times only after the others have
taken over what it had. At the end of a block everything comes to rest. Then every acknowledged instance must be in the
index and in folder or bucket with the bytes that were sent, each series scored once, the PACS must hold one SR of each,
and no file, row or claim may be left.

With `--log` a line is written for each block; a later run with the same log, seed and rounds goes on after the last.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from pydicom import Dataset, dcmread

from bench.killing import losses as searching
from bench.killing.bucket import serve_s3
from bench.killing.group import Group
from bench.killing.node import NodeProcess
from bench.killing.pacs import Pacs
from bench.killing.patients import SPEC, Patient, Scanner
from bench.killing.postgresql import Ending, PostgresServer
from bench.killing.waiting import wait_for
from bench.usage import members as processes
from scoring.phantom.phantom import make_phantom
from scoring.phantom.series import write_series

Victim = Literal["member", "scorer", "database", "s3"]
WEIGHTS: Final[dict[Victim, int]] = {"member": 4, "scorer": 4, "database": 2, "s3": 2}
LONGEST_PAUSE: Final = 2.5
"""Seconds from one kill to the next, at most."""
AWAY: Final = 0.3
"""Probability that a killed member stays away until the others have taken over."""
TAKEN_OVER_SECONDS: Final = 30.0
"""Within which a dead member's claims must be another's."""
ROUNDS_A_BLOCK: Final = 25
UNDER_WAY: Final = 3
_ENDINGS: Final[tuple[Ending, ...]] = ("kill", "immediate")
_REST_SECONDS: Final = 300.0


@dataclass
class Block:
    """What happened in a block; `losses` is empty if nothing was lost.

    `phases` counts the patients under way at each kill; `taken_over` are seconds from the end of a member that stayed
    away until the others had struck it off.
    """

    number: int
    rounds: int
    kills: Counter[str] = field(default_factory=Counter)
    phases: Counter[str] = field(default_factory=Counter)
    taken_over: list[float] = field(default_factory=list)
    patients: int = 0
    acknowledged: int = 0
    copies: int = 0
    losses: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Campaign:
    """One block: a group under fire."""

    def __init__(
        self,
        block: Block,
        group: Group,
        pacs: Pacs,
        slices: Sequence[Dataset],
        rng: random.Random,
        away: float,
        longest_pause: float = LONGEST_PAUSE,
    ) -> None:
        self._block, self._group, self._pacs, self._slices, self._rng = block, group, pacs, slices, rng
        self._away, self._longest_pause = away, longest_pause
        self._victims = [victim for victim in WEIGHTS if victim != "s3" or group.s3 is not None]
        self.patients: list[Patient] = []
        self._scanners: list[Scanner] = []

    def run(self, under_way: int) -> None:
        """Kill in every round, then let everything come to rest."""
        for _ in range(self._block.rounds):
            deadline = time.monotonic() + self._rng.uniform(0.1, self._longest_pause)
            while time.monotonic() < deadline:
                self._feed(under_way)
                time.sleep(0.05)
            self._note_phases()
            self._strike()
        self._group.settle()
        try:
            wait_for("the scanners to end", lambda: not any(item.is_alive() for item in self._scanners), seconds=120)
            wait_for("every SR", lambda: all(map(self._is_delivered, self.patients)), seconds=_REST_SECONDS, pause=0.3)
        except TimeoutError as error:
            self._block.losses.append(str(error))
        for scanner in self._scanners:
            scanner.given_up.set()

    def _feed(self, under_way: int) -> None:
        """Send a new patient when fewer are under way."""
        if sum(not self._is_at_pacs(patient) for patient in self.patients) < under_way:
            patient = Patient.copy(self._slices, len(self.patients) + 1, self._rng)
            self.patients.append(patient)
            scanner = Scanner(patient, self._group.ports, random.Random(self._rng.random()), pause=0.2)  # noqa: S311
            self._scanners.append(scanner)
            scanner.start()

    def _strike(self) -> None:
        victim = self._rng.choices(self._victims, [WEIGHTS[each] for each in self._victims])[0]
        if victim == "s3" and self._group.s3 is not None:
            self._block.kills["s3"] += 1
            self._group.s3.kill()
            time.sleep(self._rng.uniform(0, 2))
            self._group.s3.start()
            return
        if victim == "database":
            ending = self._rng.choice(_ENDINGS)
            self._block.kills[f"database, {ending}"] += 1
            self._group.server.end(ending)
            time.sleep(self._rng.uniform(0, 2))
            self._group.server.start()
            return
        wait_for("a member that runs", lambda: bool(self._group.running()), seconds=60)
        member = self._rng.choice(self._group.running())
        scorers = [found for each in self._group.running() if (found := find_scorer(each)) is not None]
        scorer = self._rng.choice(scorers) if victim == "scorer" and scorers else None
        if scorer is not None:
            self._block.kills["scorer"] += 1
            with suppress(ProcessLookupError):
                os.kill(scorer, signal.SIGKILL)
        elif self._rng.random() < self._away and len(self._group.running()) > 1 and self._is_listed(member.pid):
            self._block.kills["member, kept away"] += 1
            self._take_over(member)
        else:
            self._block.kills["member"] += 1
            self._group.kill(member)

    def _take_over(self, member: NodeProcess) -> None:
        """Kill a member and bring it back when the others have struck it off, which hands on all that it had."""
        pid = member.pid
        self._group.kill(member, keep_away=True)
        killed = time.monotonic()
        try:
            wait_for("a dead member to be struck off", lambda: not self._is_listed(pid), seconds=90, pause=0.1)
            self._block.taken_over.append(round(time.monotonic() - killed, 1))
        except TimeoutError as error:
            self._block.losses.append(str(error))
        self._group.bring_back()

    def _is_listed(self, pid: int | None) -> bool:
        with self._group.rows() as rows:
            return bool(rows("SELECT 1 FROM members WHERE pid = ?", pid))

    def _note_phases(self) -> None:
        for patient in self.patients:
            if not patient.is_acknowledged:
                self._block.phases["receiving"] += 1
            elif not self._is_at_pacs(patient):
                if patient.study_instance_uid in self._pacs.arriving:
                    self._block.phases["sending"] += 1
                else:
                    scoring = self._group.has_logged("scoring", patient.series_instance_uid)
                    self._block.phases["scoring" if scoring else "waiting"] += 1

    def _is_at_pacs(self, patient: Patient) -> bool:
        return patient.study_instance_uid in self._pacs.documents

    def _is_delivered(self, patient: Patient) -> bool:
        if not self._is_at_pacs(patient):
            return False
        with self._group.rows() as rows:
            found = rows("SELECT state FROM series WHERE series_instance_uid = ?", patient.series_instance_uid)
        return list(found) == [("delivered",)]


def find_scorer(member: NodeProcess) -> int | None:
    """Find the scoring process of a member: the child that `multiprocessing` has spawned, with the most memory."""
    found = []
    for pid, _ in processes(member.pid or 0):
        with suppress(OSError):
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            if b"spawn_main" in command:
                found.append((int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]), pid))
    return max(found)[1] if found else None


def run(
    number: int,
    rounds: int,
    seed: int,
    *,
    folder: Path,
    slices: Sequence[Dataset],
    members: int,
    quiet_seconds: float,
    under_way: int = UNDER_WAY,
    away: float = AWAY,
    longest_pause: float = LONGEST_PAUSE,
    in_bucket: bool = False,
) -> Block:
    """Run one block in a folder, and search for losses. Raises FileNotFoundError without the programs it needs."""
    began, block = time.monotonic(), Block(number, rounds)
    rng = random.Random(f"{seed}:{number}")  # noqa: S311  # reproducible draws
    with ExitStack() as opened:
        server, pacs = opened.enter_context(closing(PostgresServer())), opened.enter_context(closing(Pacs()))
        server.start()
        s3 = opened.enter_context(serve_s3(folder)) if in_bucket else None
        with closing(Group(folder, server, pacs.port, quiet_seconds, [()] * members, s3)) as group:
            group.start()
            campaign = Campaign(block, group, pacs, slices, rng, away, longest_pause)
            campaign.run(under_way)
            block.losses += group.stop()
            block.losses += [
                f"member {member} ended by itself with {code}" for member, code in group.ended if code not in (0, 1)
            ]
            block.losses += list(find_losses(group, campaign.patients, pacs))
    block.patients = len(campaign.patients)
    block.acknowledged = sum(len(patient.acknowledged) for patient in campaign.patients)
    block.copies = sum(len(copies) for received in pacs.documents.values() for copies in received.values())
    late = [seconds for seconds in block.taken_over if seconds > TAKEN_OVER_SECONDS]
    block.losses += [f"{seconds} s until a dead member's claims were another's" for seconds in late]
    block.seconds = round(time.monotonic() - began, 1)
    return block


def find_losses(group: Group, patients: Iterable[Patient], pacs: Pacs) -> Iterable[str]:
    """Yield everything that is missing, changed or too much in a group that has been stopped."""
    with group.rows() as rows:
        for patient in patients:
            yield from searching.find_losses(rows, group.kept, patient, pacs.documents[patient.study_instance_uid])
        yield from searching.find_surplus(rows, group.kept)
        yield from searching.find_claims(rows)
        yield from searching.find_members_left(rows)
    for member in group.members:
        yield from (f"{member.folder.name}: {found}" for found in searching.find_tracebacks(member.log()))


def run_block(number: int, options: argparse.Namespace) -> Block:
    """Run one block in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="coronode-kill-") as name:
        folder = Path(name)
        slices = [dcmread(path) for path in write_series(make_phantom(SPEC), folder / "phantom")]
        rounds = min(ROUNDS_A_BLOCK, options.rounds - number * ROUNDS_A_BLOCK)
        block = run(
            number,
            rounds,
            options.seed,
            folder=folder,
            slices=slices,
            members=options.members,
            quiet_seconds=options.quiet_seconds,
            longest_pause=options.longest_pause,
            in_bucket=options.s3,
        )
        if block.losses and options.keep:
            folder.rename(options.keep / f"block-{number}")
            folder.mkdir()
        return block


def main() -> int:
    """Run the blocks and print the outcome."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="groups at the same time")
    parser.add_argument("--members", type=int, default=3)
    parser.add_argument("--quiet-seconds", type=float, default=3.0)
    parser.add_argument("--longest-pause", type=float, default=LONGEST_PAUSE, help="seconds from one kill to the next")
    parser.add_argument("--s3", action="store_true", help="keep the objects in a bucket, and kill its service, too")
    parser.add_argument("--log", type=Path, help="note each block here, and go on after the last one")
    parser.add_argument("--keep", type=Path, help="keep the folders of blocks with losses here")
    options = parser.parse_args()
    done = read(options.log, options.seed)
    numbers = [number for number in range(-(-options.rounds // ROUNDS_A_BLOCK)) if number not in done]
    with ProcessPoolExecutor(options.jobs) as pool:
        for block in pool.map(run_block, numbers, [options] * len(numbers)):
            done[block.number] = block
            note(options.log, options.seed, block)
            print(
                f"block {block.number}: {block.rounds} kills, {block.seconds} s, {len(block.losses)} losses", flush=True
            )
    return report(list(done.values()))


def report(blocks: Sequence[Block]) -> int:
    """Print a table and a summary as JSON; return 1 if anything was lost."""
    kills, phases = sum((block.kills for block in blocks), Counter[str]()), Counter[str]()
    for block in blocks:
        phases.update(block.phases)
    for title, counter in (("kills", kills), ("patients at the kills", phases)):
        print(f"\n{title}")
        for key, count in sorted(counter.items()):
            print(f"  {key:24} {count:6}")
    taken = sorted(seconds for block in blocks for seconds in block.taken_over)
    lost = [f"block {block.number}: {loss}" for block in blocks for loss in block.losses]
    summary = {
        "rounds": sum(block.rounds for block in blocks),
        "series": sum(block.patients for block in blocks),
        "acknowledged": sum(block.acknowledged for block in blocks),
        "transfers": sum(block.copies for block in blocks),
        "kills": dict(kills),
        "phases": dict(phases),
        "taken_over": taken,
        "losses": len(lost),
    }
    print(f"\n{summary['rounds']} kills, {summary['series']} series, {summary['acknowledged']} images acknowledged,")
    print(f"{summary['transfers']} transfers to the PACS, dead members struck off within {max(taken, default=0.0)} s")
    print(f"{len(lost)} losses")
    for loss in lost[:20]:
        print(f"LOST {loss}")
    print(json.dumps(summary))
    return 1 if lost else 0


def note(log: Path | None, seed: int, block: Block) -> None:
    """Write a block into the log."""
    if log is not None:
        with log.open("a") as file:
            file.write(json.dumps({"seed": seed, **vars(block)}) + "\n")


def read(log: Path | None, seed: int) -> dict[int, Block]:
    """Read the blocks of a seed that are done."""
    done = {}
    for line in map(json.loads, log.read_text().splitlines() if log is not None and log.exists() else []):
        if line.pop("seed") == seed:
            line |= {name: Counter(line[name]) for name in ("kills", "phases")}
            done[int(line["number"])] = Block(**line)
    return done


if __name__ == "__main__":
    sys.exit(main())
