"""The tables that make the audit log a chain, and how far others have got with it."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from storage.database.columns import Base, Raw, When


class AuditLinkRow(Base):
    """An event's place in the chain: the digest covers the event and the digest of the place before.

    `audit_id` is null at the place before the oldest event that is kept.
    """

    __tablename__ = "audit_links"

    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    audit_id: Mapped[int | None] = mapped_column(unique=True)
    digest: Mapped[Raw]


class AuditReaderRow(Base):
    """Up to where a reader has got: a collector in the chain, the record of arrivals in the objects."""

    __tablename__ = "audit_readers"

    name: Mapped[Raw] = mapped_column(primary_key=True)
    position: Mapped[int]
    updated_at: Mapped[When]
