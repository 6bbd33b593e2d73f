"""The table of destinations to which nothing is sent for now."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from storage.database.columns import Base, Raw, When, Words


class PauseRow(Base):
    """A destination whose deliveries wait; `person` is who paused it, empty for the command line."""

    __tablename__ = "pauses"

    destination: Mapped[Raw] = mapped_column(primary_key=True)
    since: Mapped[When]
    person: Mapped[Words]
