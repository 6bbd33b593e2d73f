"""Open associations, and the series of which they have brought objects: facts that hold a series open for all members.

A member that leaves or dies takes its associations with it (`members`).
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import delete, insert, select

from storage.database.claims import may_claim
from storage.database.engine import Database
from storage.database.group_rows import OpenAssociationRow


def enter(db: Database, member_id: str, association: str, series_instance_uid: str) -> None:
    """Record that an association of a member brings objects of a series; call it once for each of both."""
    with db.session() as session:
        if may_claim(session, member_id):
            session.execute(
                insert(OpenAssociationRow).values(
                    member=member_id, association=association, series_instance_uid=series_instance_uid
                )
            )


def close(db: Database, member_id: str, associations: Collection[str]) -> None:
    """Record that associations of a member have ended."""
    with db.session() as session:
        session.execute(
            delete(OpenAssociationRow).where(
                OpenAssociationRow.member == member_id, OpenAssociationRow.association.in_(associations)
            )
        )


def is_open(db: Database, series_instance_uid: str) -> bool:
    """Return whether an association that brought objects of a series is open at any member."""
    query = select(OpenAssociationRow.id).where(OpenAssociationRow.series_instance_uid == series_instance_uid)
    with db.reading() as session:
        return session.scalar(query.limit(1)) is not None


def count_open(db: Database) -> dict[str, int]:
    """Count the open associations of each member that have brought objects."""
    query = select(OpenAssociationRow.member, OpenAssociationRow.association).distinct()
    counts: dict[str, int] = {}
    with db.reading() as session:
        for member, _ in session.execute(query):
            counts[member] = counts.get(member, 0) + 1
    return counts
