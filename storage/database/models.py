"""The tables; rows never leave this package.

Query keys are kept as text, as in DICOM. Patient attributes belong to the study because identities are often empty.
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.database.columns import Base, Identity, Raw, When, WhenOrNone, Words


class StudyRow(Base):
    """A study and its patient, as given by the first object of the study."""

    __tablename__ = "studies"
    __table_args__ = (
        Index(None, "patient_id", "issuer_of_patient_id", "patient_name"),
        # Names with several groups, any of which may be searched for.
        Index(
            "ix_studies_patient_name_groups",
            "patient_name_folded",
            sqlite_where=text("instr(patient_name_folded, '=') > 0"),
            postgresql_where=text("strpos(patient_name_folded, '=') > 0"),
        ),
    )

    id: Mapped[Identity]
    study_instance_uid: Mapped[Raw] = mapped_column(unique=True)
    patient_id: Mapped[Raw]
    issuer_of_patient_id: Mapped[Raw]
    patient_name: Mapped[Raw]
    patient_name_folded: Mapped[Raw] = mapped_column(index=True)
    patient_birth_date: Mapped[Raw]
    patient_sex: Mapped[Raw]
    patient_age: Mapped[Raw]
    study_date: Mapped[Raw] = mapped_column(index=True)
    study_time: Mapped[Raw]
    accession_number: Mapped[Raw] = mapped_column(index=True)
    study_id: Mapped[Raw]
    study_description: Mapped[Raw]
    referring_physician_name: Mapped[Raw]
    referring_physician_name_folded: Mapped[Raw]
    timezone_offset_from_utc: Mapped[Raw]


class SeriesRow(Base):
    """A series, its query keys and its progress towards a score; `hidden_count` of its instances are not answered.

    `agatston` to `reader` are those of the result of its version (`storage.series.summary`). `images_deleted_at` is
    set from the deletion of its objects (`deleted_count` of them, ever) until it is complete again, `promised_at` where
    a peer was told that objects of it are kept. `silent_seconds` have been waited since the instance of `silent_since`.
    """

    __tablename__ = "series"

    id: Mapped[Identity]
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id"), index=True)
    series_instance_uid: Mapped[Raw] = mapped_column(unique=True)
    modality: Mapped[Raw]
    series_number: Mapped[Raw]
    series_description: Mapped[Raw]
    series_date: Mapped[Raw]
    series_time: Mapped[Raw]
    body_part_examined: Mapped[Raw]
    protocol_name: Mapped[Raw]
    laterality: Mapped[Raw]
    manufacturer: Mapped[Raw]
    manufacturer_model_name: Mapped[Raw]
    station_name: Mapped[Raw]
    institution_name: Mapped[Raw]
    performed_procedure_step_start_date: Mapped[Raw]
    performed_procedure_step_start_time: Mapped[Raw]
    timezone_offset_from_utc: Mapped[Raw]
    origin: Mapped[Raw]
    state: Mapped[Raw] = mapped_column(index=True)
    version: Mapped[int]
    reason_code: Mapped[Words]
    reason: Mapped[Words]
    reason_values: Mapped[Words] = mapped_column(server_default="")
    wait_until: Mapped[WhenOrNone]
    wait_reason: Mapped[Words]
    flags: Mapped[Words]
    instance_count: Mapped[int]
    hidden_count: Mapped[int] = mapped_column(server_default="0")
    calling_ae: Mapped[Words]
    first_received_at: Mapped[When]
    last_received_at: Mapped[When] = mapped_column(index=True)
    completed_at: Mapped[WhenOrNone]
    updated_at: Mapped[When]
    agatston: Mapped[float | None] = mapped_column(index=True)
    category: Mapped[Raw] = mapped_column(server_default="")
    wants_review: Mapped[bool] = mapped_column(server_default=text("false"))
    reader: Mapped[Words] = mapped_column(server_default="")
    images_deleted_at: Mapped[WhenOrNone]
    deleted_count: Mapped[int] = mapped_column(server_default="0")
    promised_at: Mapped[WhenOrNone]
    silent_seconds: Mapped[float] = mapped_column(server_default="0")
    silent_since: Mapped[WhenOrNone]


class InstanceRow(Base):
    """An object, its file, and the attributes needed for completion and IMAGE level queries.

    One that is `superseded` by a later document, or `rejected` by a note, is kept and not answered.
    """

    __tablename__ = "instances"

    id: Mapped[Identity]
    series_id: Mapped[int] = mapped_column(ForeignKey("series.id"), index=True)
    sop_instance_uid: Mapped[Raw] = mapped_column(unique=True)
    sop_class_uid: Mapped[Raw]
    transfer_syntax_uid: Mapped[Raw]
    instance_number: Mapped[Raw]
    acquisition_number: Mapped[Raw]
    acquisition_date: Mapped[Raw]
    acquisition_time: Mapped[Raw]
    acquisition_date_time: Mapped[Raw]
    content_date: Mapped[Raw]
    content_time: Mapped[Raw]
    image_type: Mapped[Raw]
    number_of_frames: Mapped[Raw]
    rows: Mapped[Raw]
    columns: Mapped[Raw]
    pixel_spacing: Mapped[Raw]
    image_position_patient: Mapped[Raw]
    image_orientation_patient: Mapped[Raw]
    frame_of_reference_uid: Mapped[Raw]
    slice_thickness: Mapped[Raw]
    convolution_kernel: Mapped[Raw]
    timezone_offset_from_utc: Mapped[Raw]
    path: Mapped[Words]
    size: Mapped[int]
    sha256: Mapped[Words]
    calling_ae: Mapped[Words]
    received_at: Mapped[When]
    superseded: Mapped[bool] = mapped_column(server_default=text("false"))
    rejected: Mapped[bool] = mapped_column(server_default=text("false"))


class ResultRow(Base):
    """The score of one version of a series, and the report that was made of it; none is while it is `held` back."""

    __tablename__ = "results"
    __table_args__ = (UniqueConstraint("series_instance_uid", "version", name="uq_results_series_uid_version"),)

    id: Mapped[Identity]
    series_instance_uid: Mapped[Raw]
    version: Mapped[int]
    status: Mapped[Raw]
    score_json: Mapped[Words]
    sr_sop_class_uid: Mapped[Raw]
    sr_sop_instance_uid: Mapped[Raw]
    sr_series_instance_uid: Mapped[Raw]
    created_at: Mapped[When]
    held: Mapped[bool] = mapped_column(server_default=text("false"))


class DeliveryRow(Base):
    """One document on its way to one destination; `owner` is the member of the group that claimed it last."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("sop_instance_uid", "destination"),
        Index("ix_deliveries_series_uid_version", "series_instance_uid", "version"),
        Index(None, "state", "next_attempt_at"),
        Index(None, "commit_at"),
    )

    id: Mapped[Identity]
    series_instance_uid: Mapped[Raw]
    version: Mapped[int]
    sop_instance_uid: Mapped[Raw]
    kind: Mapped[Raw]
    path: Mapped[Words]
    destination: Mapped[Raw]
    state: Mapped[Raw]
    attempts: Mapped[int]
    next_attempt_at: Mapped[When]
    last_error: Mapped[Words]
    last_status: Mapped[int | None]
    created_at: Mapped[When]
    updated_at: Mapped[When]
    delivered_at: Mapped[WhenOrNone]
    transaction_uid: Mapped[Raw] = mapped_column(index=True)
    commit_at: Mapped[WhenOrNone]
    commit_attempts: Mapped[int]
    commit_requests: Mapped[int]
    owner: Mapped[Raw] = mapped_column(server_default="")


class QuarantineRow(Base):
    """An object that contradicts an earlier one; series and study are those that it claims."""

    __tablename__ = "quarantine"
    __table_args__ = (UniqueConstraint("sop_instance_uid", "sha256"),)

    id: Mapped[Identity]
    sop_instance_uid: Mapped[Raw]
    series_instance_uid: Mapped[Raw] = mapped_column(index=True)
    study_instance_uid: Mapped[Raw]
    path: Mapped[Words]
    size: Mapped[int]
    sha256: Mapped[Words]
    reason_code: Mapped[Raw]
    calling_ae: Mapped[Words]
    received_at: Mapped[When]


class AuditRow(Base):
    """An event of the audit log; rows are only ever added. `person` is who did it, empty for the node itself."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_series_uid", "series_instance_uid"),)

    id: Mapped[Identity]
    at: Mapped[When] = mapped_column(index=True)
    kind: Mapped[Raw]
    series_instance_uid: Mapped[Raw]
    sop_instance_uid: Mapped[Raw]
    peer_ae: Mapped[Words]
    text: Mapped[Words]
    person: Mapped[Words] = mapped_column(server_default="")
