"""What each member of a group has in hand, for whoever looks after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from storage.commitments.commitments import CommitmentState
from storage.database.commitment_rows import CommitmentRow
from storage.database.engine import Database
from storage.database.group_rows import DutyRow
from storage.database.models import DeliveryRow
from storage.group import associations, members
from storage.group.members import Member
from storage.outbox.deliveries import DeliveryState


@dataclass(frozen=True, slots=True)
class InHand:
    """A member with its duties, its associations that have brought objects, and what it sends and reports now."""

    member: Member
    duties: tuple[str, ...]
    associations: int
    deliveries: int
    commitments: int


def list_in_hand(db: Database) -> list[InHand]:
    """List the members, the longest in first, with what each has in hand."""
    found, open_associations = members.list_members(db), associations.count_open(db)
    with db.reading() as session:
        duties = [(row.duty, row.member) for row in session.scalars(select(DutyRow).order_by(DutyRow.duty))]
        sending = _count(session, select(DeliveryRow.owner).where(DeliveryRow.state == DeliveryState.SENDING))
        reporting = _count(session, select(CommitmentRow.owner).where(CommitmentRow.state == CommitmentState.REPORTING))
    return [
        InHand(
            member,
            tuple(duty for duty, holder in duties if holder == member.id),
            open_associations.get(member.id, 0),
            sending.get(member.id, 0),
            reporting.get(member.id, 0),
        )
        for member in found
    ]


def _count(session: Session, owners: Select[Any]) -> Mapping[str, int]:
    claims = owners.subquery()
    query = select(claims.c.owner, func.count()).group_by(claims.c.owner)
    return {owner: number for owner, number in session.execute(query)}  # noqa: C416  # rows are no pairs to mypy
