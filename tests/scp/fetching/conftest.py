"""An archive with the services of a PACS, made of pynetdicom, whose habits a test chooses."""

from __future__ import annotations

import csv
import json
import socket
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    ComprehensiveSRStorage,
    CTImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
)
from pynetdicom import AE, evt
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from scp.cli import main

UNIQUE = {"STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}
STORED = (CTImageStorage, EnhancedCTImageStorage, SecondaryCaptureImageStorage, ComprehensiveSRStorage)


def make_image(study: str, series: str, number: int, **changes: object) -> Dataset:
    """An image of 4 x 4 pixels, 3 mm from the one before."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, f"{series}.{number}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.Modality = study, series, "CT"
    ds.PatientID, ds.AccessionNumber, ds.StudyDate, ds.PatientName = f"P{study[-1]}", f"A{study[-1]}", "20240301", "Ann"
    ds.SeriesDescription, ds.SeriesNumber, ds.InstanceNumber, ds.SliceThickness = "Thorax 3.0", 3, number, 3
    ds.Rows = ds.Columns = 4
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.PixelSpacing, ds.ImagePositionPatient, ds.ImageOrientationPatient = (
        [1, 1],
        [0, 0, 3 * number],
        [1, 0, 0, 0, 1, 0],
    )
    ds.PixelData = bytes(32)
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return ds


def make_series(study: str, series: str, count: int, **changes: object) -> list[Dataset]:
    return [make_image(study, series, number, **changes) for number in range(1, count + 1)]


@dataclass
class Archive:
    """Answers queries and retrievals of `objects`.

    Without `counts` it does not say how many instances a series has. `withheld` are SOP Instance UIDs whose
    sub-operation fails; so many of the next queries or retrievals fail, or break the association, as `answers` says.
    `hook` is called at each C-GET.
    """

    port: int
    objects: list[Dataset] = field(default_factory=list)
    counts: bool = True
    withheld: set[str] = field(default_factory=set)
    answers: list[int | str] = field(default_factory=list)
    models: Sequence[str] = (
        StudyRootQueryRetrieveInformationModelFind,
        StudyRootQueryRetrieveInformationModelGet,
        StudyRootQueryRetrieveInformationModelMove,
    )
    destination: int | None = None
    hook: Callable[[], None] | None = None
    asked: list[Dataset] = field(default_factory=list)
    fetched: list[Dataset] = field(default_factory=list)
    sent: int = 0
    _server: object = None

    def start(self) -> None:
        ae = AE("ARCHIVE")
        for model in self.models:
            ae.add_supported_context(model)
        for uid in STORED:
            syntaxes = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
            ae.add_supported_context(uid, syntaxes, scu_role=True, scp_role=True)
            ae.add_requested_context(uid, syntaxes)
        handlers = [(evt.EVT_C_FIND, self._find), (evt.EVT_C_GET, self._get), (evt.EVT_C_MOVE, self._move)]
        self._server = ae.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)

    def stop(self) -> None:
        if self._server is not None:
            active = self._server.active_associations
            self._server.shutdown()
            for association in active:
                association.abort()
                association.join(20)
            self._server = None

    def _fail(self, event: evt.Event) -> int | None:
        """The next failure, if there is one; "abort" breaks the association."""
        answer = self.answers.pop(0) if self.answers else None
        if answer == "abort":
            event.assoc.abort()
        return 0xC000 if answer == "abort" else answer

    def _list(self, identifier: Dataset) -> list[Dataset]:
        keys = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "PatientID", "AccessionNumber")
        wanted = {key: identifier.get(key) for key in keys if identifier.get(key)}
        lists = {key: [value] if isinstance(value, str) else list(value) for key, value in wanted.items()}
        found = [item for item in self.objects if all(item.get(key) in values for key, values in lists.items())]
        first, is_range, last = str(identifier.get("StudyDate") or "").partition("-")
        if first or last:
            ends = (first, last or "9") if is_range else (first, first)
            found = [item for item in found if ends[0] <= item.StudyDate <= ends[1]]
        return found

    def _find(self, event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        self.asked.append(event.identifier)
        if (failure := self._fail(event)) is not None:
            yield failure, None
            return
        level, found = event.identifier.QueryRetrieveLevel, self._list(event.identifier)
        unique = UNIQUE[level]
        for item in {item[unique].value: item for item in found}.values():
            answer = Dataset()
            for element in event.identifier:
                setattr(answer, element.keyword, item.get(element.keyword, ""))
            if level == "SERIES" and "NumberOfSeriesRelatedInstances" in event.identifier:
                count = sum(other.SeriesInstanceUID == item.SeriesInstanceUID for other in found)
                answer.NumberOfSeriesRelatedInstances = count if self.counts else None
            if level == "STUDY" and "ModalitiesInStudy" in event.identifier:
                same = [other for other in found if other.StudyInstanceUID == item.StudyInstanceUID]
                answer.ModalitiesInStudy = sorted({other.Modality for other in same})
            answer.QueryRetrieveLevel = level
            yield 0xFF00, answer

    def _get(self, event: evt.Event) -> Iterator:
        self.fetched.append(event.identifier)
        if self.hook is not None:
            self.hook()
        failure, found = self._fail(event), self._list(event.identifier)
        yield len(found)
        if failure is not None:
            yield failure, Dataset()
            return
        yield from self._give(found)

    def _move(self, event: evt.Event) -> Iterator:
        self.fetched.append(event.identifier)
        if self.destination is None:
            yield None, None
            return
        yield "127.0.0.1", self.destination
        found = self._list(event.identifier)
        yield len(found)
        yield from self._give(found)

    def _give(self, found: Sequence[Dataset]) -> Iterator:
        for item in found:
            if item.SOPInstanceUID in self.withheld:
                yield 0xFF00, Dataset()  # no object: its sub-operation fails
                continue
            self.sent += 1
            yield 0xFF00, item


@pytest.fixture
def archive() -> Iterator[Archive]:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    archive = Archive(port)
    archive.start()
    yield archive
    archive.stop()


@pytest.fixture(scope="session")
def series_of():
    """`series_of(study, series, count, **attributes)`: images of a series."""
    return make_series


@dataclass(frozen=True)
class Ended:
    """A run of the command, and what is in the store afterwards."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def summary(self) -> dict[str, object]:
        return json.loads(self.out)

    @property
    def outcomes(self) -> list[dict[str, str]]:
        with (self.folder / "outcomes.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    @property
    def held(self) -> Counter[str]:
        """Number of stored objects by series."""
        with closing(sqlite3.connect(self.folder / "data" / "coronode.sqlite")) as index:
            query = "SELECT s.series_instance_uid FROM instances i JOIN series s ON s.id = i.series_id"
            return Counter(uid for (uid,) in index.execute(query))


@pytest.fixture
def fetch(archive, tmp_path, monkeypatch, capsys):
    """`fetch("--study", uid, ...)` runs `coronode fetch ARCHIVE ... --json`; `peer` and `node` add keys to theirs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("scp.fetching.campaign.PAUSE_SECONDS", 0.01)

    def run(*arguments: object, peer: str = "", node: str = "", json_too: bool = True) -> Ended:
        config = tmp_path / "coronode.toml"
        config.write_text(
            f'[node]\ndata_dir = "{tmp_path / "data"}"\nreserve_mb = 0\n{node}\n'
            f'[peers.ARCHIVE]\nae_title = "ARCHIVE"\nhost = "127.0.0.1"\nport = {archive.port}\n{peer}\n'
        )
        own = ("--config", config, *(("--json",) if json_too else ()))
        monkeypatch.setattr("sys.argv", ["coronode", "fetch", "archive", *map(str, (*arguments, *own))])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return Ended(int(ended.value.code or 0), captured.out, captured.err, tmp_path)

    return run
