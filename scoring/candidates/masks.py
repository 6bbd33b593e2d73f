"""A mask of coronary calcium drawn by others: DICOM SEG (PS3.3 A.51) or NIfTI, laid onto a volume.

Every voxel of the volume takes the value of the nearest mask voxel, in patient coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.utils import iter_pixels

from config.errors import ConfigurationError, NotScorable
from dicom import elements
from scoring.images.volume import Volume
from scoring.result import ARTERIES, Artery

# SNOMED CT codes of the arteries, for segments whose label is in another language
_CODES: Final[dict[str, Artery]] = {"3227004": "LM", "59438005": "LAD", "57396003": "LCX", "13647002": "RCA"}
_UNNAMED: Final = len(ARTERIES) + 1


@dataclass(frozen=True, slots=True)
class ArteryMask:
    """The voxels of calcium, by artery.

    `labels` has the volume's shape (z, y, x), uint8: 0 outside, 1 to 4 the arteries in the order of `ARTERIES`,
    5 inside but of no named artery.
    """

    labels: NDArray[np.uint8]

    def parts(self) -> list[tuple[Artery | None, NDArray[np.bool_]]]:
        """Each artery that occurs, with its voxels; None for those of no named artery."""
        names: tuple[Artery | None, ...] = (*ARTERIES, None)
        return [
            (name, self.labels == label) for label, name in enumerate(names, start=1) if np.any(self.labels == label)
        ]

    def slices(self) -> tuple[int, int] | None:
        """First and last slice with a voxel inside, None when there is none."""
        occupied = np.flatnonzero(self.labels.any(axis=(1, 2)))
        return (int(occupied[0]), int(occupied[-1])) if len(occupied) else None


@dataclass(frozen=True, slots=True)
class _Grid:
    """Mask values (i, j, k), and the affine from indices to patient coordinates (LPS, mm)."""

    values: NDArray[np.uint8]
    affine: NDArray[np.float64]


def load(path: Path, volume: Volume, frame_of_reference_uid: str = "") -> ArteryMask:
    """Read a mask and lay it onto `volume`.

    Of a SEG, segments labelled LM, LAD, LCX or RCA, or coded so, give the artery, others count in the total
    alone; where segments overlap, the first one counts. In a NIfTI file 1 to 4 are LM, LAD, LCX, RCA; a file whose
    only value is 1, and any other value, counts in the total alone.

    Raises ConfigurationError when the file is not a readable mask, NotScorable (`mask_mismatch`) when it
    belongs to another frame of reference or none of it lies in the volume.
    """
    if not path.is_file():
        raise ConfigurationError(f"mask {path}: no such file")
    if path.name.lower().endswith((".nii", ".nii.gz")):
        grid = _read_nifti(path)
    else:
        grid = _read_segmentation(path, volume, frame_of_reference_uid)
    labels = _lay_onto(volume, grid)
    if grid.values.any() and not labels.any():
        raise NotScorable("mask_mismatch", variant="outside", mask=path.name)
    return ArteryMask(labels)


def _lay_onto(volume: Volume, grid: _Grid) -> NDArray[np.uint8]:
    labels = np.zeros(volume.hu.shape, dtype=np.uint8)
    inside = np.argwhere(grid.values)
    if not len(inside):
        return labels
    # only the box of voxels around the mask is looked up; its corners are half a mask voxel out
    low, high = inside.min(axis=0) - 0.5, inside.max(axis=0) + 0.5
    corners = np.stack(np.meshgrid(*zip(low, high, strict=True), indexing="ij"), axis=-1).reshape(-1, 3)
    box = volume.to_index(corners @ grid.affine[:3, :3].T + grid.affine[:3, 3])
    shape = np.asarray(volume.hu.shape)
    start = np.clip(np.floor(box.min(axis=0)).astype(int), 0, shape)
    stop = np.clip(np.ceil(box.max(axis=0)).astype(int) + 1, 0, shape)
    back = np.linalg.inv(grid.affine)
    y, x = np.meshgrid(np.arange(start[1], stop[1]), np.arange(start[2], stop[2]), indexing="ij")
    for z in range(start[0], stop[0]):
        position = volume.to_patient(np.stack((np.full(y.shape, z), y, x), axis=-1).astype(np.float64))
        # a voxel centre halfway between two mask voxels must not depend on rounding errors
        nearest = np.floor(position @ back[:3, :3].T + back[:3, 3] + 0.5 + 1e-4).astype(int)
        hit = np.all((nearest >= 0) & (nearest < grid.values.shape), axis=-1)
        values = grid.values[tuple(np.where(hit[..., np.newaxis], nearest, 0).transpose(2, 0, 1))]
        labels[z, start[1] : stop[1], start[2] : stop[2]] = np.where(hit, values, 0)
    return labels


def _read_nifti(path: Path) -> _Grid:
    try:
        import nibabel  # noqa: PLC0415 - an extra that most sites do not install
    except ImportError:
        raise ConfigurationError(f"mask {path}: reading NIfTI needs the extra: pip install coronode[nifti]") from None
    try:
        image: Any = nibabel.load(path)
        values = np.rint(np.asarray(image.dataobj)).squeeze()
        affine = np.asarray(image.affine, dtype=np.float64)
    except Exception as error:  # nibabel's exceptions for a broken file have no common base
        raise ConfigurationError(f"mask {path}: not a readable NIfTI file ({error})") from error
    if values.ndim != 3:
        raise ConfigurationError(f"mask {path}: {values.ndim} dimensions; a mask has 3")
    distinct = set(np.unique(values).tolist()) - {0.0}
    labels = np.where(values > 0, _UNNAMED, 0).astype(np.uint8)
    if distinct != {1.0}:
        named = (values >= 1) & (values <= len(ARTERIES))
        labels[named] = values[named].astype(np.uint8)
    # NIfTI points to the right, to the front and up; DICOM to the left, to the back and up
    return _Grid(labels, np.diag((-1.0, -1.0, 1.0, 1.0)) @ affine)


def _read_segmentation(path: Path, volume: Volume, frame_of_reference_uid: str) -> _Grid:
    try:
        dataset = elements.opened(path)
    except OSError as error:
        raise ConfigurationError(f"mask {path}: cannot be read: {error.strerror}") from error
    if dataset is None or elements.text(dataset, "Modality") != "SEG" or "SegmentSequence" not in dataset:
        raise ConfigurationError(f"mask {path}: neither a DICOM Segmentation nor a NIfTI file (.nii, .nii.gz)")
    other = elements.text(dataset, "FrameOfReferenceUID")
    if frame_of_reference_uid and other and other != frame_of_reference_uid:
        raise NotScorable("mask_mismatch", variant="frame", mask=path.name, uid=other)
    try:
        return _stack_frames(path, dataset, volume)
    except (ValueError, TypeError, AttributeError, LookupError, RuntimeError, NotImplementedError) as error:
        raise ConfigurationError(f"mask {path}: an unreadable Segmentation ({error})") from error


def _stack_frames(path: Path, dataset: Dataset, volume: Volume) -> _Grid:
    """The frames of a SEG as one array (plane, row, column)."""
    shared = elements.inner(dataset, "SharedFunctionalGroupsSequence") or Dataset()
    frames = [_SegFrame.of(frame, shared) for frame in dataset.PerFrameFunctionalGroupsSequence]
    first = frames[0]
    if any(not np.allclose(item.directions, first.directions, atol=1e-3) for item in frames):
        raise ValueError("frames of different orientation or pixel spacing")
    across = np.cross(first.directions[:, 1], first.directions[:, 0])
    across /= np.linalg.norm(across)
    places = np.asarray([float(item.position @ across) for item in frames])
    apart = _find_plane_spacing(volume, frames, first.apart)
    planes = np.rint((places - places.min()) / apart).astype(int)
    values = np.zeros((int(planes.max()) + 1, int(dataset.Rows), int(dataset.Columns)), dtype=np.uint8)
    arteries = _read_arteries(dataset)
    kind = elements.text(dataset, "SegmentationType")
    fractional = kind == "FRACTIONAL"
    background = int(elements.number(dataset, "PixelPaddingValue") or 0)
    level = (elements.number(dataset, "MaximumFractionalValue") or 255.0) / 2 if fractional else 0.5
    whole = elements.opened(path, pixels=True)
    images = iter_pixels(whole if whole is not None else dataset, raw=True)
    for plane, item, image in zip(planes, frames, images, strict=True):
        if kind == "LABELMAP":
            # the pixel is the segment's number, and the background is marked as padding
            for number in set(np.unique(image).tolist()) - {background}:
                values[plane][image == number] = arteries.get(number, _UNNAMED)
            continue
        free = (values[plane] == 0) & (image >= level)
        values[plane][free] = arteries.get(item.segment, _UNNAMED)
    # the frame that lies lowest along the normal is plane 0; in a tilted series planes are shifted sideways
    low, high = int(places.argmin()), int(places.argmax())
    step = across * apart
    if planes[high]:
        step = (frames[high].position - frames[low].position) / planes[high]
    affine = np.eye(4)
    affine[:3, 0] = step
    affine[:3, 1:3] = first.directions
    affine[:3, 3] = frames[low].position
    return _Grid(values, affine)


@dataclass(frozen=True, slots=True)
class _SegFrame:
    """A frame: its segment, or 0 for a label map; lengths in mm.

    `position` has shape (3,); the columns of `directions` (3, 2) are the steps down a column and along a row;
    `apart` is the stated plane spacing, or 0.
    """

    segment: int
    position: NDArray[np.float64]
    directions: NDArray[np.float64]
    apart: float

    @classmethod
    def of(cls, frame: Dataset, shared: Dataset) -> _SegFrame:
        def macro(name: str) -> Dataset:
            inner = elements.inner(frame, name)
            return inner if inner is not None else elements.inner(shared, name) or Dataset()

        position = elements.numbers(macro("PlanePositionSequence"), "ImagePositionPatient", 3)
        orientation = elements.numbers(macro("PlaneOrientationSequence"), "ImageOrientationPatient", 6)
        measures = macro("PixelMeasuresSequence")
        spacing = elements.numbers(measures, "PixelSpacing", 2)
        number = elements.number(macro("SegmentIdentificationSequence"), "ReferencedSegmentNumber")
        if position is None or orientation is None or spacing is None:
            raise ValueError("a frame lacks position, orientation or pixel spacing")
        right, down = np.asarray(orientation).reshape(2, 3)
        apart = elements.number(measures, "SpacingBetweenSlices") or elements.number(measures, "SliceThickness") or 0.0
        directions = np.stack((down * spacing[0], right * spacing[1]), axis=1)
        return cls(int(number or 0), np.asarray(position), directions, abs(apart))


def _find_plane_spacing(volume: Volume, frames: list[_SegFrame], stated: float) -> float:
    """Plane spacing in mm.

    Frames without a voxel are mostly left out, so that the positions alone do not give it. Where all lie on
    slices of the volume, its spacing holds, as slices may overlap and be thicker than they are apart.
    """
    slices = volume.to_index(np.stack([item.position for item in frames]))[:, 0]
    if np.abs(slices - np.rint(slices)).max() < 0.1 or not stated:
        return volume.spacing_mm[0]
    return stated


def _read_arteries(dataset: Dataset) -> dict[int, int]:
    """Label of every segment number whose label or coded type names an artery."""
    labels: dict[int, int] = {}
    for segment in dataset.SegmentSequence:
        kind = elements.inner(segment, "SegmentedPropertyTypeCodeSequence")
        site = elements.inner(segment, "PrimaryAnatomicStructureSequence") or elements.inner(
            segment, "AnatomicRegionSequence"
        )
        codes = [_CODES.get(elements.text(item, "CodeValue")) for item in (kind, site) if item is not None]
        label = elements.text(segment, "SegmentLabel").upper()
        name = next((artery for artery in ARTERIES if artery == label), None) or next(filter(None, codes), None)
        if name is not None:
            labels[int(segment.SegmentNumber)] = ARTERIES.index(name) + 1
    return labels
