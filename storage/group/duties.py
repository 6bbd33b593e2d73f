"""Duties: work that one member does for all. A member that leaves or dies gives up its duties (`members`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from storage.database.claims import may_claim
from storage.database.engine import Database
from storage.database.group_rows import DutyRow


def take(db: Database, member_id: str, wanted: Collection[str]) -> frozenset[str]:
    """Take those of some duties that nobody has, and return all that a member has; none for one that was expelled."""
    held = list_duties(db)
    free = [duty for duty in wanted if duty not in held]
    if free:
        with db.session() as session:
            if may_claim(session, member_id):
                _insert(session, member_id, free)
        held = list_duties(db)
    return frozenset(duty for duty, holder in held.items() if holder == member_id)


def list_duties(db: Database) -> Mapping[str, str]:
    """Return the member that has each duty."""
    with db.reading() as session:
        return {row.duty: row.member for row in session.scalars(select(DutyRow))}


def _insert(session: Session, member_id: str, duties: Collection[str]) -> None:
    """Enter duties; one that another member takes at the same moment is that one's."""
    rows = [{"duty": duty, "member": member_id} for duty in duties]
    if session.get_bind().dialect.name == "postgresql":
        session.execute(postgresql.insert(DutyRow).values(rows).on_conflict_do_nothing())
    else:
        session.execute(sqlite.insert(DutyRow).values(rows).on_conflict_do_nothing())
