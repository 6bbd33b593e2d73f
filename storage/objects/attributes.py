"""Table of the indexed attributes: keyword, level of the query model, column.

Storing, matching and answering read this table. The value representation comes from the data dictionary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from pydicom.datadict import dictionary_VR, tag_for_keyword

Level = Literal["PATIENT", "STUDY", "SERIES", "IMAGE"]
LEVELS: tuple[Level, ...] = get_args(Level)


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute kept as text in `column` of its level's table (patient and study share one)."""

    keyword: str
    level: Level
    column: str
    vr: str
    tag: int


def _make_attribute(level: Level, keyword: str, column: str) -> Attribute:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise LookupError(f"{keyword} is not in the data dictionary")
    return Attribute(keyword, level, column, dictionary_VR(tag), tag)


_COLUMNS: dict[Level, dict[str, str]] = {
    "PATIENT": {
        "PatientID": "patient_id",
        "IssuerOfPatientID": "issuer_of_patient_id",
        "PatientName": "patient_name",
        "PatientBirthDate": "patient_birth_date",
        "PatientSex": "patient_sex",
    },
    "STUDY": {
        "StudyInstanceUID": "study_instance_uid",
        "StudyDate": "study_date",
        "StudyTime": "study_time",
        "AccessionNumber": "accession_number",
        "StudyID": "study_id",
        "StudyDescription": "study_description",
        "ReferringPhysicianName": "referring_physician_name",
        "PatientAge": "patient_age",
    },
    "SERIES": {
        "SeriesInstanceUID": "series_instance_uid",
        "Modality": "modality",
        "SeriesNumber": "series_number",
        "SeriesDescription": "series_description",
        "SeriesDate": "series_date",
        "SeriesTime": "series_time",
        "BodyPartExamined": "body_part_examined",
        "ProtocolName": "protocol_name",
        "Laterality": "laterality",
        "Manufacturer": "manufacturer",
        "ManufacturerModelName": "manufacturer_model_name",
        "StationName": "station_name",
        "InstitutionName": "institution_name",
        "PerformedProcedureStepStartDate": "performed_procedure_step_start_date",
        "PerformedProcedureStepStartTime": "performed_procedure_step_start_time",
    },
    "IMAGE": {
        "SOPInstanceUID": "sop_instance_uid",
        "SOPClassUID": "sop_class_uid",
        "InstanceNumber": "instance_number",
        "AcquisitionNumber": "acquisition_number",
        "AcquisitionDate": "acquisition_date",
        "AcquisitionTime": "acquisition_time",
        "AcquisitionDateTime": "acquisition_date_time",
        "ContentDate": "content_date",
        "ContentTime": "content_time",
        "ImageType": "image_type",
        "NumberOfFrames": "number_of_frames",
        "Rows": "rows",
        "Columns": "columns",
        "PixelSpacing": "pixel_spacing",
        "ImagePositionPatient": "image_position_patient",
        "ImageOrientationPatient": "image_orientation_patient",
        "FrameOfReferenceUID": "frame_of_reference_uid",
        "SliceThickness": "slice_thickness",
        "ConvolutionKernel": "convolution_kernel",
    },
}

ATTRIBUTES: dict[str, Attribute] = {
    keyword: _make_attribute(level, keyword, column)
    for level, columns in _COLUMNS.items()
    for keyword, column in columns.items()
}

# Offset from UTC of the dates and times of a row, kept at every level: each row has those of the object that opened it.
TIMEZONE = _make_attribute("STUDY", "TimezoneOffsetFromUTC", "timezone_offset_from_utc")

# The time of day that belongs to a date; Patient's Birth Date has none.
TIME_OF_DATE: dict[str, str] = {
    keyword: keyword.removesuffix("Date") + "Time"
    for keyword in ATTRIBUTES
    if keyword.removesuffix("Date") + "Time" in ATTRIBUTES
}

# Names are matched without regard to case, so a folded copy is kept beside the text.
FOLDED: dict[str, str] = {
    "patient_name": "patient_name_folded",
    "referring_physician_name": "referring_physician_name_folded",
}


def list_attributes(*levels: Level) -> tuple[Attribute, ...]:
    """List the attributes of the given levels, in table order."""
    return tuple(attribute for attribute in ATTRIBUTES.values() if attribute.level in levels)
