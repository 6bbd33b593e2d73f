"""Take away what a node needs, give it back, and prove that nothing was lost or decided in the meantime.

    python -m bench.outages [database database-at-start s3 folder disk pacs clock] --seconds 60

In each scenario scanners send to a real `coronode serve` before, during and after the outage, and resend what was not
acknowledged. Afterwards every acknowledged instance must be in the index and on the disk with the bytes that were
sent, each series scored once from all its images, its report at the PACS, and nothing left over; the node must have
gone on by itself, and the lines of its log that are warnings or errors are counted.

    database           PostgreSQL is ended by an immediate shutdown while a series is received and another is scored
    database-at-start  the node is started while PostgreSQL is down
    s3                 the S3 service is killed while a series is received and another is scored
    folder             the folder of objects is moved away, and back
    disk               the disk of data folder and index is full (a tmpfs; needs root)
    pacs               the PACS is gone for a week of simulated time (needs libfaketime)
    clock              the clock jumps by an hour, forward and back, while a series is received (needs libfaketime)
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydicom import Dataset, dcmread

from bench.killing import losses as searching
from bench.killing.bucket import Bucketful, serve_s3
from bench.killing.clock import Clock
from bench.killing.index import Rows, open_postgresql, open_sqlite
from bench.killing.node import NodeProcess, configure
from bench.killing.objects import FolderObjects, Objects
from bench.killing.pacs import Pacs
from bench.killing.patients import SPEC, Patient, Scanner
from bench.killing.postgresql import PostgresServer
from bench.killing.waiting import free_port, wait_for
from scoring.phantom.phantom import make_phantom
from scoring.phantom.series import write_series
from tests.seaweedfs import Service

QUIET_SECONDS: Final = 3.0
WEEK_HOURS: Final = 168
_REST_SECONDS: Final = 180.0
_DISK_MIB: Final = 48


@dataclass
class Outage:
    """What came of a scenario: `told` counts the warnings and errors in the log by event."""

    name: str
    told: Counter[str] = field(default_factory=Counter)
    losses: list[str] = field(default_factory=list)
    patients: int = 0
    seconds: float = 0.0


class Site:
    """A node, its PACS and its scanners."""

    def __init__(
        self,
        folder: Path,
        slices: Sequence[Dataset],
        *,
        server: PostgresServer | None = None,
        s3: Service | None = None,
        environment: Mapping[str, str] | None = None,
        data: Path | None = None,
    ) -> None:
        self._slices = slices
        self._rng = random.Random(1)  # noqa: S311  # reproducible draws
        self._server = server
        self.pacs = Pacs(pause=0.05)
        sections = configure(self.pacs.port, QUIET_SECONDS)
        if server is not None:
            sections += f'[storage]\ndatabase_url = "{server.url}"\n'
        bucket = Bucketful(s3, [(data or folder / "data") / "cache"]) if s3 is not None else None
        sections += "[storage]\n" + bucket.section if bucket is not None else ""
        self.node = NodeProcess(folder, free_port(), sections, data=data, environment=dict(environment or {}))
        self.kept: Objects = FolderObjects(self.objects) if bucket is None else bucket.objects
        self.patients: list[Patient] = []
        self._scanners: list[Scanner] = []

    @property
    def objects(self) -> Path:
        """The folder of objects."""
        return self.node.data / "objects"

    def new_patient(self) -> Patient:
        """Make a patient that nobody sends yet."""
        self.patients.append(Patient.copy(self._slices, len(self.patients) + 1, self._rng))
        return self.patients[-1]

    def send(self, patient: Patient | None = None) -> Patient:
        """Begin to send a patient."""
        patient = patient or self.new_patient()
        scanner = Scanner(patient, lambda: [self.node.port], random.Random(1), pause=0.2)  # noqa: S311
        self._scanners.append(scanner)
        scanner.start()
        return patient

    def wait_until_delivered(self, *patients: Patient, seconds: float = _REST_SECONDS) -> None:
        """Wait until the index says that the reports have been delivered. Raises TimeoutError."""
        for patient in patients or self.patients:
            wait_for("a delivered report", lambda p=patient: self.state(p) == "delivered", seconds=seconds, pause=0.2)  # type: ignore[misc]

    def state(self, patient: Patient) -> str | None:
        """The state of a patient's series; None while nothing of it is known."""
        with self.rows() as rows:
            found = rows("SELECT state FROM series WHERE series_instance_uid = ?", patient.series_instance_uid)
        return found[0][0] if found else None

    @contextmanager
    def rows(self) -> Iterator[Rows]:
        """Open the index for reading."""
        with open_postgresql(self._server.url) if self._server else open_sqlite(self.node.data) as rows:
            yield rows

    def finish(self, outage: Outage) -> None:
        """Wait until all is delivered, stop the node, and search for losses."""
        try:
            wait_for("the scanners", lambda: not any(item.is_alive() for item in self._scanners), seconds=_REST_SECONDS)
            self.wait_until_delivered()
        except TimeoutError as error:
            outage.losses.append(str(error))
        if code := self.node.stop():
            outage.losses.append(f"serve ended with {code} after SIGTERM")
        if any(searching.find_half_written(self.kept)):  # an outage in the middle of an object: swept at a start
            self.node.start()
            self.node.stop()
        with self.rows() as rows:
            for patient in self.patients:
                reports = self.pacs.documents[patient.study_instance_uid]
                outage.losses += searching.find_losses(rows, self.kept, patient, reports)
            outage.losses += searching.find_surplus(rows, self.kept)
            outage.losses += searching.find_claims(rows)
        log = self.node.log()
        # with a clock that is set back under it, libfaketime makes a sleep of the durable engine fail
        if "LD_PRELOAD" not in self.node.environment:
            outage.losses += searching.find_tracebacks(log)
        for line in log.splitlines():
            fields = json.loads(line) if line.startswith("{") else {}
            if fields.get("level") in {"warning", "error", "critical"}:
                outage.told[str(fields.get("event"))] += 1
        outage.patients = len(self.patients)

    def close(self) -> None:
        """Kill what still runs."""
        for scanner in self._scanners:
            scanner.given_up.set()
        self.node.kill()
        self.pacs.close()


def database(folder: Path, slices: Sequence[Dataset], outage: Outage, seconds: float) -> None:
    """PostgreSQL is down while one series is received and another waits for its score."""
    with closing(PostgresServer()) as server:
        server.start()
        with closing(Site(folder, slices, server=server)) as site:
            site.node.start()
            first = site.send()
            wait_for("the first series", lambda: site.node.has_logged("scoring", first.series_instance_uid), seconds=60)
            second = site.send()
            wait_for("some images", lambda: len(second.acknowledged) > len(second.images) // 2, seconds=60)
            server.end("immediate")
            site.send()
            time.sleep(seconds)
            server.start()
            site.finish(outage)


def _listens_in_the_end(node: NodeProcess, outage: Outage) -> bool:
    """Return whether a node listens; one that has ended is launched again."""
    code = node.take_exit_code()
    if code is not None:
        outage.told[f"ended with {code}"] += 1
        outage.losses += ["ended with 2: a service manager does not start it again"] if code == 2 else []  # noqa: PLR2004
        node.launch()
    return node.is_listening


def database_at_start(folder: Path, slices: Sequence[Dataset], outage: Outage, seconds: float) -> None:
    """The node starts before its database does, as after a power cut of both."""
    with closing(PostgresServer()) as server:
        server.start()
        with closing(Site(folder, slices, server=server)) as site:
            site.node.start()
            site.wait_until_delivered(site.send())
            server.end("kill")
            site.node.kill()
            site.node.launch()
            site.send()
            time.sleep(seconds)
            server.start()
            # it may end by itself at any moment until then, and a service manager starts it again
            wait_for(
                "the node to listen", lambda: _listens_in_the_end(site.node, outage), seconds=_REST_SECONDS, pause=0.1
            )
            site.finish(outage)


def s3(place: Path, slices: Sequence[Dataset], outage: Outage, seconds: float) -> None:
    """The S3 service is gone while one series is received and another waits for its score."""
    with serve_s3(place) as service, closing(Site(place, slices, s3=service)) as site:
        site.node.start()
        first = site.send()
        wait_for("the first series", lambda: site.node.has_logged("scoring", first.series_instance_uid), seconds=60)
        second = site.send()
        wait_for("some images", lambda: len(second.acknowledged) > len(second.images) // 2, seconds=60)
        service.kill()
        site.send()
        time.sleep(seconds)
        service.start()
        site.finish(outage)


def folder(place: Path, slices: Sequence[Dataset], outage: Outage, seconds: float) -> None:
    """The folder of objects is not there for a while."""
    with closing(Site(place, slices)) as site:
        site.node.start()
        first = site.send()
        wait_for("a series", lambda: first.is_acknowledged, seconds=60)
        second = site.send()
        wait_for("some images", lambda: len(second.acknowledged) > len(second.images) // 2, seconds=60)
        away = site.objects.rename(site.objects.with_name("away"))
        site.send()
        time.sleep(seconds)
        if site.objects.exists():
            outage.losses.append("a new folder was made in the place of the one that is away")
        else:
            away.rename(site.objects)
        site.finish(outage)


def disk(place: Path, slices: Sequence[Dataset], outage: Outage, seconds: float) -> None:
    """The disk is full for a while, for objects and index alike."""
    data = place / "disk"
    data.mkdir()
    with mounted(data), closing(Site(place, slices, data=data / "data")) as site:
        site.node.start()
        first = site.send()
        wait_for("a series", lambda: first.is_acknowledged, seconds=60)
        second = site.send()
        wait_for("some images", lambda: len(second.acknowledged) > len(second.images) // 2, seconds=60)
        filler = data / "filler"
        subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=4k"], check=False, stderr=subprocess.DEVNULL)
        site.send()
        time.sleep(seconds)
        filler.unlink()
        site.finish(outage)


def pacs(place: Path, slices: Sequence[Dataset], outage: Outage, seconds: float) -> None:
    """The PACS is gone for a week, in which a series comes each day; the hours pass quickly."""
    clock = Clock(place / "clock")
    with closing(Site(place, slices, environment=clock.environment)) as site:
        site.node.start()
        site.wait_until_delivered(site.send())
        site.pacs.close()
        for hour in range(1, WEEK_HOURS + 1):
            clock.set(hour * 3600)
            if hour % 24 == 1:
                site.send()
            time.sleep(seconds / WEEK_HOURS)
        with site.rows() as rows:
            outage.losses += [
                f"{n} deliveries are dead" for (n,) in rows("SELECT count(*) FROM deliveries WHERE state = 'dead'") if n
            ]
        site.pacs.open()
        clock.set((WEEK_HOURS + 1) * 3600)
        site.finish(outage)


def clock(place: Path, slices: Sequence[Dataset], outage: Outage, seconds: float) -> None:
    """The clock jumps by an hour while half a series is here, and a report is being sent again."""
    hand = Clock(place / "clock")
    with closing(Site(place, slices, environment=hand.environment)) as site:
        site.node.start()
        for offset in (3600, 0, -3600, 0):
            half = site.new_patient()
            rest = {uid: half.images.pop(uid) for uid in list(half.images)[len(half.images) // 2 :]}
            site.send(half)
            wait_for("half a series", lambda p=half: p.is_acknowledged, seconds=60)  # type: ignore[misc]
            hand.set(offset)
            whole = site.send()
            time.sleep(max(seconds / 4, 2 * QUIET_SECONDS))
            if (state := site.state(half)) != "receiving":
                outage.losses.append(f"half a series is {state} after a jump to {offset} s")
            half.images |= rest
            site.send(half)
            site.wait_until_delivered(half, whole)
        site.finish(outage)


SCENARIOS: Final[dict[str, Callable[[Path, Sequence[Dataset], Outage, float], None]]] = {
    "database": database,
    "database-at-start": database_at_start,
    "s3": s3,
    "folder": folder,
    "disk": disk,
    "pacs": pacs,
    "clock": clock,
}


@contextmanager
def mounted(place: Path) -> Iterator[None]:
    """Mount a small file system in memory. Raises PermissionError for anybody but root."""
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_DISK_MIB}m", "tmpfs", str(place)], check=False)
    if made.returncode:
        raise PermissionError(f"cannot mount a file system at {place}: it needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def run(name: str, place: Path, slices: Sequence[Dataset], seconds: float) -> Outage:
    """Run one scenario in an empty folder."""
    began, outage = time.monotonic(), Outage(name)
    SCENARIOS[name](place, slices, outage, seconds)
    outage.seconds = round(time.monotonic() - began, 1)
    return outage


def main() -> int:
    """Run the scenarios and print what came of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="*", choices=[*SCENARIOS, []], help="default: all")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each outage lasts")
    options = parser.parse_args()
    lost = 0
    for name in options.scenarios or SCENARIOS:
        with tempfile.TemporaryDirectory(prefix="coronode-outage-") as folder_name:
            place = Path(folder_name)
            slices = [dcmread(path) for path in write_series(make_phantom(SPEC), place / "phantom")]
            outage = run(name, place, slices, options.seconds)
        print(f"{name}: {outage.patients} series, {outage.seconds} s, {len(outage.losses)} losses", flush=True)
        for event, count in outage.told.most_common():
            print(f"  told {count:4} x  {event[:150]}")
        for loss in outage.losses[:10]:
            print(f"  LOST {loss}")
        lost += len(outage.losses)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
