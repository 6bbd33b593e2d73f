"""The tables of a group of processes on one index: members, their duties, their open associations."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.database.columns import Base, Raw, When, Words
from storage.migrations import OLDEST_TABLE


class MemberRow(Base):
    """A process that works on the index; `beat` rises as long as it lives, `roles` are separated by spaces.

    `process` names it for others on its machine, empty where it cannot be told.
    """

    __tablename__ = "members"

    id: Mapped[Raw] = mapped_column(primary_key=True)
    host: Mapped[Words]
    pid: Mapped[int]
    roles: Mapped[Raw]
    version: Mapped[Words]
    beat: Mapped[int]
    joined_at: Mapped[When]
    process: Mapped[Raw] = mapped_column(server_default="")


class DutyRow(Base):
    """Work that one member does for all, and who that is."""

    __tablename__ = "duties"

    duty: Mapped[Raw] = mapped_column(primary_key=True)
    member: Mapped[Raw] = mapped_column(index=True)


class OpenAssociationRow(Base):
    """An association that is open, and a series of which it has brought objects."""

    __tablename__ = "open_associations"
    __table_args__ = (UniqueConstraint("member", "association", "series_instance_uid"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    member: Mapped[Raw]
    association: Mapped[Raw]
    series_instance_uid: Mapped[Raw] = mapped_column(index=True)


OLDEST = Table(OLDEST_TABLE, Base.metadata, Column("version_num", Text, nullable=False))
"""One row: the revision of the oldest version that can work with these tables."""
