"""Fetch an archive by a list, killed twice and with the archive away for a while, and prove that each study came once.

An Orthanc is filled with studies of a CT series, a localizer and a report. `coronode fetch --csv` asks for them by
study UID, accession number or patient and date. It is ended with SIGKILL at two moments and started again; later the
archive is stopped for a time. At the end every study must have exactly one line, and every image of every CT series
must be here.

    python bench/fetch.py --studies 200 --away 60
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from peers import CORONODE, ENVIRONMENT, environment, free_port, program
from pydicom import Dataset
from pydicom.uid import ComprehensiveSRStorage, CTImageStorage, ExplicitVRLittleEndian, generate_uid

SLICES: Final = 24
_SIDE: Final = 64
_LONGEST_SECONDS: Final = 900.0


@dataclass(frozen=True)
class Study:
    """A study of the archive."""

    number: int
    study_instance_uid: str
    series_instance_uid: str

    @property
    def request(self) -> list[str]:
        """The cells of its line in the list; by turns a UID, an accession number, a patient with a date."""
        ways = (
            [self.study_instance_uid, "", "", ""],
            ["", f"A{self.number}", "", ""],
            ["", "", f"P{self.number}", "2024-03-01"],
        )
        return ways[self.number % len(ways)]

    def make_objects(self) -> Iterator[Dataset]:
        """Make a CT series, a localizer of two images, and a report."""
        pixels = bytes(range(256)) * (2 * _SIDE * _SIDE // 256)
        for number in range(SLICES):
            yield self._make(CTImageStorage, "CT", self.series_instance_uid, number, pixels)
        for number in range(2):
            yield self._make(CTImageStorage, "CT", f"{self.series_instance_uid}.1", number, pixels)
        yield self._make(ComprehensiveSRStorage, "SR", f"{self.series_instance_uid}.2", 0, b"")

    def _make(self, sop_class: str, modality: str, series: str, number: int, pixels: bytes) -> Dataset:
        ds = Dataset()
        ds.SOPClassUID, ds.SOPInstanceUID = sop_class, f"{series}.9.{number + 1}"
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.Modality = self.study_instance_uid, series, modality
        ds.StudyDate, ds.AccessionNumber, ds.PatientID = "20240301", f"A{self.number}", f"P{self.number}"
        ds.PatientName, ds.StudyID, ds.SeriesNumber, ds.InstanceNumber = f"Bench^{self.number}", "1", "1", number + 1
        if pixels:
            ds.Rows = ds.Columns = _SIDE
            ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
            ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
            ds.RescaleSlope, ds.RescaleIntercept, ds.PixelSpacing = 1, -1024, [0.7, 0.7]
            ds.ImagePositionPatient, ds.ImageOrientationPatient = [0, 0, 3 * number], [1, 0, 0, 0, 1, 0]
            ds.PixelData = pixels
        return ds


class Archive:
    """An Orthanc in a folder, which may be stopped and started."""

    def __init__(self, folder: Path) -> None:
        self.dicom, self.http = free_port(), free_port()
        self._folder = folder
        folder.mkdir()
        settings = {
            "StorageDirectory": str(folder / "db"),
            "IndexDirectory": str(folder / "db"),
            "HttpPort": self.http,
            "DicomPort": self.dicom,
            "DicomAet": "ARCHIVE",
            "AuthenticationEnabled": False,
            "RemoteAccessAllowed": False,
            "DicomAlwaysAllowFind": True,
            "DicomAlwaysAllowGet": True,
            "DicomAlwaysAllowMove": True,
            "StorageCompression": False,
            "SyncStorageArea": False,
            "Plugins": [],
        }
        (folder / "orthanc.json").write_text(json.dumps(settings), encoding="utf-8")
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self._folder / "log.txt").open("ab") as log:
            command = [program("Orthanc") or "Orthanc", str(self._folder / "orthanc.json")]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=ENVIRONMENT)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(urllib.error.URLError):
                self.post("tools/find", json.dumps({"Level": "Patient", "Query": {}, "Limit": 1}).encode())
                return
            time.sleep(0.1)
        raise RuntimeError("Orthanc does not answer")

    def stop(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait(60)

    def post(self, path: str, content: bytes) -> None:
        """Send something to its web interface."""
        url = f"http://127.0.0.1:{self.http}/{path}"
        request = urllib.request.Request(url, content, method="POST")  # our own address
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            answer.read()

    def fill(self, studies: Sequence[Study], scratch: Path) -> None:
        """Put the studies into it."""
        file = scratch / "object.dcm"
        for study in studies:
            for item in study.make_objects():
                item.ensure_file_meta()
                item.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
                item.save_as(file, enforce_file_format=True)
                self.post("instances", file.read_bytes())


class Fetch:
    """One run of the command after the other, with the same list and file of outcomes."""

    def __init__(self, folder: Path, archive: Archive, table: Path, options: Sequence[str]) -> None:
        self.outcomes, self.index = folder / "outcomes.csv", folder / "data" / "coronode.sqlite"
        config = folder / "coronode.toml"
        config.write_text(
            f'[node]\ndata_dir = "{folder / "data"}"\nreserve_mb = 0\n'
            f'[peers.ARCHIVE]\nae_title = "ARCHIVE"\nhost = "127.0.0.1"\nport = {archive.dicom}\n',
            encoding="utf-8",
        )
        own = ("--csv", str(table), "--out", str(self.outcomes), "--json", "--config", str(config))
        self._command = [*CORONODE, "fetch", "ARCHIVE", *own, *options]

    def start(self) -> subprocess.Popen[str]:
        """Start a run."""
        return subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
        )

    def read_outcomes(self) -> list[dict[str, str]]:
        """Read the lines that are whole."""
        if not self.outcomes.exists():
            return []
        with self.outcomes.open(encoding="utf-8", newline="") as file:
            return [row for row in csv.DictReader(file) if row["message"] is not None]

    def wait_for(self, lines: int, process: subprocess.Popen[str]) -> None:
        """Wait until so many studies have their outcome, or the run ends."""
        deadline = time.monotonic() + _LONGEST_SECONDS
        while len(self.read_outcomes()) < lines and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)

    def list_images(self) -> Counter[str]:
        """Count the images here by series."""
        query = "SELECT s.series_instance_uid FROM instances i JOIN series s ON s.id = i.series_id"
        with closing(sqlite3.connect(f"file:{self.index}?mode=ro", uri=True)) as index:
            return Counter(uid for (uid,) in index.execute(query))


def main() -> None:
    """Run the bench and print its findings as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--away", type=float, default=60, help="seconds for which the archive is stopped")
    parser.add_argument("options", nargs="*", help="options of coronode fetch, after --")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="fetch-"))
    archive = Archive(folder / "archive")
    try:
        studies = [Study(number, uid := generate_uid(), f"{uid[:50]}.7") for number in range(asked.studies)]
        archive.fill(studies, folder)
        findings = _fetch_all(
            Fetch(folder, archive, _write_table(folder, studies), asked.options), archive, studies, asked
        )
    finally:
        archive.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(findings, indent=2))
    sys.exit(bool(findings["wrong"]))


def _write_table(folder: Path, studies: Sequence[Study]) -> Path:
    table = folder / "list.csv"
    lines = [
        "study_instance_uid;accession_number;patient_id;study_date",
        *(";".join(study.request) for study in studies),
    ]
    table.write_text("\ufeff" + "\r\n".join(lines) + "\r\n", encoding="utf-8")
    return table


def _fetch_all(
    fetch: Fetch, archive: Archive, studies: Sequence[Study], asked: argparse.Namespace
) -> dict[str, object]:
    begun, killed_at = time.monotonic(), []
    for part in (0.25, 0.5):
        process = fetch.start()
        fetch.wait_for(int(part * len(studies)), process)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        killed_at.append(len(fetch.read_outcomes()))
    process = fetch.start()
    fetch.wait_for(int(0.75 * len(studies)), process)
    away = threading.Timer(asked.away, archive.start)
    archive.stop()
    stopped_at = len(fetch.read_outcomes())
    away.start()
    summary, words = process.communicate(timeout=_LONGEST_SECONDS)
    away.join()
    rows, images = fetch.read_outcomes(), fetch.list_images()
    return {
        "studies": len(studies),
        "killed_at": killed_at,
        "archive_stopped_at": stopped_at,
        "seconds": round(time.monotonic() - begun, 1),
        "exit_status": process.returncode,
        "summary": json.loads(summary),
        "told": words.splitlines()[-3:],
        "outcomes": Counter(row["outcome"] for row in rows),
        "most_memory_mb": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
        "wrong": list(_find_wrong(studies, rows, images)),
    }


def _find_wrong(studies: Sequence[Study], rows: Sequence[dict[str, str]], images: Counter[str]) -> Iterator[str]:
    lines = Counter(row["study_instance_uid"] for row in rows)
    for study in studies:
        if lines.pop(study.study_instance_uid, 0) != 1:
            yield f"study {study.number} has not one line"
        if images.pop(study.series_instance_uid, 0) != SLICES:
            yield f"study {study.number} is not whole"
    yield from (f"a line about {uid or 'no study'}" for uid in lines)
    yield from (f"images of series {uid}, which was not selected" for uid in images)
    for row in rows:
        if row["outcome"] not in {"fetched", "already_here"} or row["objects_missing"] != "0":
            yield f"{row['study_instance_uid']}: {row['outcome']}: {row['message']}"
        if (row["series_found"], row["objects_expected"]) != ("3", str(SLICES)):
            yield f"{row['study_instance_uid']}: {row['series_found']} series, {row['objects_expected']} objects"


if __name__ == "__main__":
    main()
