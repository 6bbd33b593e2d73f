"""Small synthetic CT series for the tests of the measuring part."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import highdicom as hd
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.coding import Code
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from scoring.anatomy import Anatomy
from scoring.anatomy.blood import Blood
from scoring.anatomy.heart import Landmark
from scoring.anatomy.level import Level
from scoring.images.volume import Volume
from scoring.phantom import Phantom, PhantomSpec, make_phantom

REFERENCE = Path(__file__).parents[3] / "shared" / "data"

SeriesWriter = Callable[..., list[Path]]
PLACES = ("none", "LM", "LAD", "LCX", "RCA", "root", "annulus")
Distance = float | Callable[[NDArray[np.float64]], NDArray[np.float64]]


def ct_image(hu: NDArray[np.int16], **attributes: object) -> Dataset:
    """One axial CT Image with the given HU; attributes by keyword replace or (None) remove the defaults."""
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID = CTImageStorage
    image.SOPInstanceUID = generate_uid()
    image.StudyInstanceUID = "1.2.826.0.1.3680043.8.498.1"
    image.SeriesInstanceUID = "1.2.826.0.1.3680043.8.498.2"
    image.FrameOfReferenceUID = "1.2.826.0.1.3680043.8.498.3"
    image.Modality = "CT"
    image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.PatientID = image.PatientName = image.PatientBirthDate = image.PatientSex = ""
    image.StudyID = image.StudyDate = image.StudyTime = image.AccessionNumber = ""
    image.KVP = 120
    image.ConvolutionKernel = "B35f"
    image.SliceThickness = 3
    image.ImagePositionPatient = [0, 0, 0]
    image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    image.PixelSpacing = [0.5, 0.5]
    image.SamplesPerPixel = 1
    image.PhotometricInterpretation = "MONOCHROME2"
    image.Rows, image.Columns = hu.shape
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 16, 15
    image.PixelRepresentation = 1
    image.RescaleSlope, image.RescaleIntercept = 1, -1024
    for keyword, value in attributes.items():
        if value is None:
            del image[keyword]
        else:
            setattr(image, keyword, value)
    stored = np.rint((hu.astype(np.float64) - float(image.RescaleIntercept)) / float(image.RescaleSlope))
    image.PixelData = stored.astype("<i2" if image.PixelRepresentation else "<u2").tobytes()
    return image


def write(image: Dataset, path: Path) -> Path:
    """Write a Part 10 file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture(scope="session")
def ct() -> SimpleNamespace:
    """The makers of this file, and `reference`, the folder of the real series."""
    return SimpleNamespace(
        image=ct_image, write=write, turned=turned, ball=ball, segmentation=segmentation, reference=REFERENCE
    )


@pytest.fixture
def series(tmp_path: Path) -> SeriesWriter:
    """Writes HU (slices from the feet to the head, rows, columns) as files, every `step` mm from `start` mm."""

    def make(
        hu: NDArray[np.int16],
        *,
        step: float = 3.0,
        start: float = 0.0,
        folder: str = "series",
        positions: Sequence[float] | None = None,
        **attributes: object,
    ) -> list[Path]:
        x, y = 12.5, -30.25
        places = positions if positions is not None else [start + index * step for index in range(len(hu))]
        return [
            write(
                ct_image(image, ImagePositionPatient=[x, y, round(z, 4)], **attributes),
                tmp_path / folder / f"{index:04d}.dcm",
            )
            for index, (image, z) in enumerate(zip(hu, places, strict=True))
        ]

    return make


def turned(image: Dataset, *, transpose: bool, flip_rows: bool, flip_columns: bool) -> Dataset:
    """The same image stored in another row and column order, with the geometry that says so."""
    other = copy.deepcopy(image)
    pixels = np.frombuffer(image.PixelData, dtype="<i2").reshape(image.Rows, image.Columns)
    right, down = np.asarray(image.ImageOrientationPatient, dtype=float).reshape(2, 3)
    between_rows, between_columns = map(float, image.PixelSpacing)
    position = np.asarray(image.ImagePositionPatient, dtype=float)
    if flip_rows:
        position = position + (image.Rows - 1) * between_rows * down
        pixels, down = pixels[::-1], -down
    if flip_columns:
        position = position + (image.Columns - 1) * between_columns * right
        pixels, right = pixels[:, ::-1], -right
    if transpose:
        pixels, right, down = pixels.T, down, right
        between_rows, between_columns = between_columns, between_rows
    other.Rows, other.Columns = pixels.shape
    other.PixelSpacing = [between_rows, between_columns]
    other.ImagePositionPatient = [round(float(value), 6) for value in position]
    other.ImageOrientationPatient = [*map(float, right), *map(float, down)]
    other.PixelData = np.ascontiguousarray(pixels).tobytes()
    return other


def ball(
    radius_mm: float,
    hu: float,
    *,
    thickness: float,
    step: float,
    shift_mm: float = 0.0,
    spacing: float = 0.5,
    length_mm: float = 75.0,
    size: int = 48,
) -> NDArray[np.int16]:
    """A ball in tissue of 40 HU, each slice the mean over its thickness, pixels supersampled."""
    number = round(length_mm / step)
    fine = 4
    line = (np.arange(size * fine) + 0.5) / fine * spacing - size * spacing / 2
    in_plane = line[:, None] ** 2 + line[None, :] ** 2
    out = np.empty((number, size, size), dtype=np.int16)
    for index in range(number):
        centre = index * step - length_mm / 2 + shift_mm
        levels = centre + ((np.arange(32) + 0.5) / 32 - 0.5) * thickness
        share = np.mean([in_plane + z * z <= radius_mm**2 for z in levels], axis=0)
        share = share.reshape(size, fine, size, fine).mean(axis=(1, 3))
        out[index] = np.rint(40 + (hu - 40) * share)
    return out


def segmentation(
    paths: Sequence[Path], segments: dict[str, NDArray[np.bool_]], path: Path, kind: str = "BINARY"
) -> Path:
    """A DICOM SEG of the series, one segment a label; arrays (slices, rows, columns) in the order of the positions."""
    images = sorted((dcmread(source) for source in paths), key=lambda image: float(image.ImagePositionPatient[2]))
    for image in images:
        image.PatientName = ""  # highdicom warns of names without a caret
    code = Code("49755003", "SCT", "Morphologically abnormal structure")
    algorithm = hd.AlgorithmIdentificationSequence("test", Code("123109", "DCM", "Manual Processing"), "1")
    described = [
        hd.seg.SegmentDescription(
            number, label, code, Code("36222008", "SCT", "Calcification"), "SEMIAUTOMATIC", algorithm
        )
        for number, label in enumerate(segments, start=1)
    ]
    made = hd.seg.Segmentation(
        source_images=images,
        pixel_array=np.stack(list(segments.values()), axis=-1).astype(np.uint8),
        segmentation_type=kind,
        segment_descriptions=described,
        series_instance_uid=generate_uid(),
        series_number=1,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="test",
        manufacturer_model_name="test",
        software_versions="1",
        device_serial_number="1",
    )
    made.save_as(path)
    made._db_con.close()  # highdicom leaves its look-up tables, an SQLite database in memory, to the garbage collector
    return path


def anatomy(
    *,
    blood_hu: float = 40.0,
    noise_hu: float = 12.0,
    noise_by_slice: NDArray[np.float64] | None = None,
    smooth_noise_hu: float = 4.0,
    noise_per_fine: float = 1.5,
    left_main_mm: float = 60.0,
    slices: int = 30,
    likely: dict[str, Distance] | None = None,
    doubt: float = 0.0,
    landmarks: dict[str, tuple[float, float, float]] | None = None,
    **distances: Distance,
) -> Anatomy:
    """An anatomy that is given, not found: every place is one of the LAD, well inside the heart's fat.

    Distances in mm are numbers, or functions of points (n, 3) (z, y, x); so are the probabilities of `likely`, and what
    they lack to 1 is that of none.
    """
    usual: dict[str, Distance] = {"body": -3.0, "chambers": 5.0, "aorta": 30.0, "ascending": 30.0, "descending": 60.0}
    usual |= {"left atrium": 20.0, "left ventricle": 20.0}
    usual |= dict.fromkeys(("bone", "airway", "abdomen", "oesophagus"), 40.0)

    def asked(name: str) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
        value = (usual | distances)[name]
        return value if callable(value) else lambda points: np.full(len(points), float(value))

    def likelihood(points: NDArray[np.float64]) -> NDArray[np.float64]:
        given = likely or {"LAD": 0.97}
        rows = [
            value(points) if callable(value) else np.full(len(points), float(value))
            for value in (given.get(name, 0.0) for name in PLACES[1:])
        ]
        return np.array([1 - np.sum(rows, axis=0), *rows])

    def body(*names: str) -> dict[str, SimpleNamespace]:
        return {name: SimpleNamespace(at=asked(name)) for name in names}

    return Anatomy(
        grid=None,
        chest=SimpleNamespace(**body("body", "bone", "airway", "abdomen", "oesophagus")),
        heart=SimpleNamespace(
            places=PLACES,
            likelihood=likelihood,
            disagreement=lambda points: np.full(len(points), doubt),
            landmarks={name: Landmark(np.array(place), 1.0, 1.0) for name, place in (landmarks or {}).items()},
            region=lambda name: SimpleNamespace(at=asked(name)),
            **body("chambers", "aorta"),
        ),
        descending=SimpleNamespace(outside=asked("descending")),
        ascending=SimpleNamespace(outside=asked("ascending")),
        left_main=Level(left_main_mm, 3.0, ()),
        blood=Blood(
            blood_hu,
            noise_hu,
            np.full(slices, noise_hu) if noise_by_slice is None else noise_by_slice,
            smooth_noise_hu,
            noise_per_fine,
        ),
        heart_slices=(2, slices - 3),
        flags=(),
    )


@pytest.fixture(scope="session")
def given_anatomy() -> Callable[..., Anatomy]:
    """Builds an anatomy with the distances and the blood that a test names."""
    return anatomy


@pytest.fixture(scope="session")
def as_volume() -> Callable[[Phantom], Volume]:
    """The volume of a phantom as if it had been read from files."""
    return lambda made: Volume(made.hu, made.spacing_mm, made.origin_mm, made.axes, ())


@pytest.fixture(scope="session")
def patient() -> Phantom:
    """An ordinary adult with calcium in all four arteries."""
    return make_phantom(PhantomSpec(seed=1, matrix=192, noise_sd_hu=8.0))
