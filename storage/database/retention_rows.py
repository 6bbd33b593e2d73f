"""The tables of deletion in time: files that have lost their rows, and when the keeper looked last."""

from __future__ import annotations

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from storage.database.columns import Base, Identity, Raw, When, WhenOrNone, Words


class RemovalRow(Base):
    """A file whose row is gone: still to be removed, or removed at `removed_at` and remembered for a while."""

    __tablename__ = "removals"
    __table_args__ = (Index(None, "series_instance_uid"), Index(None, "path"), Index(None, "removed_at"))

    id: Mapped[Identity]
    path: Mapped[Words]
    size: Mapped[int]
    series_instance_uid: Mapped[Raw]
    noted_at: Mapped[When]
    removed_at: Mapped[WhenOrNone]


class RetentionLookRow(Base):
    """The keeper's latest look, and until when it deletes nothing because the clock has jumped; one row, ID 1."""

    __tablename__ = "retention_looks"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    looked_at: Mapped[When]
    trusted_from: Mapped[When]
