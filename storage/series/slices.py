"""The slice geometry of a series from the headers, for the check that no slice is missing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from config.errors import Permanent, Transient, describe_fault
from dicom.decimals import parse_decimals
from dicom.sop_classes import IMAGE_STORAGE
from storage.database.engine import Database
from storage.database.models import InstanceRow, SeriesRow
from storage.objects.files import Files

Value = TypeVar("Value")
Triple = tuple[float, float, float]


class ImagesDeleted(Permanent):
    """The images of a series are not here any more, and its result is."""


@dataclass(frozen=True, slots=True)
class SliceGeometry:
    """One object's place in the patient (mm, LPS); None where the header has no usable value (PS3.3 C.7.6.2)."""

    sop_instance_uid: str
    sop_class_uid: str
    instance_number: int | None
    acquisition_number: int | None
    position: Triple | None
    row_direction: Triple | None
    column_direction: Triple | None
    rows: int | None
    columns: int | None
    pixel_spacing: tuple[float, float] | None
    slice_thickness: float | None
    frame_of_reference_uid: str
    image_type: tuple[str, ...]
    convolution_kernel: str
    number_of_frames: int


def list_slices(db: Database, series_instance_uid: str) -> list[SliceGeometry]:
    """List the CT images of a series, in order of arrival; companions and rejected images are not part of the scan."""
    with db.reading() as session:
        return [_to_geometry(row) for row in session.scalars(_of_scan(select(InstanceRow), series_instance_uid))]


def list_files(db: Database, files: Files, series_instance_uid: str) -> list[Path]:
    """List files with a series' CT images, in order of arrival, to be read soon.

    Raises Transient when the database or the store does not answer.
    """
    with db.reading() as session:
        names = list(session.scalars(_of_scan(select(InstanceRow.path), series_instance_uid)))
    try:
        return files.fetch_all(names)
    except OSError as error:
        raise Transient(describe_fault(error)) from error


def require_files(db: Database, files: Files, series_instance_uid: str) -> list[Path]:
    """List them as `list_files` does. Raises ImagesDeleted when retention or an operator has deleted them."""
    found = list_files(db, files, series_instance_uid)
    if not found:
        with db.reading() as session:
            deleted = session.scalar(
                select(SeriesRow.images_deleted_at).where(SeriesRow.series_instance_uid == series_instance_uid)
            )
        if deleted is not None:
            raise ImagesDeleted(
                f"the images of series {series_instance_uid} were deleted on {deleted:%Y-%m-%d}; its result stays. "
                "Send or fetch the series again to open it"
            )
    return found


def count_images(session: Session, series_instance_uid: str) -> int:
    """Count the CT images of a series, those that `list_slices` lists."""
    query = _of_scan(select(InstanceRow.id), series_instance_uid).order_by(None)
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0


def _of_scan(query: Select[Value], series_instance_uid: str) -> Select[Value]:
    belongs = (SeriesRow.series_instance_uid == series_instance_uid, InstanceRow.sop_class_uid.in_(IMAGE_STORAGE))
    return query.join(SeriesRow).where(*belongs, InstanceRow.rejected.is_(False)).order_by(InstanceRow.id)


def _to_geometry(row: InstanceRow) -> SliceGeometry:
    position = parse_decimals(row.image_position_patient.split("\\"), 3)
    orientation = parse_decimals(row.image_orientation_patient.split("\\"), 6)
    spacing = parse_decimals(row.pixel_spacing.split("\\"), 2)
    thickness = parse_decimals(row.slice_thickness.split("\\"), 1)
    return SliceGeometry(
        sop_instance_uid=row.sop_instance_uid,
        sop_class_uid=row.sop_class_uid,
        instance_number=_parse_integer(row.instance_number),
        acquisition_number=_parse_integer(row.acquisition_number),
        position=(position[0], position[1], position[2]) if position else None,
        row_direction=(orientation[0], orientation[1], orientation[2]) if orientation else None,
        column_direction=(orientation[3], orientation[4], orientation[5]) if orientation else None,
        rows=_parse_integer(row.rows),
        columns=_parse_integer(row.columns),
        pixel_spacing=(spacing[0], spacing[1]) if spacing else None,
        slice_thickness=thickness[0] if thickness else None,
        frame_of_reference_uid=row.frame_of_reference_uid,
        image_type=tuple(row.image_type.split("\\")) if row.image_type else (),
        convolution_kernel=row.convolution_kernel,
        number_of_frames=_parse_integer(row.number_of_frames) or 1,
    )


def _parse_integer(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None
