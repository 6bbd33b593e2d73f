"""Sessions: which browser belongs to which account, until when. Only digests of their tokens are kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, update

from storage.accounts.accounts import Account, AccountState, to_account
from storage.database.account_rows import AccountRow, SessionRow
from storage.database.engine import Database

MOST_SESSIONS: Final = 20
"""Of one account: the oldest ends when another begins."""
_TOUCH: Final = timedelta(minutes=1)
"""Use is kept to this accuracy: reading a page writes seldom."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A session that goes on, and its account as it is now."""

    account: Account
    created_at: datetime
    used_at: datetime
    expires_at: datetime


def begin(db: Database, account_id: int, token_hash: str, now: datetime, expires_at: datetime) -> None:
    """Begin a session; those that are over are forgotten."""
    with db.session() as session:
        session.execute(delete(SessionRow).where(SessionRow.expires_at <= now))
        kept = select(SessionRow.id).where(SessionRow.account_id == account_id).order_by(SessionRow.id.desc())
        oldest = session.scalars(kept.offset(MOST_SESSIONS - 1)).all()
        session.execute(delete(SessionRow).where(SessionRow.id.in_(oldest)))
        session.add(
            SessionRow(token_hash=token_hash, account_id=account_id, created_at=now, used_at=now, expires_at=expires_at)
        )


def find(db: Database, token_hash: str, now: datetime, idle: timedelta) -> Signed | None:
    """Find a session that is not over: by age, by `idle` time without use, or because its account was disabled."""
    query = select(SessionRow, AccountRow).join(AccountRow).where(SessionRow.token_hash == token_hash)
    with db.reading() as reading:
        found = reading.execute(query).one_or_none()
        if found is None:
            return None
        row, owner = found
        signed = Signed(to_account(owner), row.created_at, row.used_at, row.expires_at)
    over = signed.expires_at <= now or signed.used_at + idle <= now
    if over or signed.account.state is not AccountState.ACTIVE:
        return None
    if signed.used_at + _TOUCH <= now:
        with db.session() as session:
            session.execute(update(SessionRow).where(SessionRow.token_hash == token_hash).values(used_at=now))
    return signed


def end(db: Database, token_hash: str) -> None:
    """End one session."""
    with db.session() as session:
        session.execute(delete(SessionRow).where(SessionRow.token_hash == token_hash))


def count(db: Database, account_id: int) -> int:
    """Count the sessions of an account that were not ended."""
    with db.reading() as session:
        return len(session.scalars(select(SessionRow.id).where(SessionRow.account_id == account_id)).all())
