"""The tables of who may use the pages: people, their sessions, the tokens of machines, and failed attempts."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from storage.database.columns import Base, Identity, Raw, RawOrNone, When, WhenOrNone, Words


class AccountRow(Base):
    """A person's account. `roles` are separated by spaces; without `password_hash` a provider vouches for `subject`."""

    __tablename__ = "accounts"

    id: Mapped[Identity]
    name: Mapped[Raw] = mapped_column(unique=True)
    printed_name: Mapped[Words]
    roles: Mapped[Raw]
    password_hash: Mapped[Raw]
    password_until: Mapped[WhenOrNone]
    must_change: Mapped[bool]
    state: Mapped[Raw]
    subject: Mapped[RawOrNone] = mapped_column(unique=True)
    created_at: Mapped[When]
    last_sign_in_at: Mapped[WhenOrNone]


class SessionRow(Base):
    """A browser in which somebody has signed in; its token itself is kept nowhere."""

    __tablename__ = "sessions"

    id: Mapped[Identity]
    token_hash: Mapped[Raw] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    created_at: Mapped[When]
    used_at: Mapped[When]
    expires_at: Mapped[When] = mapped_column(index=True)


class TokenRow(Base):
    """What a machine shows instead of a password; the token itself is kept nowhere."""

    __tablename__ = "tokens"

    id: Mapped[Identity]
    name: Mapped[Raw] = mapped_column(unique=True)
    token_hash: Mapped[Raw] = mapped_column(unique=True)
    role: Mapped[Raw]
    created_by: Mapped[Words]
    created_at: Mapped[When]
    expires_at: Mapped[WhenOrNone]
    used_at: Mapped[WhenOrNone]


class FailureRow(Base):
    """Failed attempts to sign in under a name, known or not; `key` is a digest: what was typed may be a password."""

    __tablename__ = "sign_in_failures"

    id: Mapped[Identity]
    key: Mapped[Raw] = mapped_column(unique=True)
    count: Mapped[int]
    last_at: Mapped[When] = mapped_column(index=True)
    locked_until: Mapped[WhenOrNone]
