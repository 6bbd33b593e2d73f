"""The tables of calibrations: what was fitted, never changed, and which one was adopted when; rows never leave."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from storage.database.columns import Base, Identity, Raw, When, Words


class CalibrationRow(Base):
    """A calibration with the cases that it rests on and what it gained; cases and figures are JSON."""

    __tablename__ = "calibrations"

    id: Mapped[Identity]
    name: Mapped[Raw] = mapped_column(unique=True)
    sha256: Mapped[Raw]
    calibration_json: Mapped[Words]
    cases_json: Mapped[Words]
    figures_json: Mapped[Words]
    finding: Mapped[Raw]
    software_version: Mapped[Words]
    created_at: Mapped[When]


class CalibrationAdoptionRow(Base):
    """A decision on what scores from then on: a calibration, or the shipped weights where it is null."""

    __tablename__ = "calibration_adoptions"

    id: Mapped[Identity]
    calibration_id: Mapped[int | None] = mapped_column(ForeignKey("calibrations.id"))
    person: Mapped[Words]
    account: Mapped[Words]
    reason: Mapped[Words]
    adopted_at: Mapped[When]
