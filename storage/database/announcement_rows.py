"""The tables of what others announce: the steps that scanners perform, and the objects that a series is to have."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.database.columns import Base, Identity, Raw, When, Words


class ExpectationRow(Base):
    """What one source says of a series: a number of objects, `named` where the UIDs are known."""

    __tablename__ = "expectations"
    __table_args__ = (UniqueConstraint("series_instance_uid", "source", "origin"),)

    id: Mapped[Identity]
    series_instance_uid: Mapped[Raw]
    source: Mapped[Raw]
    origin: Mapped[Raw]
    count: Mapped[int]
    named: Mapped[bool]
    final: Mapped[bool]
    announced_at: Mapped[When] = mapped_column(index=True)


class ExpectedInstanceRow(Base):
    """An object that an expectation names."""

    __tablename__ = "expected_instances"

    expectation_id: Mapped[int] = mapped_column(ForeignKey("expectations.id"), primary_key=True)
    sop_instance_uid: Mapped[Raw] = mapped_column(primary_key=True)


class PerformedStepRow(Base):
    """A Modality Performed Procedure Step (PS3.4 F.7), without its patient."""

    __tablename__ = "performed_steps"

    id: Mapped[Identity]
    sop_instance_uid: Mapped[Raw] = mapped_column(unique=True)
    state: Mapped[Raw] = mapped_column(index=True)
    modality: Mapped[Raw]
    station_ae: Mapped[Words]
    started: Mapped[Raw]
    ended: Mapped[Raw]
    reason_code: Mapped[Words]
    reason_scheme: Mapped[Words]
    reason_meaning: Mapped[Words]
    calling_ae: Mapped[Words]
    created_at: Mapped[When]
    updated_at: Mapped[When]


class PerformedStudyRow(Base):
    """A study that a step belongs to."""

    __tablename__ = "performed_studies"
    __table_args__ = (Index(None, "study_instance_uid"),)

    step_id: Mapped[int] = mapped_column(ForeignKey("performed_steps.id"), primary_key=True)
    study_instance_uid: Mapped[Raw] = mapped_column(primary_key=True)


class PerformedSeriesRow(Base):
    """A series that a step names; `overruled` once an operator has it scored although the step was discontinued."""

    __tablename__ = "performed_series"
    __table_args__ = (Index(None, "series_instance_uid"),)

    step_id: Mapped[int] = mapped_column(ForeignKey("performed_steps.id"), primary_key=True)
    series_instance_uid: Mapped[Raw] = mapped_column(primary_key=True)
    overruled: Mapped[bool]
