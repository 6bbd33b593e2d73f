"""Who may claim a piece of work, and whose claims have lost their owner: members of the group are alive, others not."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from storage.database.group_rows import MemberRow


def may_claim(session: Session, owner: str) -> bool:
    """Return whether `owner` may claim work in this transaction: a member may, and a process outside of any group ("").

    The member cannot be expelled before the transaction ends.
    """
    if not owner:
        return True
    query = select(MemberRow.id).where(MemberRow.id == owner).with_for_update(read=True)
    return session.scalar(query) is not None


def is_orphan(owner: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    """Make the condition that a claim's owner is not a member."""
    return owner.not_in(select(MemberRow.id))
