"""An index in which nothing runs, with one small patient that was scored."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydicom import Dataset

from config.settings import Settings
from scoring import engine
from scoring.result import Score
from scp.installation import Installation
from storage.database.engine import Database
from storage.intake.instances import register
from storage.objects.files import Files
from storage.objects.header import InstanceHeader
from storage.series import lifecycle

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Site:
    """The installation, its one series, and the automatic score of it."""

    installation: Installation
    series: str
    score: Score

    @property
    def database(self) -> Database:
        return self.installation.database

    @property
    def files(self) -> Files:
        return self.installation.files


@pytest.fixture(scope="session")
def scan(small_series: Sequence[Dataset], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Score]:
    """29 slices with calcium in all four arteries, scored once."""
    folder = tmp_path_factory.mktemp("scan")
    for number, slice_ in enumerate(small_series):
        slice_.save_as(folder / f"{number:04}.dcm")
    score = engine.score([folder])
    assert score.status == "scored"
    return folder, score


@pytest.fixture
def site(
    empty_index: Path, tmp_path: Path, scan: tuple[Path, Score], small_series: Sequence[Dataset]
) -> Iterator[Site]:
    """The scan and its score, stored as the node stores them."""
    folder, score = scan
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(empty_index, data / "coronode.sqlite")
    settings = Settings(node={"data_dir": data, "reserve_mb": 0})
    database = Database.open(f"sqlite:///{data / 'coronode.sqlite'}", durable=False)
    files = Files(data / "objects", durable=False)
    for path, image in zip(sorted(folder.glob("*.dcm")), small_series, strict=True):
        header = InstanceHeader.from_dataset(image, str(image.file_meta.TransferSyntaxUID))
        with files.incoming(header.transfer_syntax_uid) as incoming:
            incoming.write(path.read_bytes())
            stored = incoming.commit(header.file_name(incoming.sha256))
        register(database, files, header, stored, now=NOW)
    series = score.series.series_instance_uid
    lifecycle.complete(database, series, NOW, expected=score.series.slices)
    lifecycle.start_scoring(database, series, 1, NOW)
    lifecycle.finish(database, series, 1, score.to_json(), "scored", now=NOW)
    yield Site(Installation(settings, database, files, lambda: NOW), series, score)
    database.close()
