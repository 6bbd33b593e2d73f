"""A rolling upgrade: an old and a new version side by side on one PostgreSQL finish each other's work.

    python -m bench.rolling --old dab5330

The old version is checked out from git into a folder of its own. It runs first; then the new version starts beside it
and migrates the tables. Scanners send to each of them, also just before it is killed, so that the other one has to go
on. At the end every acknowledged image must be there, each series scored once,
its report at the PACS under one UID, and nothing left over. Last the old version is started again: whether it still may
is printed.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydicom import Dataset, dcmread

from bench.killing import losses as searching
from bench.killing.index import open_postgresql
from bench.killing.node import NodeProcess, configure
from bench.killing.objects import FolderObjects
from bench.killing.pacs import Pacs
from bench.killing.patients import SPEC, Patient, Scanner
from bench.killing.postgresql import PostgresServer
from bench.killing.waiting import free_port, wait_for
from scoring.phantom.phantom import make_phantom
from scoring.phantom.series import write_series

ROOT: Final = Path(__file__).resolve().parents[1]
_SECONDS: Final = 180.0


@dataclass
class Upgrade:
    """How it went; `old_starts_again` says whether the old version may start on the new tables."""

    series: int = 0
    finished_by: dict[str, int] = field(default_factory=dict)
    old_starts_again: bool = False
    losses: list[str] = field(default_factory=list)


class Site:
    """The old node and the new one, what they share, and the patients that are sent to them."""

    def __init__(self, folder: Path, old_code: Path, slices: Sequence[Dataset], server: PostgresServer) -> None:
        self._slices, self._server = slices, server
        self._rng = random.Random(1)  # noqa: S311  # reproducible draws
        self.objects = folder / "objects"
        self.pacs = Pacs(pause=0.05)
        self.patients: list[Patient] = []
        sections = configure(self.pacs.port, 3.0)
        sections += f'[storage]\ndatabase_url = "{server.url}"\nblobs_url = "{self.objects.as_uri()}"\n'
        self.old, self.new = (
            self._make_node(folder / name, code, sections) for name, code in (("old", old_code), ("new", ROOT))
        )

    def send(self, node: NodeProcess) -> None:
        """Send a patient, and wait until every image is acknowledged."""
        patient = Patient.copy(self._slices, len(self.patients) + 1, self._rng)
        self.patients.append(patient)
        Scanner(patient, lambda: [node.port], self._rng, pause=0.2).start()
        wait_for("the images to be acknowledged", lambda: patient.is_acknowledged, seconds=_SECONDS)

    def settle(self) -> None:
        """Wait until every report is delivered. Raises TimeoutError."""
        waiting = "SELECT count(*) FROM results r JOIN series s USING (series_instance_uid) WHERE s.state = 'delivered'"
        with open_postgresql(self._server.url) as rows:
            done = lambda: rows(waiting)[0][0] == len(self.patients)  # noqa: E731
            wait_for("every report to be delivered", done, seconds=_SECONDS, pause=0.2)

    def find_losses(self) -> Iterator[str]:
        """Yield what is missing, changed or too much; the nodes have stopped."""
        with open_postgresql(self._server.url) as rows:
            for patient in self.patients:
                reports = self.pacs.documents[patient.study_instance_uid]
                yield from searching.find_losses(rows, FolderObjects(self.objects), patient, reports)
            yield from searching.find_surplus(rows, FolderObjects(self.objects))
            yield from searching.find_claims(rows)

    def close(self) -> None:
        """Kill what still runs."""
        self.old.kill()
        self.new.kill()
        self.pacs.close()

    @staticmethod
    def _make_node(place: Path, code: Path, sections: str) -> NodeProcess:
        place.mkdir(parents=True)
        return NodeProcess(place, free_port(), sections, code=code)


def run(folder: Path, old_code: Path, slices: Sequence[Dataset]) -> Upgrade:
    """Upgrade a node that works, in an empty folder."""
    upgrade = Upgrade()
    with closing(PostgresServer()) as server:
        server.start()
        with closing(Site(folder, old_code, slices, server)) as site:
            try:
                upgrade.old_starts_again = roll(site)
            except (TimeoutError, RuntimeError) as error:
                upgrade.losses.append(str(error)[-400:])
            for name, node in (("old", site.old), ("new", site.new)):
                series = [patient.series_instance_uid for patient in site.patients]
                upgrade.finished_by[name] = sum(node.has_logged("delivered", uid) for uid in series)
                upgrade.losses += [f"{name} ended with {code} after SIGTERM"] if (code := node.stop()) else []
            upgrade.losses += site.find_losses()
            upgrade.series = len(site.patients)
    return upgrade


def roll(site: Site) -> bool:
    """Go from the old version to the new one; return whether the old one may start on the new tables."""
    site.old.start()
    site.send(site.old)
    site.new.start()
    site.send(site.old)
    site.send(site.new)
    site.settle()
    site.send(site.old)
    site.old.kill()  # the new one goes on
    site.settle()
    site.old.launch()
    if not _starts(site.old):
        return False
    site.send(site.new)
    site.new.kill()  # and the other way about
    site.settle()
    site.new.start()
    return True


def _starts(node: NodeProcess) -> bool:
    """Return whether a node that has been launched listens; one that may not start ends by itself."""
    try:
        node.wait()
    except RuntimeError:
        node.take_exit_code()
        return False
    return True


def check_out(commit: str, folder: Path) -> Path:
    """Unpack a commit of this repository into a folder."""
    folder.mkdir()
    archive = subprocess.run(["git", "-C", str(ROOT), "archive", commit], check=True, stdout=subprocess.PIPE)
    subprocess.run(["tar", "x", "-C", str(folder)], check=True, input=archive.stdout)
    return folder


def main() -> int:
    """Upgrade, and print how it went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--old", default="dab5330", help="commit of the old version")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coronode-rolling-") as name:
        folder = Path(name)
        slices = [dcmread(path) for path in write_series(make_phantom(SPEC), folder / "phantom")]
        upgrade = run(folder, check_out(options.old, folder / "code"), slices)
    print(f"{upgrade.series} series, delivered by {upgrade.finished_by}")
    print(f"{options.old} {'starts' if upgrade.old_starts_again else 'does not start'} again on the new tables")
    for loss in upgrade.losses:
        print(f"LOST {loss}")
    return 1 if upgrade.losses else 0


if __name__ == "__main__":
    sys.exit(main())
