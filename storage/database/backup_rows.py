"""The table of the last backup that is whole; a backup does not contain it, so a restored index claims none."""

from __future__ import annotations

from typing import Final

from sqlalchemy.orm import Mapped, mapped_column

from storage.database.columns import Base, When

TABLE: Final = "backups"
SINCE: Final = "0023"
"""The revision of the tables that brought this one."""


class BackupRow(Base):
    """The last whole backup: from which moment the index in it is, and when it had ended; one row, ID 1."""

    __tablename__ = TABLE

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    taken_at: Mapped[When]
    ended_at: Mapped[When]
