"""Tokens of machines: each has a name and one role. Only their digests are kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from storage.accounts.refusals import AccountRefused
from storage.database.account_rows import TokenRow
from storage.database.engine import Database, writing

_TOUCH: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Token:
    """A machine's right to act in one role, until `expires_at` if it has an end."""

    name: str
    role: str
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None


def add(
    where: Database | Session,
    name: str,
    token_hash: str,
    now: datetime,
    *,
    role: str,
    created_by: str = "",
    expires_at: datetime | None = None,
) -> Token:
    """Add a token. Raises AccountRefused ("token_taken")."""
    row = TokenRow(
        name=name,
        token_hash=token_hash,
        role=role,
        created_by=created_by,
        created_at=now,
        expires_at=expires_at,
        used_at=None,
    )
    try:
        with writing(where) as session:
            session.add(row)
            session.flush()
            return _to_token(row)
    except IntegrityError as error:
        raise AccountRefused("token_taken", name=name) from error


def find(db: Database, token_hash: str, now: datetime) -> Token | None:
    """Find a token that has not ended, and keep when it was last used."""
    with db.reading() as session:
        row = session.scalar(select(TokenRow).where(TokenRow.token_hash == token_hash))
        token = None if row is None else _to_token(row)
    if token is None or (token.expires_at is not None and token.expires_at <= now):
        return None
    if token.used_at is None or token.used_at + _TOUCH <= now:
        with db.session() as session:
            session.execute(update(TokenRow).where(TokenRow.token_hash == token_hash).values(used_at=now))
    return token


def list_tokens(db: Database) -> list[Token]:
    """List every token by name."""
    with db.reading() as session:
        return [_to_token(row) for row in session.scalars(select(TokenRow).order_by(TokenRow.name))]


def revoke(where: Database | Session, name: str) -> None:
    """Take a token back. Raises AccountRefused ("token_unknown")."""
    with writing(where) as session:
        found = session.scalar(select(TokenRow.id).where(TokenRow.name == name))
        if found is None:
            raise AccountRefused("token_unknown", name=name)
        session.execute(delete(TokenRow).where(TokenRow.id == found))


def _to_token(row: TokenRow) -> Token:
    return Token(row.name, row.role, row.created_by, row.created_at, row.expires_at, row.used_at)
