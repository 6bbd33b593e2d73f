"""A rolling upgrade: an old and a new version side by side on one PostgreSQL finish each other's work.

    python -m bench.rolling --old dab5330

The old version is checked out from git into a folder of its own. It runs first; then the new version starts beside it
and migrates the tables. Scanners send to both, to one of them half and half, and to each of them just before it is
killed, so that the other one has to go on. At the end every acknowledged image must be there, each series scored once,
its report at the PACS under one UID, and nothing left over. Last the old version is started again: whether it still may
is printed.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydicom import Dataset, dcmread

from bench.killing import losses as searching
from bench.killing.index import open_postgresql
from bench.killing.node import NodeProcess, configure
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


def run(folder: Path, old_code: Path, slices: Sequence[Dataset]) -> Upgrade:
    """Upgrade a node that works, in an empty folder."""
    upgrade, rng = Upgrade(), random.Random(1)  # noqa: S311  # reproducible draws
    objects = folder / "objects"
    patients: list[Patient] = []
    with closing(PostgresServer()) as server, closing(Pacs(pause=0.05)) as pacs:
        server.start()
        sections = configure(pacs.port, 3.0)
        sections += f'[storage]\ndatabase_url = "{server.url}"\nblobs_url = "{objects.as_uri()}"\n'
        nodes = {}
        for name, code in (("old", old_code), ("new", ROOT)):
            place = folder / name
            place.mkdir(parents=True)
            nodes[name] = NodeProcess(place, free_port(), sections, code=code)
        old, new = nodes["old"], nodes["new"]

        def send(
            *to: NodeProcess, leave: Callable[[Patient], bool] = lambda patient: patient.is_acknowledged
        ) -> Patient:
            patient = Patient.copy(slices, len(patients) + 1, rng)
            patients.append(patient)
            Scanner(patient, lambda: [node.port for node in to], random.Random(1), pause=0.2).start()  # noqa: S311
            wait_for("the images", lambda: leave(patient), seconds=_SECONDS)
            return patient

        def settle() -> None:
            with open_postgresql(server.url) as rows:
                for patient in patients:
                    wait_for(
                        "a delivered report", lambda p=patient: _is_delivered(rows, p), seconds=_SECONDS, pause=0.2
                    )  # type: ignore[misc]

        try:
            old.start()
            send(old)
            new.start()
            send(old)
            send(new)
            settle()
            send(old)
            old.kill()  # the new one goes on
            settle()
            old.launch()
            upgrade.old_starts_again = _starts(old)
            if upgrade.old_starts_again:
                send(new)
                new.kill()  # and the other way about
                settle()
                new.start()
            settle()
        except (TimeoutError, RuntimeError) as error:
            upgrade.losses.append(str(error)[-400:])
        for name, node in nodes.items():
            upgrade.finished_by[name] = sum(node.has_logged("delivered", item.series_instance_uid) for item in patients)
            upgrade.losses += [f"{name} ended with {code} after SIGTERM"] if (code := node.stop()) else []
        with open_postgresql(server.url) as rows:
            for patient in patients:
                reports = pacs.documents[patient.study_instance_uid]
                upgrade.losses += searching.find_losses(rows, objects, patient, reports)
            upgrade.losses += searching.find_surplus(rows, objects)
            upgrade.losses += searching.find_claims(rows)
    upgrade.series = len(patients)
    return upgrade


def _is_delivered(rows: Callable[..., Sequence[tuple[object, ...]]], patient: Patient) -> bool:
    found = rows("SELECT state FROM series WHERE series_instance_uid = ?", patient.series_instance_uid)
    return [tuple(row) for row in found] == [("delivered",)]


def _starts(node: NodeProcess) -> bool:
    """Return whether a node that has been launched listens; one that may not start ends by itself."""
    try:
        node.wait()
    except RuntimeError:
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
