"""The table of what somebody is told of."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from storage.database.columns import Base, Raw, When, WhenOrNone, Words


class AlertRow(Base):
    """An incident: `told_at` is when it was last told, `closed_at` when it was over; the row goes once that is told."""

    __tablename__ = "alerts"

    key: Mapped[Raw] = mapped_column(primary_key=True)
    event: Mapped[Raw]
    details: Mapped[Words]
    opened_at: Mapped[When]
    told_at: Mapped[WhenOrNone]
    closed_at: Mapped[WhenOrNone]
    attempts: Mapped[int]
    due_at: Mapped[When]
