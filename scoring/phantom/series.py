"""A phantom as a DICOM series: CT Image Storage, Explicit VR Little Endian (PS3.3 A.3)."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

from dicom.uids import derived_uid
from scoring.phantom.calcium import MASS_FACTOR, contrast
from scoring.phantom.phantom import LOWEST_HU, Phantom
from scoring.phantom.spec import PatientPosition, PhantomSpec

_NAMESPACE: Final = uuid.UUID("9d1f6a51-6a2c-5d0e-8f57-3b0c3f4f7f11")
MANUFACTURER: Final = "Coronode"
MODEL: Final = "Synthetic thorax"
_TIME: Final = "101500"
_ORIENTATION: Final[dict[PatientPosition, tuple[int, int]]] = {
    "HFS": (1, 1),
    "HFP": (-1, -1),
    "FFS": (-1, 1),
    "FFP": (1, -1),
}
"""Rows and columns along (1) or against (-1) the patient's left and back: the gantry axes (PS3.3 C.7.3.1.1.2)."""


def _stored_order(spec: PhantomSpec) -> tuple[int, int]:
    across, down = _ORIENTATION[spec.patient_position]
    return (-across if spec.flip_columns else across), (-down if spec.flip_rows else down)


def uid(*parts: object) -> str:
    """Derive a UID from its parts (PS3.5 B.2: 2.25 and a name-based UUID)."""
    return derived_uid("/".join(map(str, parts)), namespace=_NAMESPACE)


def write_series(phantom: Phantom, folder: Path) -> list[Path]:
    """Write dicom/NNNN.dcm, one file per slice, and truth.json; return the paths of the slices.

    0001 is at the head, or at the feet of a patient who lies feet first. The slices have a folder of their own because
    senders stop at a file that is not DICOM. The truth is written last, so that a folder that contains it is complete.
    Equal phantoms give equal bytes; `missing_slices` leave a gap in the numbers. Raises OSError if the folder cannot be
    written.
    """
    images = folder / "dicom"
    images.mkdir(parents=True, exist_ok=True)
    common = common_attributes(phantom)
    paths = []
    order = range(len(phantom.hu))
    # The slice that enters the gantry first gets the first number.
    for number, index in enumerate(order if phantom.spec.patient_position[0] == "F" else reversed(order), start=1):
        if index in phantom.spec.missing_slices:
            continue
        path = images / f"{number:04d}.dcm"
        dataset = _slice(phantom, common, index, number)
        dataset.save_as(path, enforce_file_format=True)
        paths.append(path)
    (folder / "truth.json").write_text(phantom.truth.to_json(), encoding="utf-8")
    return paths


def study_instance_uid(spec: PhantomSpec) -> str:
    """Return the Study Instance UID of a spec: its own, otherwise one per patient and day."""
    return spec.study_instance_uid or uid("study", spec.seed, _patient_id(spec), spec.study_date)


def _patient_id(spec: PhantomSpec) -> str:
    return spec.patient_id or f"PHANTOM-{spec.seed}"


def common_attributes(phantom: Phantom) -> Dataset:
    """Return all attributes that the slices of a phantom share."""
    spec = phantom.spec
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.SOPClassUID = CTImageStorage
    for name in ("Study", "Series", "Acquisition", "Content"):
        setattr(ds, f"{name}Date", spec.study_date)
        setattr(ds, f"{name}Time", _TIME)
    _patient_and_study(ds, spec)
    ds.Modality = "CT"
    ds.SeriesInstanceUID = uid("series", spec.identity)
    ds.SeriesNumber = 2
    protocol, phase = ("CaSc", " 75 %") if spec.gated else ("Chest", "")
    ds.SeriesDescription = f"{protocol} {spec.slice_thickness_mm:g} mm / {spec.slice_increment_mm:g} mm{phase}"
    ds.BodyPartExamined = "CHEST"
    ds.PatientPosition = spec.patient_position
    ds.ProtocolName = "Coronary calcium, ECG-gated" if spec.gated else "Chest, not enhanced"
    ds.FrameOfReferenceUID = uid("frame", study_instance_uid(spec))
    ds.PositionReferenceIndicator = ""
    ds.Manufacturer = MANUFACTURER
    ds.ManufacturerModelName = MODEL
    ds.DeviceSerialNumber = f"{spec.seed}"
    ds.SoftwareVersions = "1"
    ds.InstitutionName = "SYNTHETIC"
    _acquisition(ds, spec)
    _pixels(ds, phantom)
    return ds


def _patient_and_study(ds: Dataset, spec: PhantomSpec) -> None:
    ds.PatientName = spec.patient_name
    ds.PatientID = _patient_id(spec)
    ds.PatientBirthDate = "19600101"
    ds.PatientSex = "O"
    ds.PatientAge = f"{max(0, int(spec.study_date[:4]) - 1960):03d}Y"
    ds.StudyInstanceUID = study_instance_uid(spec)
    ds.StudyID = "1"
    ds.AccessionNumber = f"PH{spec.seed}"[:16]
    ds.ReferringPhysicianName = ""
    ds.StudyDescription = f"CT {'coronary calcium' if spec.gated else 'chest'} (synthetic phantom)"


def _acquisition(ds: Dataset, spec: PhantomSpec) -> None:
    ds.AcquisitionNumber = 1
    ds.ScanOptions = ["ECG_GATED", "TP75PC750"] if spec.gated else "HELICAL_CT"
    ds.KVP = spec.kvp
    ds.SliceThickness = f"{spec.slice_thickness_mm:g}"
    ds.DataCollectionDiameter = 500
    ds.ReconstructionDiameter = f"{spec.field_of_view_mm:g}"
    ds.GantryDetectorTilt = number_text(spec.gantry_tilt_deg)
    ds.TableHeight = 150
    ds.RotationDirection = "CW"
    ds.ExposureTime = 280
    ds.XRayTubeCurrent = 300
    ds.Exposure = 84
    ds.FilterType = "NONE"
    ds.FocalSpots = "1.2"
    ds.ConvolutionKernel = _kernel(spec)
    ds.CalciumScoringMassFactorPatient = MASS_FACTOR / contrast(spec.kvp)
    ds.ImageComments = "SYNTHETIC PHANTOM: no patient was scanned"


def _kernel(spec: PhantomSpec) -> str:
    if spec.edge_enhancement > 0.3:
        return "LUNG"
    return "SHARP" if spec.kernel_fwhm_mm < 0.8 else "SOFT" if spec.kernel_fwhm_mm > 1.2 else "STANDARD"


def _pixels(ds: Dataset, phantom: Phantom) -> None:
    _, rows, columns = phantom.hu.shape
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows, ds.Columns = rows, columns
    ds.PixelSpacing = [number_text(phantom.spacing_mm[1]), number_text(phantom.spacing_mm[2])]
    across, down = _stored_order(phantom.spec)
    ways = np.stack([across * phantom.axes[:, 2], down * phantom.axes[:, 1]])
    ds.ImageOrientationPatient = [number_text(v) for v in ways.ravel()]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = LOWEST_HU, 1, "HU"
    ds.WindowCenter, ds.WindowWidth = 40, 350
    ds.BurnedInAnnotation = "NO"
    ds.LossyImageCompression = "00"


def _slice(phantom: Phantom, common: Dataset, index: int, number: int) -> Dataset:
    ds = Dataset()
    ds.update(common)
    across, down = _stored_order(phantom.spec)
    _, rows, columns = phantom.hu.shape
    dz, dy, dx = phantom.spacing_mm
    first = (index * dz, (rows - 1) * dy if down < 0 else 0.0, (columns - 1) * dx if across < 0 else 0.0)
    place = phantom.origin_mm + phantom.axes @ np.array(first)
    ds.ImagePositionPatient = [number_text(v) for v in place]
    # The table position: a tilted slice has no single height.
    ds.SliceLocation = number_text(phantom.origin_mm[2] + index * dz * phantom.axes[2, 0])
    return with_pixels(ds, phantom.hu[index, ::down, ::across], number)


def with_pixels(ds: Dataset, hu: NDArray[np.int16], number: int) -> Dataset:
    """Complete a data set as the image of this number: its HU (rows, columns), UIDs and file meta information."""
    ds.SOPInstanceUID = uid("instance", ds.SeriesInstanceUID, number)
    ds.InstanceNumber = number
    stored = hu.astype(np.int32) - LOWEST_HU
    ds.PixelData = stored.astype("<u2").tobytes()
    ds["PixelData"].VR = "OW"
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(uid("implementation"))
    meta.ImplementationVersionName = "CORONODE_PHANTOM"
    ds.file_meta = meta
    return ds


def number_text(value: float) -> str:
    """Format a decimal string of at most 16 characters (PS3.5 6.2, DS)."""
    text = f"{value:.8f}".rstrip("0").rstrip(".")
    return text if text not in ("-0", "") else "0"
