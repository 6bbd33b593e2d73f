"""Cut the power of a node at many moments of its work, and prove that nothing acknowledged is lost.

A real `coronode serve` receives series over several associations, is killed and started again, scores, delivers, and
deletes by the rules of retention, while strace records what it asks of the disk and what it sends. A model of a disk
that keeps only what was synchronised, and any part of the rest (`bench/power/disk.py`), then makes what may be left
after a cut at each of many moments. From each the node must open with every image that was acknowledged before, byte by
byte, every document that was sent, no row without its whole file and none that was deleted; and it must take all series
again. From some of them a real node is started, which must score and deliver what is sent to it as ever.

    python -m bench.power_cut --cuts 200 --seed 1
"""

from __future__ import annotations

import argparse
import hashlib
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

from pydicom import Dataset, dcmread
from pydicom.uid import ExplicitVRLittleEndian

from bench.killing.patients import SPEC
from bench.power.disk import BEST, WORST, Cut, Mood, write_out
from bench.power.examining import Expected, Images, expect, find_faults
from bench.power.recording import read_calls
from bench.power.replay import Replay
from bench.power.session import Plan, Session, record
from bench.power.starting import find_faults_of_start
from dicom.process import configure_process
from scoring.phantom.phantom import make_phantom
from scoring.phantom.series import write_series
from scp import logs
from storage.objects.header import instance_name

_NEAR: Final = 30
"""So many system calls after a response the power goes in every second cut."""


@dataclass(frozen=True)
class Outcome:
    """What the cuts showed: faults, each with its cut, and of how much they could have been found."""

    faults: tuple[str, ...]
    images: int
    calls: int
    starts: int
    losing: int
    """Cuts at which something that had been written or named was not on the disk."""
    seconds: float


class Disk:
    """The disk of a recorded session, and what must be on it. Raises ValueError where the recording is not faithful."""

    def __init__(self, session: Session, deaf_to: str | None = None) -> None:
        self.session = session
        self.replay = Replay(session.root, deaf_to)
        calls = read_calls(session.recording)
        self.calls = len(calls)
        self.replay.play(calls)
        self._check()
        self.series: Mapping[str, Images] = {
            patient.series_instance_uid: {uid: patient.payload(uid) for uid in patient.images}
            for patient in session.patients
        }
        self.documents = self._read_documents()

    def draw_moment(self, rng: random.Random) -> int:
        """Draw a moment at which the power goes: soon after something was sent, or at any change of the disk."""
        if rng.random() < 0.5:  # noqa: PLR2004
            return rng.choice([*self.replay.stored, *self.replay.offered]).moment + rng.randrange(1, _NEAR)
        return rng.choice(self.replay.moments) + 1

    def write_out(self, moment: int, mood: Mood, rng: random.Random, target: Path) -> Path:
        """Write what a cut leaves into a new folder, and return the data folder."""
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        write_out(Cut(moment, mood, rng).list_entries(self.replay.disk, PurePosixPath()), target)
        return target / "data"

    def expect(self, moment: int) -> Expected:
        """Return what must be there after a cut at a moment."""
        return expect(self.replay, moment, self.series, self.documents)

    def find_unsafe(self) -> Iterator[str]:
        """Yield the images of which something was not synchronised when they were acknowledged.

        Their rows are seen by opening the index alone; this looks at every response, with everything lost that can be.
        """
        for told in self.replay.stored:
            left = Cut(told.moment + 1, WORST, random.Random(0))  # noqa: S311  # nothing is drawn
            there = dict(left.list_entries(self.replay.disk, PurePosixPath()))
            series, data = next(
                (uid, images[told.about]) for uid, images in self.series.items() if told.about in images
            )
            study = next(
                each.study_instance_uid for each in self.session.patients if each.series_instance_uid == series
            )
            digest = hashlib.sha256(ExplicitVRLittleEndian.encode() + data).hexdigest()
            name = instance_name(study, series, told.about, digest)
            if not (there.get(PurePosixPath("data/objects", name)) or b"").endswith(data):
                yield f"{told.about}: acknowledged at call {told.moment}, and not on the disk"

    def _check(self) -> None:
        """Compare the model with the folder at the end, and the responses with what the scanner got."""
        root, there = self.session.root, self.replay.read_all()
        real = {str(path.relative_to(root)): path for path in root.rglob("*") if path.is_file()}
        if there.keys() != real.keys() or any(real[name].read_bytes() != data for name, data in there.items()):
            raise ValueError("the recording does not lead to the files that are there")
        stored = {told.about for told in self.replay.stored}
        if not {uid for patient in self.session.patients for uid in patient.acknowledged} <= stored:
            raise ValueError("the recording lacks responses that the scanner got")

    def _read_documents(self) -> dict[str, bytes]:
        data = self.session.root / "data"
        # the node has ended in order and left all in this file; to open it as usual would make others
        uri = f"{(data / 'coronode.sqlite').as_uri()}?immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as index:
            paths = dict(index.execute("SELECT sop_instance_uid, path FROM instances").fetchall())
        offered = {told.about for told in self.replay.offered}
        return {uid: (data / "objects" / paths[uid]).read_bytes() for uid in offered}


def run(folder: Path, slices: Sequence[Dataset], plan: Plan, *, cuts: int, starts: int, seed: int) -> Outcome:
    """Record a session below `folder`, then cut the power `cuts` times; a node is started after the first `starts`.

    `slices` is the series whose copies the scanner sends.
    """
    rng = random.Random(seed)  # noqa: S311  # reproducible draws
    return cut(folder, Disk(record(folder, slices, plan, rng)), plan, rng, cuts=cuts, starts=starts)


def cut(folder: Path, disk: Disk, plan: Plan, rng: random.Random, *, cuts: int, starts: int) -> Outcome:
    """Cut the power of a recorded session, as `run` does."""
    began = time.monotonic()
    target, faults, losing = folder / "after", list(disk.find_unsafe()), 0
    for number in range(cuts):
        moment, mood, draws = disk.draw_moment(rng), Mood.draw(rng), rng.random()
        expected = disk.expect(moment)
        what = f"cut {number} at call {moment}, {mood}"
        data = disk.write_out(moment, mood, random.Random(draws), target)  # noqa: S311
        losing += _has_lost(disk, moment, target)
        faults += [f"{what}: {fault}" for fault in find_faults(data, expected)]
        if number < starts:
            data = disk.write_out(moment, mood, random.Random(draws), target)  # noqa: S311
            place = folder / f"start-{number}"
            place.mkdir()
            faults += [
                f"{what}: after a start: {fault}"
                for fault in find_faults_of_start(data, place, disk.session, expected, plan, rng)
            ]
    images = sum(len(patient.acknowledged) for patient in disk.session.patients)
    return Outcome(tuple(faults), images, disk.calls, starts, losing, time.monotonic() - began)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--starts", type=int, default=8, help="after so many of them a real node is started")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patients", type=int, default=3)
    parser.add_argument("--associations", type=int, default=4)
    parser.add_argument("--relaxed", action="store_true", help='storage.durability = "relaxed": objects must be lost')
    options = parser.parse_args()
    logs.configure("critical", "text")
    configure_process()
    plan = Plan(options.patients, options.associations)
    if options.relaxed:
        plan = replace(plan, durability="relaxed", short=True)
    with tempfile.TemporaryDirectory(prefix="coronode-power-") as name:
        folder = Path(name)
        slices = [dcmread(path) for path in write_series(make_phantom(SPEC), folder / "phantom")]
        outcome = run(folder, slices, plan, cuts=options.cuts, starts=options.starts, seed=options.seed)
    print(
        f"{options.cuts} cuts in {outcome.calls} system calls, {outcome.losing} of them with a loss of what was not "
        f"synchronised; {outcome.starts} starts, {outcome.images} images acknowledged, {outcome.seconds:.0f} s, "
        f"{len(outcome.faults)} faults"
    )
    for fault in outcome.faults[:20]:
        print(fault)
    return 1 if outcome.faults else 0


def _has_lost(disk: Disk, moment: int, target: Path) -> bool:
    """Return whether the disk holds something else than a machine that has not lost its power."""
    kept = Cut(moment, BEST, random.Random(0))  # noqa: S311
    there = dict(kept.list_entries(disk.replay.disk, PurePosixPath()))
    found = {path.relative_to(target): path for path in target.rglob("*")}
    return {str(path) for path in found} != {str(path) for path in there} or any(
        data is not None and found[Path(path)].read_bytes() != data for path, data in there.items()
    )


if __name__ == "__main__":
    sys.exit(main())
