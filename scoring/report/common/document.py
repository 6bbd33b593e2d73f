"""The modules common to every document: patient, study, series, equipment, file meta."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

from pydicom import config
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from dicom.elements import text
from dicom.implementation import IMPLEMENTATION_CLASS_UID, implementation_version_name
from dicom.uids import derived_uid
from scoring.report.common.request import ReportRequest
from scoring.report.common.source import copy_patient_and_study
from scoring.result import Provenance, Score

MANUFACTURER: Final = "Coronode"


@dataclass(frozen=True, slots=True)
class Origin:
    """UIDs of the images that a document is made from, as stored; derived where the source has none."""

    study_instance_uid: str
    series_instance_uid: str
    sop_class_uid: str


def find_origin(score: Score, source: Dataset) -> Origin:
    """Study and series that a document belongs to.

    The header of the source takes precedence over the score; without UIDs in either, they are derived from the source's
    SOP Instance UID, so that the document can exist at all.
    """
    instance = text(source, "SOPInstanceUID")
    return Origin(
        study_instance_uid=text(source, "StudyInstanceUID")
        or score.series.study_instance_uid
        or derived_uid(instance, "study"),
        series_instance_uid=text(source, "SeriesInstanceUID")
        or score.series.series_instance_uid
        or derived_uid(instance, "series"),
        sop_class_uid=text(source, "SOPClassUID"),
    )


def put_uid(dataset: Dataset, keyword: str, uid: str) -> None:
    """Set a UID of the source as it is, even an invalid one, for instance with leading zeros."""
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise ValueError(f"{keyword} is not a keyword of the data dictionary")
    dataset.add(DataElement(tag, dictionary_VR(tag), uid, validation_mode=config.IGNORE))


def reference(sop_class_uid: str, sop_instance_uid: str) -> Dataset:
    """Item of a sequence of SOP Instance Reference Macro (PS3.3 Table 10-11)."""
    item = Dataset()
    put_uid(item, "ReferencedSOPClassUID", sop_class_uid)
    put_uid(item, "ReferencedSOPInstanceUID", sop_instance_uid)
    return item


def hierarchy(study_instance_uid: str, series_instance_uid: str, instances: Sequence[Dataset]) -> Dataset:
    """Item of Hierarchical SOP Instance Reference Macro (PS3.3 Table C.17-3) for instances of one series."""
    series = Dataset()
    put_uid(series, "SeriesInstanceUID", series_instance_uid)
    series.ReferencedSOPSequence = list(instances)
    study = Dataset()
    put_uid(study, "StudyInstanceUID", study_instance_uid)
    study.ReferencedSeriesSequence = [series]
    return study


def start(
    *,
    sop_class_uid: str,
    sop_instance_uid: str,
    source: Dataset,
    origin: Origin,
    request: ReportRequest,
    made_by: Provenance,
) -> Dataset:
    """Data set with SOP Common, Patient, General Study and Equipment and its file meta information.

    Dates and times of creation are in the time zone of the source, when it names one, because (0008,0201)
    governs every date and time of a data set.
    """
    document = copy_patient_and_study(source)
    put_uid(document, "StudyInstanceUID", origin.study_instance_uid)
    document.SpecificCharacterSet = "ISO_IR 192"
    document.SOPClassUID = sop_class_uid
    document.SOPInstanceUID = sop_instance_uid
    created = local_time(document, request.created)
    document.InstanceCreationDate = document.ContentDate = created.strftime("%Y%m%d")
    document.InstanceCreationTime = document.ContentTime = created.strftime("%H%M%S.%f")
    document.InstanceCreatorUID = IMPLEMENTATION_CLASS_UID
    document.SeriesNumber = request.series_number
    document.SeriesDescription = request.series_description
    document.Manufacturer = MANUFACTURER
    document.ManufacturerModelName = made_by.software[:64]
    document.SoftwareVersions = made_by.version[:64]
    document.file_meta = _file_meta(sop_class_uid, sop_instance_uid, made_by.version)
    return document


def local_time(document: Dataset, moment: datetime) -> datetime:
    """A moment in the time zone that a document declares, in legal encoding; else as it was given."""
    offset = str(document.get("TimezoneOffsetFromUTC", ""))
    if not offset:
        return moment
    minutes = int(offset[1:3]) * 60 + int(offset[3:])
    return moment.astimezone(timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes)))


def _file_meta(sop_class_uid: str, sop_instance_uid: str, version: str) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = UID(sop_class_uid)
    meta.MediaStorageSOPInstanceUID = UID(sop_instance_uid)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = implementation_version_name(version)
    return meta
