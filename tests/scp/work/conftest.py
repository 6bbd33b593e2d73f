"""The scoring process as the work on a series sees it, without a process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from config.settings import ScoringSettings, SelectionSettings
from scoring.report.common.document_file import DocumentFile
from scoring.report.common.identifiers import SR_SOP_CLASSES, sr_instance_uid
from scoring.result import ArteryValues, Flag, Provenance, Score, SeriesInfo
from scoring.risk.context import Context
from scp.work.requests import DocumentRequest

OTHERS = {"overlay": SecondaryCaptureImageStorage, "pdf": EncapsulatedPDFStorage, "letter": EncapsulatedPDFStorage}
VALUES = ArteryValues(total=100.0, LAD=100.0)
SCORE = Score(
    status="scored",
    reason=None,
    series=SeriesInfo("1.2.1", "1.2.1.1", 3, 512, 512, (3.0, 0.4, 0.4), date="2026-03-01"),
    agatston=VALUES,
    agatston_range=(100.0, 100.0),
    volume_mm3=VALUES,
    mass_mg=None,
    lesions=(),
    category="1-100",
    cac_drs="A1/N1",
    percentile=None,
    change=None,
    flags=(),
    provenance=Provenance("coronode", "0", "default", "standard", 130.0, 1.0, 8, "voxels"),
)


def refuse(code: str) -> Score:
    """A series that was measured and refused for the reason `code`."""
    none = dict.fromkeys(("agatston", "agatston_range", "volume_mm3", "category", "cac_drs"))
    return replace(
        SCORE,
        status="not_scorable",
        reason="refused",
        reason_code=code,
        flags=(Flag(code, "reject", "refused"),),
        **none,
    )


def part10(sop_class: str, sop_instance_uid: str, series: str, note: str) -> bytes:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, sop_instance_uid
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.Modality = "1.2.1", series, "SR"
    dataset.ImageComments = note
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@dataclass
class FakeScorer:
    """Answers with `answers` in turn, each a score or an error, then with a score of 100; counts what it is asked.

    `during` is called in the middle of each scoring, `during_documents` of each making. Documents are small, and carry
    `note`.
    """

    answers: deque[Score | Exception] = field(default_factory=deque)
    during: Callable[[], None] = lambda: None
    during_documents: Callable[[], None] = lambda: None
    note: str = "as first made"
    scored: list[tuple[Path, ...]] = field(default_factory=list)
    given: list[tuple[ScoringSettings, SelectionSettings, Context]] = field(default_factory=list)
    calibrations: list[str | None] = field(default_factory=list)
    requests: list[DocumentRequest] = field(default_factory=list)
    failure: Exception | None = None

    def score(self, files: Sequence[Path], scoring, selection, *, context, calibration) -> Score:
        self.scored.append(tuple(files))
        self.given.append((scoring, selection, context))
        self.calibrations.append(calibration)
        self.during()
        answer = self.answers.popleft() if self.answers else SCORE
        if isinstance(answer, Exception):
            raise answer
        return answer

    def make_documents(self, request: DocumentRequest) -> list[DocumentFile]:
        self.requests.append(request)
        self.during_documents()
        if self.failure is not None:
            raise self.failure
        return [
            self._make(kind, template, request.report.version)
            for kind in request.kinds
            for template in (request.templates if kind == "sr" else (None,))
        ]

    def _make(self, kind, template, version: int) -> DocumentFile:
        series = f"1.2.1.1.{kind}".replace("sr", "8").replace(kind, str(len(kind)))
        sop_class = SR_SOP_CLASSES[template] if template else OTHERS[kind]
        uid = sr_instance_uid("1.2.1.1", version, template) if template else f"{series}.{version}"
        content = part10(sop_class, uid, series, self.note)
        return DocumentFile(kind, sop_class, uid, series, ExplicitVRLittleEndian, content, template)


@pytest.fixture
def scorer() -> FakeScorer:
    return FakeScorer()


@pytest.fixture
def refused() -> Callable[[str], Score]:
    return refuse


@pytest.fixture
def score() -> Score:
    return SCORE
