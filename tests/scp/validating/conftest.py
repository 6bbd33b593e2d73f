"""An installation with series that were scored, and results of them as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydicom import Dataset

from config.settings import Settings
from scp.installation import Installation
from storage.database.engine import Database
from storage.intake.instances import register
from storage.objects.files import Files
from storage.objects.header import InstanceHeader
from storage.series import lifecycle

NOW = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)
EXPLICIT = "1.2.840.10008.1.2.1"
CT = "1.2.840.10008.5.1.4.1.1.2"


def score_json(uid: str, total: float, *, arteries=None, status="scored", **more) -> str:
    """A result in the schema, as far as it is compared; `arteries` sums up to the total."""
    shares = arteries or {"LM": 0.0, "LAD": total, "LCX": 0.0, "RCA": 0.0}
    category = "0" if not total else "1-100" if total <= 100 else "101-400" if total <= 400 else ">400"
    scored = status == "scored"
    series = {
        "series_instance_uid": uid,
        "study_instance_uid": f"{uid}.0",
        "manufacturer": "ACME",
        "model": "Ultra",
        "kernel": "Qr36",
        "kvp": 120.0,
        "slice_thickness_mm": 3.0,
        "date": "2026-03-02",
    }
    return json.dumps(
        {
            "schema": "coronode.score/1",
            "status": status,
            "reason_code": None if scored else "contrast",
            "series": series | more.pop("series", {}),
            "agatston": {"total": total, **shares} if scored else None,
            "agatston_range": [total, total] if scored else None,
            "category": category if scored else None,
            "flags": [],
            **more,
        }
    )


class Site:
    """An index in which nothing runs; its clock stands where a test puts it."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.folder, self.now = database, folder, NOW
        self.files = Files(folder / "objects", durable=False)
        self.shadow = True

    @property
    def installation(self) -> Installation:
        settings = Settings(node={"data_dir": self.folder}, validation={"shadow": self.shadow})
        return Installation(settings, self.database, self.files, lambda: self.now)

    def score(self, uid: str, total: float = 0.0, *, days: float = 0, status="scored", reason="", **more) -> str:
        """Store one image of a series in a study of its own, and its result, `days` from now."""
        at = self.now + timedelta(days=days)
        dataset = Dataset()
        dataset.SOPClassUID, dataset.SOPInstanceUID = CT, f"{uid}.1"
        dataset.SeriesInstanceUID, dataset.StudyInstanceUID = uid, more.pop("study", f"{uid}.0")
        dataset.Modality, dataset.AccessionNumber = "CT", more.pop("accession", f"A{uid}")
        dataset.Manufacturer, dataset.ManufacturerModelName = "ACME", more.pop("model", "Ultra")
        header = InstanceHeader.from_dataset(dataset, EXPLICIT)
        with self.files.incoming(EXPLICIT) as file:
            file.write(uid.encode())
            stored = file.commit(header.file_name(file.sha256))
        register(self.database, self.files, header, stored, now=at)
        version = lifecycle.complete(self.database, uid, at, expected=1)
        assert lifecycle.start_scoring(self.database, uid, version, at)
        text = score_json(uid, total, status=status, **more)
        lifecycle.finish(self.database, uid, version, text, status, now=at, reason_code=reason)
        return uid


@pytest.fixture
def site(empty_index: Path, tmp_path: Path):
    folder = tmp_path / "data"
    folder.mkdir()
    file = folder / "coronode.sqlite"
    file.write_bytes(empty_index.read_bytes())
    database = Database.open(f"sqlite:///{file}", durable=False)
    yield Site(database, folder)
    database.close()


@pytest.fixture
def result() -> Callable[..., str]:
    return score_json
