"""A database, a store and objects to put into them."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydicom.config import IGNORE
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from dicom.part10 import encode_preface
from storage.database.engine import Database
from storage.intake import instances
from storage.intake.instances import Registered
from storage.objects.files import Files
from storage.objects.header import InstanceHeader
from storage.series import lifecycle, states

CT = "1.2.840.10008.5.1.4.1.1.2"
SR = "1.2.840.10008.5.1.4.1.1.88.33"
EXPLICIT = "1.2.840.10008.1.2.1"
START = datetime(2024, 5, 1, 8, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def ct(**attributes: Any) -> Dataset:
    """One CT slice of study 1.2.1, series 1.2.1.1 unless told otherwise."""
    values = {
        "SOPClassUID": CT,
        "SOPInstanceUID": "1.2.1.1.1",
        "SeriesInstanceUID": "1.2.1.1",
        "StudyInstanceUID": "1.2.1",
        "Modality": "CT",
    }
    return without_validation(values | attributes)


def without_validation(values: Mapping[str, Any]) -> Dataset:
    """A data set of these values, whether the Standard allows them or not."""
    dataset = Dataset()
    for keyword, value in values.items():
        tag = tag_for_keyword(keyword)
        dataset.add(DataElement(tag, dictionary_VR(tag), value, validation_mode=IGNORE))
    return dataset


def encoded(dataset: Dataset) -> bytes:
    """The data set's bytes, Explicit VR Little Endian."""
    buffer = DicomBytesIO()
    buffer.is_little_endian = True
    buffer.is_implicit_VR = False
    write_dataset(buffer, dataset)
    return bytes(buffer.getvalue())


@dataclass(frozen=True)
class Node:
    """Database and files together, as the receiving side uses them."""

    db: Database
    files: Files
    at = staticmethod(at)
    ct = staticmethod(ct)

    def store(self, dataset: Dataset, seconds: float = 0, **options: Any) -> Registered:
        content = encoded(dataset)
        header = InstanceHeader.from_dataset(dataset, EXPLICIT)
        with self.files.incoming(EXPLICIT) as file:
            file.preface(encode_preface(header.sop_class_uid, header.sop_instance_uid, EXPLICIT))
            stream = io.BytesIO(content)
            while chunk := stream.read(64):
                file.write(chunk)
            stored = file.commit(header.file_name(file.sha256))
        return instances.register(self.db, self.files, header, stored, now=at(seconds), **options)

    def complete(self, series_instance_uid: str, seconds: float, **options: Any) -> int | None:
        """Complete a series of which every object was checked, unless `expected` says otherwise."""
        if "expected" not in options:
            options["expected"] = states.get(self.db, series_instance_uid).instance_count
        return lifecycle.complete(self.db, series_instance_uid, self.at(seconds), **options)

    def series(self, count: int = 3, series_instance_uid: str = "1.2.1.1", **attributes: Any) -> str:
        for number in range(1, count + 1):
            self.store(
                ct(
                    SeriesInstanceUID=series_instance_uid,
                    SOPInstanceUID=f"{series_instance_uid}.{number}",
                    **attributes,
                )
            )
        return series_instance_uid


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "index.db"
    db = Database.open(f"sqlite:///{path}")
    db.migrate()
    db.close()
    return path


def open_node(empty: Path, folder: Path) -> Node:
    folder.mkdir()
    (folder / "index.db").write_bytes(empty.read_bytes())
    return Node(Database.open(f"sqlite:///{folder / 'index.db'}"), Files(folder / "store"))


@pytest.fixture
def make_node(empty_database: Path, tmp_path: Path) -> Iterator[Callable[[], Node]]:
    nodes: list[Node] = []

    def make() -> Node:
        nodes.append(open_node(empty_database, tmp_path / str(len(nodes))))
        return nodes[-1]

    yield make
    for node in nodes:
        node.db.close()


@pytest.fixture
def node(make_node: Callable[[], Node]) -> Node:
    return make_node()


@pytest.fixture(scope="module")
def shared_node(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node for tests that only read what their module put there."""
    node = open_node(empty_database, tmp_path_factory.mktemp("shared") / "0")
    yield node
    node.db.close()
