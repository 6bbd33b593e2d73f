"""A simulated day: 300 studies from 10 scanners at 100 times the speed, in a group of which a member dies each minute.

    python -m bench.day --studies 300 --scanners 10 --speed 100

The studies are spread over 24 hours as in a hospital, most of them between 7 and 18 o'clock; each scanner sends its own
one after the other and resends what was not acknowledged. Each minute of the true time a member other than the first is
ended with SIGKILL and started again; the first runs through, and what it uses is sampled, with the disk that all of
them use beside the objects. At the end everything
acknowledged must be there, each study scored once, its report at the PACS, and nothing left over.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Final

from pydicom import Dataset, dcmread

from bench.kill_group import find_losses
from bench.killing.group import Group
from bench.killing.pacs import Pacs
from bench.killing.patients import SPEC, Patient, Scanner
from bench.killing.postgresql import PostgresServer
from bench.killing.samples import Sampler, Trend, folder_mib
from bench.killing.waiting import wait_for
from scoring.phantom.phantom import make_phantom
from scoring.phantom.series import write_series

HOURS: Final = (1, 1, 1, 1, 1, 2, 4, 9, 12, 13, 12, 11, 9, 11, 12, 11, 9, 6, 4, 3, 3, 2, 2, 1)
"""How often a study falls into each hour of the day, relative to each other."""
KILL_SECONDS: Final = 60.0
QUIET_SECONDS: Final = 3.0
_REST_SECONDS: Final = 900.0


@dataclass
class Day:
    """How the day went; `waited` are seconds from the last image of a study to its report at the PACS."""

    studies: int = 0
    acknowledged: int = 0
    transfers: int = 0
    kills: int = 0
    seconds: float = 0.0
    waited: list[float] = field(default_factory=list)
    trends: dict[str, Trend] = field(default_factory=dict)
    losses: list[str] = field(default_factory=list)


@dataclass
class Study:
    """A patient, when it is sent, and when its last image was acknowledged."""

    patient: Patient
    at: float
    sent: float = 0.0
    arrived: float = 0.0


def plan(studies: int, speed: float, rng: random.Random) -> list[float]:
    """Return the times at which studies begin, seconds of the true time from the start of the day."""
    hours = rng.choices(range(24), HOURS, k=studies)
    return sorted((hour + rng.random()) * 3600 / speed for hour in hours)


def measure_disk(folder: Path, server: PostgresServer, group: Group) -> float:
    """Return MiB of everything that the group keeps beside the objects themselves."""
    return folder_mib(server.folder, folder / "data") - folder_mib(group.objects / "instances")


class Modality(threading.Thread):
    """A scanner with its list of studies, sent one after the other."""

    def __init__(self, studies: Sequence[Study], group: Group, began: float, seed: int) -> None:
        super().__init__(name="modality", daemon=True)
        self._studies, self._group, self._began, self._seed = studies, group, began, seed

    def run(self) -> None:
        """Send each study when it is due."""
        for study in self._studies:
            time.sleep(max(0.0, self._began + study.at - time.monotonic()))
            Scanner(study.patient, self._group.ports, random.Random(self._seed), pause=0.2).run()  # noqa: S311
            study.sent = time.monotonic()


def run(folder: Path, slices: Sequence[Dataset], options: argparse.Namespace) -> Day:
    """Run the day in an empty folder."""
    day, rng = Day(options.studies), random.Random(options.seed)  # noqa: S311  # reproducible draws
    times = plan(options.studies, options.speed, rng)
    studies = [Study(Patient.copy(slices, number, rng), at) for number, at in enumerate(times, start=1)]
    with closing(PostgresServer()) as server, closing(Pacs(pause=0.02)) as pacs:
        server.start()
        with closing(Group(folder, server, pacs.port, QUIET_SECONDS, [()] * options.members)) as group:
            group.start()
            first = group.members[0]
            sampler = Sampler(lambda: first.pid, lambda: measure_disk(folder, server, group))
            sampler.start()
            began = time.monotonic()
            modalities = [
                Modality(studies[number :: options.scanners], group, began, number)
                for number in range(options.scanners)
            ]
            for modality in modalities:
                modality.start()
            _let_pass(day, studies, group, pacs, modalities, rng)
            sampler.end()
            day.seconds = round(time.monotonic() - began, 1)
            day.trends = sampler.trends()
            day.losses += group.stop()
            day.losses += list(find_losses(group, [study.patient for study in studies], pacs))
    day.acknowledged = sum(len(study.patient.acknowledged) for study in studies)
    day.transfers = sum(len(copies) for received in pacs.documents.values() for copies in received.values())
    day.waited = sorted(round(study.arrived - study.sent, 1) for study in studies if study.arrived)
    return day


def _let_pass(
    day: Day, studies: Sequence[Study], group: Group, pacs: Pacs, modalities: Sequence[Modality], rng: random.Random
) -> None:
    """Kill a member each minute until every scanner has sent its studies; then wait for the last reports."""
    killed, deadline = time.monotonic(), time.monotonic() + _REST_SECONDS
    while any(study.arrived == 0.0 for study in studies):
        time.sleep(0.2)
        for study in studies:
            if study.arrived == 0.0 and study.sent and study.patient.study_instance_uid in pacs.documents:
                study.arrived = time.monotonic()
        if any(modality.is_alive() for modality in modalities):
            deadline = time.monotonic() + _REST_SECONDS
            if time.monotonic() - killed >= KILL_SECONDS:
                group.kill(rng.choice(group.members[1:] or group.members))
                day.kills, killed = day.kills + 1, time.monotonic()
        elif time.monotonic() > deadline:
            day.losses.append(f"{sum(study.arrived == 0.0 for study in studies)} reports have not come")
            return
    group.settle()
    with group.rows() as rows:
        left = "SELECT count(*) FROM deliveries WHERE state != 'delivered'"
        try:
            wait_for("every delivery to be noted", lambda: rows(left)[0][0] == 0, seconds=60, pause=0.2)
        except TimeoutError as error:
            day.losses.append(str(error))


def report(day: Day, options: argparse.Namespace) -> int:
    """Print how the day went; return 1 if anything was lost."""
    print(f"{os.cpu_count()} cores, {platform.platform()}, Python {platform.python_version()}")
    print(
        f"{day.studies} studies, {options.scanners} scanners, {options.members} members, "
        f"{day.kills} kills, {day.seconds} s"
    )
    print(f"{day.acknowledged} images acknowledged, {day.transfers} transfers to the PACS")
    if len(day.waited) > 1:
        cuts = quantiles(day.waited, n=20)
        print(f"last image to report: median {cuts[9]:.1f} s, 95 % {cuts[18]:.1f} s, longest {day.waited[-1]:.1f} s")
    print("\nthe member that ran through  mean      lowest    highest   growth an hour")
    for name, trend in day.trends.items():
        print(f"  {name:26} {trend.mean:8.1f}  {trend.lowest:8.1f}  {trend.highest:8.1f}  {trend.an_hour:+8.1f}")
    print(f"\n{len(day.losses)} losses")
    for loss in day.losses[:20]:
        print(f"LOST {loss}")
    print(json.dumps(asdict(day)))
    return 1 if day.losses else 0


def main() -> int:
    """Run the day and print how it went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=300)
    parser.add_argument("--scanners", type=int, default=10)
    parser.add_argument("--speed", type=float, default=100.0)
    parser.add_argument("--members", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coronode-day-") as name:
        folder = Path(name)
        slices = [dcmread(path) for path in write_series(make_phantom(SPEC), folder / "phantom")]
        return report(run(folder, slices, options), options)


if __name__ == "__main__":
    sys.exit(main())
