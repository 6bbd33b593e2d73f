"""The members of a group: the processes that work on one index.

A member raises its beat every few seconds. The others see the beat and nothing else of its time, so that no clock of
one machine is compared with that of another.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.orm import Session

from storage.commitments import changes
from storage.database.engine import Database
from storage.database.group_rows import DutyRow, MemberRow, OpenAssociationRow
from storage.outbox import outgoing


@dataclass(frozen=True, slots=True)
class Member:
    """A process of the group; what it has in hand carries its `id`, which is never used again.

    `process` names it for others on its machine, empty where it cannot be told.
    """

    id: str
    host: str
    pid: int
    roles: tuple[str, ...]
    version: str
    beat: int
    joined_at: datetime
    process: str = ""


def make_id() -> str:
    """Make the ID of a member, fit for the name of a folder."""
    return secrets.token_hex(8)


def join(db: Database, member: Member) -> None:
    """Enter a member."""
    with db.session() as session:
        session.execute(
            insert(MemberRow).values(
                id=member.id,
                host=member.host,
                pid=member.pid,
                roles=" ".join(member.roles),
                version=member.version,
                beat=member.beat,
                joined_at=member.joined_at,
                process=member.process,
            )
        )


def beat(db: Database, member_id: str) -> bool:
    """Raise a member's beat; False when it is no longer a member: the others took it for dead."""
    with db.session() as session:
        found = session.scalars(
            update(MemberRow).where(MemberRow.id == member_id).values(beat=MemberRow.beat + 1).returning(MemberRow.id)
        )
        return found.one_or_none() is not None


def leave(db: Database, member_id: str, now: datetime) -> None:
    """Take a member out that stops, and give back what it has in hand."""
    with db.session() as session:
        _remove(session, MemberRow.id == member_id, now)


def expel(db: Database, member: Member, now: datetime) -> bool:
    """Take out a member that seems to be dead, and give back what it has in hand, in one transaction.

    False, and nothing happens, when it is out already or its beat is another one than in `member`: it lives.
    """
    with db.session() as session:
        return _remove(session, (MemberRow.id == member.id) & (MemberRow.beat == member.beat), now)


def expel_others(db: Database, member_id: str, now: datetime) -> int:
    """Take out all but one, whose lock on the data says that it is alone; return how many there were."""
    with db.session() as session:
        others = session.scalars(select(MemberRow.id).where(MemberRow.id != member_id)).all()
        _remove(session, MemberRow.id != member_id, now)
        return len(others)


def list_members(db: Database) -> list[Member]:
    """List the members, the longest in first."""
    with db.reading() as session:
        return [
            Member(
                row.id, row.host, row.pid, tuple(row.roles.split()), row.version, row.beat, row.joined_at, row.process
            )
            for row in session.scalars(select(MemberRow).order_by(MemberRow.joined_at, MemberRow.id))
        ]


def _to_member(row: MemberRow) -> Member:
    roles = tuple(row.roles.split())
    return Member(row.id, row.host, row.pid, roles, row.version, row.beat, row.joined_at, row.process)


def _remove(session: Session, which: ColumnElement[bool], now: datetime) -> bool:
    """Remove members, and what no member has in hand any longer."""
    gone = session.scalars(delete(MemberRow).where(which).returning(MemberRow.id)).all()
    members = select(MemberRow.id)
    session.execute(delete(DutyRow).where(DutyRow.member.not_in(members)))
    session.execute(delete(OpenAssociationRow).where(OpenAssociationRow.member.not_in(members)))
    outgoing.recover(session, now)
    changes.recover(session, now)
    return bool(gone)
