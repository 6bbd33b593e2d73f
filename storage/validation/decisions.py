"""Decisions to go live after a time in the shadow, and to take that back; each with a name, a reason and figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import insert, select

from config.errors import Permanent
from storage.database import audit
from storage.database.engine import Database
from storage.database.validation_rows import DecisionRow


class Kind(StrEnum):
    """What was decided."""

    GO_LIVE = "go_live"
    WITHDRAW = "withdraw"


class DecidedAlready(Permanent):
    """The decision would change nothing."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision: the name that was given, the account of who gave it, and the figures at that moment as JSON."""

    kind: Kind
    name: str
    person: str
    reason: str
    figures: str
    decided_at: datetime


def decide(db: Database, decision: Decision) -> None:
    """Record a decision, and an event of the audit log in the same transaction.

    Raises DecidedAlready where the latest decision says the same, or there is none to withdraw.
    """
    with db.session() as session:
        latest = session.scalar(select(DecisionRow.kind).order_by(DecisionRow.id.desc()).limit(1))
        if (latest or Kind.WITHDRAW) == decision.kind:
            words = "live already" if decision.kind == Kind.GO_LIVE else "not live: there is no decision to withdraw"
            raise DecidedAlready(f"the node is {words}")
        session.execute(
            insert(DecisionRow).values(
                kind=decision.kind,
                name=decision.name,
                person=decision.person,
                reason=decision.reason,
                figures=decision.figures,
                decided_at=decision.decided_at,
            )
        )
        audit.record(
            session,
            decision.decided_at,
            decision.kind,
            f"decided by {decision.name}: {decision.reason}",
            person=decision.person,
        )


def list_decisions(db: Database) -> list[Decision]:
    """List every decision, the latest first."""
    with db.reading() as session:
        return [
            Decision(Kind(row.kind), row.name, row.person, row.reason, row.figures, row.decided_at)
            for row in session.scalars(select(DecisionRow).order_by(DecisionRow.id.desc()))
        ]


def find_current(db: Database) -> Decision | None:
    """Find the decision to go live that counts; None where there is none, or it was withdrawn."""
    latest = next(iter(list_decisions(db)), None)
    return latest if latest is not None and latest.kind == Kind.GO_LIVE else None


def is_live(db: Database) -> bool:
    """Return whether a decision to go live counts."""
    with db.reading() as session:
        return session.scalar(select(DecisionRow.kind).order_by(DecisionRow.id.desc()).limit(1)) == Kind.GO_LIVE
