"""A real PACS takes every kind of document, files it in the patient's study, shows it and gives it back unchanged."""

from __future__ import annotations

import io
import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset

from config.results import SrTemplate
from scoring.report import seg
from scoring.report.common.request import ReportRequest
from scoring.report.pictures import overlay
from scoring.report.printed import letter, pdf
from scoring.report.sr import structured_report
from scoring.result import ImageRef, Score

pytestmark = pytest.mark.peer

FORMS: tuple[SrTemplate, ...] = ("tid1500", "tid1500-3d", "tid3900")
PDFS = ("pdf", "letter")
SCORE_CODE = "450360000"
START_SECONDS, ANSWER_SECONDS, END_SECONDS = 30, 10, 15


class Orthanc:
    """A server of its own: HTTP from this machine alone, without DICOM network, plugins or compression."""

    def __init__(self, program: str, folder: Path) -> None:
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        settings = {
            "StorageDirectory": str(folder / "db"),
            "IndexDirectory": str(folder / "db"),
            "HttpPort": self.port,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "DicomServerEnabled": False,
            "Plugins": [],
        }
        (folder / "orthanc.json").write_text(json.dumps(settings))
        self.log = folder / "orthanc.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([program, folder / "orthanc.json"], stdout=log, stderr=log)

    def wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            return bool(self.read("system"))
        except (urllib.error.URLError, ConnectionError):
            return False

    def get(self, path: str, body: bytes | None = None) -> bytes:
        url = f"http://127.0.0.1:{self.port}/{path}"
        with urllib.request.urlopen(url, body, timeout=ANSWER_SECONDS) as answer:
            return answer.read()

    def read(self, path: str, body: bytes | None = None) -> Any:
        return json.loads(self.get(path, body))

    def find(self, level: str, **query: str) -> list[dict[str, Any]]:
        return self.read("tools/find", json.dumps({"Level": level, "Query": query, "Expand": True}).encode())

    def picture(self, path: str) -> NDArray[np.uint8]:
        picture = Image.open(io.BytesIO(self.get(path)), formats=["PNG"])
        assert picture.mode == "RGB"
        return np.asarray(picture)

    def end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(END_SECONDS)
            raise


@dataclass(frozen=True)
class Result:
    """The documents of one result, and what they were made of."""

    score: Score
    pages: list[NDArray[np.uint8]]
    pdfs: dict[str, bytes]
    sent: dict[str, bytes]


@pytest.fixture(scope="module")
def result(
    full: Score,
    first: ReportRequest,
    header_of: Callable[..., Dataset],
    pixels: Callable[[ImageRef], NDArray[np.int16]],
    written: Callable[[Dataset], bytes],
) -> Result:
    headers = [header_of(index) for index in range(full.series.slices)]
    pages = [np.asarray(page) for page in overlay.pages(full, headers, first, pixels)]
    pdfs = {
        "pdf": pdf.report_pdf(full, first, headers=headers, pixels=pixels),
        "letter": letter.letter_pdf(full, first, headers=headers),
    }
    segmentation = seg.build(full, headers, first)
    assert segmentation is not None
    (frames,) = overlay.build(full, headers, replace(first, overlay="multiframe"), pixels)
    datasets = {form: structured_report.build(full, headers, request=first, template=form) for form in FORMS}
    datasets |= {"seg": segmentation, "multiframe": frames}
    datasets |= {kind: pdf.encapsulate(pdfs[kind], full, headers, first, kind=kind) for kind in PDFS}
    for number, page in enumerate(overlay.build(full, headers, first, pixels), start=1):
        datasets[f"page {number}"] = page
    return Result(full, pages, pdfs, {kind: written(dataset) for kind, dataset in datasets.items()})


@pytest.fixture(scope="module")
def orthanc(peer_program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    server = Orthanc(peer_program("Orthanc"), tmp_path_factory.mktemp("orthanc"))
    try:
        server.wait()
        yield server
    finally:
        server.end()


@pytest.fixture(scope="module")
def answers(orthanc: Orthanc, result: Result) -> dict[str, dict[str, Any]]:
    """What Orthanc said to each document."""
    return {kind: orthanc.read("instances", content) for kind, content in result.sent.items()}


@pytest.fixture(scope="module")
def places(answers: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Where Orthanc keeps each document."""
    return {kind: f"instances/{answer['ID']}" for kind, answer in answers.items()}


def walk(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield item
    for child in item.get("ContentSequence", ()):
        yield from walk(child)


def test_orthanc_accepts_every_document(answers):
    assert {kind: answer["Status"] for kind, answer in answers.items()} == dict.fromkeys(answers, "Success")


def test_all_documents_are_in_the_study_of_the_patient(orthanc, answers, result):
    (study,) = orthanc.find("Study", StudyInstanceUID=result.score.series.study_instance_uid)
    assert {answer["ParentStudy"] for answer in answers.values()} == {study["ID"]}
    assert study["PatientMainDicomTags"]["PatientName"] == "Grün^Zoë"
    assert study["PatientMainDicomTags"]["PatientID"] == "0042"
    assert study["MainDicomTags"]["AccessionNumber"] == "A-4711"
    assert len(orthanc.read("patients")) == 1
    series = [orthanc.read(f"series/{name}") for name in study["Series"]]
    assert sorted((item["MainDicomTags"]["Modality"], len(item["Instances"])) for item in series) == [
        ("DOC", 1),
        ("DOC", 1),
        ("OT", 1 + len(result.pages)),
        ("SEG", 1),
        ("SR", len(FORMS)),
    ]
    stored = {name for item in series for name in item["Instances"]}
    assert stored == {answer["ID"] for answer in answers.values()}


def test_orthanc_gives_back_the_bytes_that_were_sent(orthanc, places, result):
    changed = [kind for kind, content in result.sent.items() if orthanc.get(f"{places[kind]}/file") != content]
    assert changed == []


def test_orthanc_shows_every_page_as_it_was_drawn(orthanc, places, result):
    assert sum(kind.startswith("page ") for kind in places) == len(result.pages) > 2
    for number, page in enumerate(result.pages, start=1):
        np.testing.assert_array_equal(orthanc.picture(f"{places[f'page {number}']}/preview"), page)


def test_orthanc_shows_every_frame_as_it_was_drawn(orthanc, places, result):
    place = places["multiframe"]
    assert orthanc.read(f"{place}/frames") == list(range(len(result.pages)))
    for number, page in enumerate(result.pages):
        np.testing.assert_array_equal(orthanc.picture(f"{place}/frames/{number}/preview"), page)


@pytest.mark.parametrize("kind", PDFS)
def test_orthanc_gives_the_pdf_as_it_was_set(kind, orthanc, places, result):
    # it takes the last byte for padding, unless that ends a line
    assert result.pdfs[kind].endswith(b"%%EOF\n")
    assert orthanc.get(f"{places[kind]}/pdf") == result.pdfs[kind]


@pytest.mark.parametrize("form", FORMS)
def test_orthanc_reads_the_total_score_of_the_report(form, orthanc, places, result):
    tags = orthanc.read(f"{places[form]}/simplified-tags")
    assert tags["CompletionFlag"] == "COMPLETE"
    values = [
        item["MeasuredValueSequence"][0]
        for item in walk(tags)
        if item.get("ValueType") == "NUM" and item["ConceptNameCodeSequence"][0]["CodeValue"] == SCORE_CODE
    ]
    total = result.score.agatston.total
    assert {value["MeasurementUnitsCodeSequence"][0]["CodeValue"] for value in values} == {"1"}
    assert [value["NumericValue"] for value in values].count("250.03") == 1
    assert [float(value.get("FloatingPointValue", "nan")) for value in values].count(total) == 1
