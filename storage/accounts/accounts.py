"""Accounts of people: made, found, changed; what ends an account's right ends its sessions in the same transaction."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from storage.accounts.refusals import AccountRefused
from storage.database.account_rows import AccountRow, SessionRow
from storage.database.engine import Database, writing

ADMINISTER: Final = "administer"
"""The role without which nobody could give roles: its last active account keeps it."""


class AccountState(StrEnum):
    """Whether an account may be used."""

    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Account:
    """A person's account.

    A password that is temporary must be changed first (`must_change`), before `password_until`. Without
    `password_hash` the person signs in through the provider that knows `subject`.
    """

    id: int
    name: str
    printed_name: str
    roles: frozenset[str]
    password_hash: str
    password_until: datetime | None
    must_change: bool
    state: AccountState
    subject: str | None
    created_at: datetime
    last_sign_in_at: datetime | None


def fold(name: str) -> str:
    """Return a login name as it is kept and compared: in compatible composed form, small letters, no outer spaces."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def add(
    where: Database | Session,
    name: str,
    now: datetime,
    *,
    printed_name: str = "",
    roles: Iterable[str],
    password_hash: str = "",
    password_until: datetime | None = None,
    subject: str | None = None,
) -> Account:
    """Add an account; with `password_until` its password is temporary.

    Raises AccountRefused ("name_taken").
    """
    row = AccountRow(
        name=fold(name),
        printed_name=printed_name,
        roles=_write(roles),
        password_hash=password_hash,
        password_until=password_until,
        must_change=password_until is not None,
        state=AccountState.ACTIVE,
        subject=subject,
        created_at=now,
        last_sign_in_at=None,
    )
    try:
        with writing(where) as session:
            session.add(row)
            session.flush()
            return to_account(row)
    except IntegrityError as error:
        raise AccountRefused("name_taken", name=fold(name)) from error


def find(where: Database | Session, name: str) -> Account | None:
    """Find the account of a login name, in any spelling of it."""
    return _find(where, AccountRow.name, fold(name))


def find_by_subject(where: Database | Session, subject: str) -> Account | None:
    """Find the account that a provider vouches for."""
    return _find(where, AccountRow.subject, subject)


def list_accounts(db: Database) -> list[Account]:
    """List every account by name."""
    with db.reading() as session:
        return [to_account(row) for row in session.scalars(select(AccountRow).order_by(AccountRow.name))]


def exist(db: Database) -> bool:
    """Return whether there is any account; one that is disabled counts."""
    with db.reading() as session:
        return session.scalar(select(AccountRow.id).limit(1)) is not None


def change_roles(where: Database | Session, name: str, roles: Iterable[str], *, by_provider: bool = False) -> Account:
    """Give an account these roles and no other, and end its sessions.

    Raises AccountRefused ("unknown"; "last_administrator" unless a provider decides).
    """
    with writing(where) as session:
        row = _get_row(session, name)
        kept = _write(roles)
        if ADMINISTER not in kept.split() and not by_provider:
            _keep_an_administrator(session, row)
        if row.roles != kept:
            row.roles = kept
            _end_sessions(session, row)
        return to_account(row)


def change_state(where: Database | Session, name: str, state: AccountState) -> Account:
    """Disable an account, which ends its sessions, or enable it again.

    Raises AccountRefused ("unknown", "last_administrator").
    """
    with writing(where) as session:
        row = _get_row(session, name)
        if state is AccountState.DISABLED:
            _keep_an_administrator(session, row)
            _end_sessions(session, row)
        row.state = state
        return to_account(row)


def change_password(
    where: Database | Session, name: str, password_hash: str, *, temporary_until: datetime | None = None
) -> Account:
    """Set a password, and end every session; with `temporary_until` it must be changed by then.

    Raises AccountRefused ("unknown", "provided": a provider vouches for this account).
    """
    with writing(where) as session:
        row = _get_row(session, name)
        if row.subject is not None:
            raise AccountRefused("provided", name=row.name)
        row.password_hash = password_hash
        row.password_until = temporary_until
        row.must_change = temporary_until is not None
        _end_sessions(session, row)
        return to_account(row)


def rehash(where: Database | Session, account: Account, password_hash: str) -> None:
    """Keep a stronger hash of the same password; sessions go on. One that was changed meanwhile stays."""
    with writing(where) as session:
        row = session.get(AccountRow, account.id)
        if row is not None and row.password_hash == account.password_hash:
            row.password_hash = password_hash


def note_sign_in(where: Database | Session, name: str, now: datetime, *, printed_name: str | None = None) -> None:
    """Keep when the account was last signed in to, and the name that its provider told."""
    with writing(where) as session:
        row = _get_row(session, name)
        row.last_sign_in_at = now
        if printed_name is not None:
            row.printed_name = printed_name


def _keep_an_administrator(session: Session, row: AccountRow) -> None:
    """Refuse to take away the last account that can give roles."""
    active = session.execute(select(AccountRow.id, AccountRow.roles).where(AccountRow.state == AccountState.ACTIVE))
    able = {id_ for id_, roles in active if ADMINISTER in roles.split()}
    if able == {row.id}:
        raise AccountRefused("last_administrator", name=row.name)


def _end_sessions(session: Session, row: AccountRow) -> None:
    session.execute(delete(SessionRow).where(SessionRow.account_id == row.id))


def _get_row(session: Session, name: str) -> AccountRow:
    row = session.scalar(select(AccountRow).where(AccountRow.name == fold(name)).with_for_update())
    if row is None:
        raise AccountRefused("unknown", name=fold(name))
    return row


def _find(where: Database | Session, column: object, value: str) -> Account | None:
    query = select(AccountRow).where(column == value)  # type: ignore[arg-type]
    if isinstance(where, Database):
        with where.reading() as session:
            row = session.scalar(query)
    else:
        row = where.scalar(query)
    return None if row is None else to_account(row)


def _write(roles: Iterable[str]) -> str:
    return " ".join(sorted(set(roles)))


def to_account(row: AccountRow) -> Account:
    """Take an account out of its row; for the modules of this room."""
    return Account(
        id=row.id,
        name=row.name,
        printed_name=row.printed_name,
        roles=frozenset(row.roles.split()),
        password_hash=row.password_hash,
        password_until=row.password_until,
        must_change=row.must_change,
        state=AccountState(row.state),
        subject=row.subject,
        created_at=row.created_at,
        last_sign_in_at=row.last_sign_in_at,
    )
