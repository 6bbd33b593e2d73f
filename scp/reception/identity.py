"""Study and Series Instance UIDs for objects that arrive without them: some anonymisers remove them.

Both are type 1 (PS3.3 C.7.2.1, C.7.3.1), but refusing such an object would lose it. It is stored as received and
indexed under UIDs derived from what the slices of one acquisition have in common. Where nothing in the header
identifies the acquisition, only objects of one association belong together: two patients must never become one
series.
"""

from __future__ import annotations

import uuid
from typing import Final

import structlog
from pydicom.dataset import Dataset

from dicom.uids import derived_uid

log = structlog.get_logger(__name__)

_STUDY: Final = ("PatientID", "IssuerOfPatientID", "PatientBirthDate", "StudyID", "StudyDate", "StudyTime")
_SERIES: Final = (
    "Modality",
    "SeriesNumber",
    "SeriesDescription",
    "SeriesDate",
    "SeriesTime",
    "AcquisitionNumber",
    "Manufacturer",
    "ManufacturerModelName",
    "DeviceSerialNumber",
    "ConvolutionKernel",
    "SliceThickness",
    "Rows",
    "Columns",
    "PixelSpacing",
    "ImageOrientationPatient",
)
_ACQUISITION: Final = ("FrameOfReferenceUID", "IrradiationEventUID", "AcquisitionUID")
KEYWORDS: Final = (*_STUDY, *_SERIES, *_ACQUISITION)
"""The attributes from which missing UIDs are derived."""

_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_DNS, "identity.coronode")


def complete(dataset: Dataset, association: str) -> None:
    """Add Study and Series Instance UID to `dataset`, a header in memory, if missing.

    `association` identifies the association on which it arrived.
    """
    uids = ("StudyInstanceUID", "SeriesInstanceUID")
    missing = [keyword for keyword in uids if not str(dataset.get(keyword) or "").strip(" \0")]
    if not missing:
        return
    named = [str(dataset[keyword].value) for keyword in _ACQUISITION if dataset.get(keyword)]
    study = [str(dataset.get(keyword, "")) for keyword in _STUDY] + (named or [association])
    series = study + [str(dataset.get(keyword, "")) for keyword in _SERIES]
    for keyword, facts in (("StudyInstanceUID", study), ("SeriesInstanceUID", series)):
        if keyword in missing:
            setattr(dataset, keyword, derived_uid(f"{keyword}:{facts!r}", namespace=_NAMESPACE))
    log.debug("study and series UID derived", missing=missing, series=str(dataset.SeriesInstanceUID))
