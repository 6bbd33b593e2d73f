"""The table of what the sources of series say about them."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from storage.database.columns import Base, Identity, Raw, When, Words


class SourceCountRow(Base):
    """How many objects the peer has that sent a series; `asks` counts the questions since the last object came."""

    __tablename__ = "source_counts"

    id: Mapped[Identity]
    series_instance_uid: Mapped[Raw] = mapped_column(unique=True)
    peer: Mapped[Words]
    count: Mapped[int | None]
    remark: Mapped[Words]
    asks: Mapped[int]
    asked_at: Mapped[When]
