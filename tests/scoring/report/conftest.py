"""A scored series made by hand: headers as a scanner writes them, and a score whose numbers are known."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import config, dcmread, dcmwrite
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.multival import MultiValue
from pydicom.tag import Tag
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pydicom.valuerep import validate_value

from scoring.report.common.request import ReportRequest
from scoring.result import (
    ARTERIES,
    Artery,
    ArteryValues,
    Category,
    Change,
    Difference,
    Earlier,
    Flag,
    ImageRef,
    Lesion,
    Patient,
    Percentile,
    Provenance,
    Risk,
    Score,
    SeriesInfo,
    Statement,
)

STUDY = "1.2.840.99999.1.1"
SERIES = "1.2.840.99999.1.2"
SLICES = 6
ROWS = COLUMNS = 96
SPACING = 1.5


def put(dataset: Dataset, keyword: str, value: object) -> None:
    tag = Tag(keyword)
    dataset.add(DataElement(tag, dictionary_VR(tag), value, validation_mode=config.IGNORE))


def header(index: int, **changes: object) -> Dataset:
    """Header of one slice; a change to None removes the element."""
    values: dict[str, object] = {
        "SpecificCharacterSet": "ISO_IR 100",
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": f"1.2.840.99999.1.3.{index + 1}",
        "StudyDate": "20260105",
        "StudyTime": "101112.5",
        "AccessionNumber": "A-4711",
        "Modality": "CT",
        "Manufacturer": "Maker",
        "ReferringPhysicianName": "Müller^Jürgen",
        "StudyDescription": "Koronarien für Kalk",
        "PatientName": "Grün^Zoë",
        "PatientID": "0042 ",
        "IssuerOfPatientID": "Klinik Süd",
        "PatientBirthDate": "19600229",
        "PatientSex": "F",
        "PatientAge": "065Y",
        "PatientSize": "1.71",
        "StudyInstanceUID": STUDY,
        "SeriesInstanceUID": SERIES,
        "StudyID": "S7",
        "InstanceNumber": str(SLICES - index),
        "ImagePositionPatient": [-72.0, -70.0, -30.0 + 3 * index],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [SPACING, SPACING],
    }
    dataset = Dataset()
    for keyword, value in (values | changes).items():
        if value is not None:
            put(dataset, keyword, value)
    return dataset


def stored(dataset: Dataset) -> Dataset:
    """The header as it comes from a file: elements raw, not yet judged by pydicom."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset.file_meta = meta
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset)
    buffer.seek(0)
    return dcmread(buffer, force=True, stop_before_pixels=True)


def as_file(dataset: Dataset) -> bytes:
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def _values(lesions: Sequence[Lesion], of: Callable[[Lesion], float]) -> ArteryValues:
    each = {artery: sum(of(lesion) for lesion in lesions if lesion.artery == artery) for artery in ARTERIES}
    return ArteryValues(total=sum(of(lesion) for lesion in lesions), **each)


def make_score(
    parts: Sequence[tuple[Artery | None, float]] = (),
    *,
    category: Category = "0",
    cac_drs: str = "A0",
    mass: bool = True,
    frames: bool = False,
    sources: Sequence[Dataset] = (),
    flags: tuple[Flag, ...] = (),
) -> Score:
    """One lesion a part (artery, Agatston), each on two slices; every other number follows from its place."""
    uids = [str(source.SOPInstanceUID) for source in sources] or [f"1.2.840.99999.1.3.{k + 1}" for k in range(SLICES)]
    lesions = []
    for number, (artery, agatston) in enumerate(parts):
        slices = (number % (SLICES - 1), number % (SLICES - 1) + 1)
        images = tuple(ImageRef(k, uids[0], k + 1) if frames else ImageRef(k, uids[k]) for k in slices)
        runs = tuple((k, 30 + 5 * number + row, 40 + 4 * number, 3) for k in slices for row in range(2))
        lesions.append(
            Lesion(
                id=number + 1,
                artery=artery,
                confidence=0.5 + number / 16,
                agatston=agatston,
                volume_mm3=10.125 + number,
                mass_mg=2.0625 + number if mass else None,
                mass_integrated_mg=2.5625 + number if mass else None,
                max_hu=401.0 + number,
                mean_hu=222.25 + number,
                centroid_mm=(1.0, 2.0, 3.0),
                slices=slices,
                images=images,
                runs=runs,
            )
        )
    agatston_values = _values(lesions, lambda lesion: lesion.agatston)
    return Score(
        status="scored",
        reason=None,
        series=SeriesInfo(
            STUDY, SERIES, SLICES, ROWS, COLUMNS, (3.0, SPACING, SPACING), 3.0, 120.0, 80.0, "Qr36", "Maker"
        ),
        agatston=agatston_values,
        agatston_range=(agatston_values.total * 0.875, agatston_values.total * 1.125),
        volume_mm3=_values(lesions, lambda lesion: lesion.volume_mm3),
        mass_mg=_values(lesions, lambda lesion: lesion.mass_mg or 0.0) if mass else None,
        mass_integrated_mg=_values(lesions, lambda lesion: lesion.mass_integrated_mg or 0.0) if mass else None,
        lesions=tuple(lesions),
        category=category,
        cac_drs=cac_drs,
        percentile=None,
        change=None,
        flags=flags,
        provenance=Provenance(
            software="Coronode",
            version="0.1.0",
            engine="default",
            convention="standard",
            threshold_hu=130.0,
            minimum_area_mm2=1.0,
            connectivity=8,
            volume_definition="voxels",
            mass_factor=0.778 if mass else None,
            mass_factor_origin=Statement(text="(0018,9352) medium") if mass else None,
            mass_integrated_method="integrated" if mass else None,
        ),
    )


_WRITTEN = {"DA", "DS", "IS", "PN", "TM", "UI"}
"""Values of these have classes of their own in pydicom; the text is what is encoded."""


def _complaints(dataset: Dataset) -> Iterator[str]:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from _complaints(item)
        elif not element.is_empty:
            values = element.value if isinstance(element.value, MultiValue) else [element.value]
            for value in values:
                try:
                    validate_value(element.VR, str(value) if element.VR in _WRITTEN else value, config.RAISE)
                except ValueError as error:
                    yield f"{element.keyword}: {error}"


ZERO = make_score()
SMALL = make_score([("RCA", 3.14159265)], category="1-100", cac_drs="A1/N1")
MEDIUM = make_score(
    [("LM", 20.3), ("LAD", 150.0), ("LCX", 33.333333333), ("RCA", 46.4)],
    category="101-400",
    cac_drs="A2/N4",
    flags=(
        Flag("left_main", "info", "Calcium in the left main"),
        Flag("kvp", "warning", "Tube voltage is 100 kVp"),
    ),
)
LARGE = make_score([("LAD", 1000.5), ("LAD", 700.25), ("RCA", 99.25)], category=">400", cac_drs="A3/N2", mass=False)


def _difference(then: float, now: float, limit: float | None) -> Difference:
    exceeds = None if limit is None else abs(now - then) > limit
    return Difference(then, now, now - then, (now - then) * 365.25 / 366, limit, exceeds)


FULL = replace(
    MEDIUM,
    patient=Patient(70.0, "male", "white", "configuration", 27.0),
    risk=Risk(79.23, 10.37, 8.614),
    percentile=Percentile(
        population="MESA",
        citation="McClelland et al., Circulation 2006;113:30",
        group="white",
        sex="male",
        age_years=70.0,
        estimate=64,
        band="50th-75th",
        p_nonzero_percent=83.0,
        p25=21.0,
        p50=145.0,
        p75=540.0,
        p90=1345.0,
        caveats=(Statement(text="Comparable, not exact: the scan was not gated"),),
    ),
    change=Change(
        date="2025-01-04",
        interval_days=366,
        agatston=_difference(208.375, MEDIUM.agatston.total, 113.25),
        volume_mm3=_difference(40.5, MEDIUM.volume_mm3.total, 4.125),
        mass_mg=_difference(11.0625, MEDIUM.mass_mg.total, None),
        root_volume=0.455,
        progression=False,
        differences=(Statement(text="tube voltage: 120 then, 100 now"),),
        notes=(Statement(text="BMI was taken as 27"),),
        citations=(Statement(text="Chung et al., AJR 2008"),),
        bmi=27.0,
        bmi_origin="assumed",
        history=(Earlier("2025-01-04", 208.375, 40.5, 11.0625, "index", "1.2.840.7.1", "1.2.840.7.2"),),
    ),
)
"""Everything that a result can hold."""

REFUSED = replace(
    ZERO,
    status="not_scorable",
    reason="contrast medium in the aorta",
    reason_code="contrast",
    agatston=None,
    agatston_range=None,
    volume_mm3=None,
    mass_mg=None,
    category=None,
    cac_drs=None,
    flags=(Flag("contrast", "reject", "contrast medium in the aorta"),),
)


def hu_of(image: ImageRef) -> NDArray[np.int16]:
    """A slice of soft tissue with the pixels of the first lesions bright."""
    hu = np.full((ROWS, COLUMNS), 40, dtype=np.int16)
    hu[30:60, 40:55] = 500
    return hu


@pytest.fixture(scope="session")
def scores() -> dict[str, Score]:
    return {"0": ZERO, "3": SMALL, "250": MEDIUM, "1800": LARGE}


@pytest.fixture(scope="session")
def full() -> Score:
    return FULL


@pytest.fixture(scope="session")
def refused() -> Score:
    return REFUSED


@pytest.fixture(scope="session")
def score_of() -> Callable[..., Score]:
    return make_score


@pytest.fixture(scope="session")
def header_of() -> Callable[..., Dataset]:
    return lambda index, **changes: stored(header(index, **changes))


@pytest.fixture(scope="session")
def written() -> Callable[[Dataset], bytes]:
    return as_file


@pytest.fixture(scope="session")
def dciodvfy(peer_program: Callable[[str], str]) -> Callable[[Path], str]:
    """Check a file against its IOD with dicom3tools: no error may be reported; the report is returned."""

    def check(path: Path) -> str:
        run = subprocess.run([peer_program("dciodvfy"), path], capture_output=True, text=True, check=False)
        report = run.stdout + run.stderr
        assert [line for line in report.splitlines() if "Error" in line] == []
        return report

    return check


@pytest.fixture(scope="session")
def complaints() -> Callable[[Dataset], list[str]]:
    """The values of a data set that its representations do not allow, by the strict rules of pydicom."""
    return lambda document: list(_complaints(document))


@pytest.fixture(scope="session")
def read_back() -> Callable[[Dataset], Dataset]:
    return lambda dataset: dcmread(io.BytesIO(as_file(dataset)))


@pytest.fixture(scope="session")
def pixels() -> Callable[[ImageRef], NDArray[np.int16]]:
    return hu_of


@pytest.fixture
def sources() -> list[Dataset]:
    return [stored(header(index)) for index in range(SLICES)]


@pytest.fixture(scope="session")
def first() -> ReportRequest:
    return ReportRequest(version=1, created=datetime(2026, 1, 6, 7, 8, 9, 120000, tzinfo=UTC))
