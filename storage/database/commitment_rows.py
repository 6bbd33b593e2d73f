"""The tables of Storage Commitment; rows never leave this package."""

from __future__ import annotations

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.database.columns import Base, Identity, Raw, When, WhenOrNone, Words


class TransactionRow(Base):
    """A Storage Commitment that was asked of a destination."""

    __tablename__ = "commitment_transactions"

    id: Mapped[Identity]
    transaction_uid: Mapped[Raw] = mapped_column(unique=True)
    destination: Mapped[Raw]
    asked_at: Mapped[When]
    answered_at: Mapped[WhenOrNone]


class CommitmentRow(Base):
    """A Storage Commitment that a peer asked of this node; references and failures are JSON.

    `owner` is the member of the group that claimed its report last.
    """

    __tablename__ = "commitments"
    __table_args__ = (
        UniqueConstraint("calling_ae", "transaction_uid", "digest"),
        Index(None, "state", "next_attempt_at"),
    )

    id: Mapped[Identity]
    transaction_uid: Mapped[Raw]
    calling_ae: Mapped[Raw]
    host: Mapped[Raw]
    digest: Mapped[Raw]
    is_repeated: Mapped[bool]
    references_json: Mapped[Words]
    failures_json: Mapped[Words]
    reference_count: Mapped[int]
    failure_count: Mapped[int]
    state: Mapped[Raw]
    attempts: Mapped[int]
    next_attempt_at: Mapped[When]
    last_error: Mapped[Words]
    created_at: Mapped[When]
    updated_at: Mapped[When]
    proved_at: Mapped[WhenOrNone]
    reported_at: Mapped[WhenOrNone]
    owner: Mapped[Raw] = mapped_column(server_default="")
