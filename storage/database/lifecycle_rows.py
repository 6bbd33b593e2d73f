"""The tables of what is no longer answered: documents by version, and the objects that rejection notes took out."""

from __future__ import annotations

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.database.columns import Base, Identity, Raw, When, WhenOrNone, Words


class DocumentRow(Base):
    """A document that this node made of one version of a series."""

    __tablename__ = "documents"

    id: Mapped[Identity]
    sop_instance_uid: Mapped[Raw] = mapped_column(unique=True)
    series_instance_uid: Mapped[Raw] = mapped_column(index=True)
    version: Mapped[int]


class RejectionRow(Base):
    """An object that one rejection note names, here or not yet; `lifted_at` once the rejection no longer counts."""

    __tablename__ = "rejections"
    __table_args__ = (
        UniqueConstraint("sop_instance_uid", "note_sop_instance_uid", name="uq_rejections_sop_instance_uid_note"),
    )

    id: Mapped[Identity]
    sop_instance_uid: Mapped[Raw]
    note_sop_instance_uid: Mapped[Raw]
    title: Mapped[Raw]
    study_instance_uid: Mapped[Raw]
    series_instance_uid: Mapped[Raw] = mapped_column(index=True)
    peer_ae: Mapped[Words]
    rejected_at: Mapped[When]
    lifted_at: Mapped[WhenOrNone]
