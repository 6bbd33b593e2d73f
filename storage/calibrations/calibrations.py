"""Keeping calibrations: each is stored once and never changed; decisions about them are added, never taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from config.errors import CoronodeError
from storage.database import audit
from storage.database.calibration_rows import CalibrationAdoptionRow, CalibrationRow
from storage.database.engine import Database


@dataclass(frozen=True, slots=True)
class Fitted:
    """A calibration to be kept: the weights, the cases they were fitted to, and the figures, each as JSON.

    `finding` says in one word whether it was found to be better.
    """

    name: str
    sha256: str
    calibration_json: str
    cases_json: str
    figures_json: str
    finding: str
    software_version: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A calibration as it is kept under its number."""

    id: int
    fitted: Fitted
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Adoption:
    """A decision: from `adopted_at` on the calibration scores, or the shipped weights where `calibration` is None."""

    calibration: Kept | None
    person: str
    reason: str
    adopted_at: datetime
    account: str = ""


def keep(db: Database, fitted: Fitted, now: datetime) -> Kept:
    """Store a calibration under its name. Raises CoronodeError when another one has that name."""
    with db.session() as session:
        if session.scalar(select(CalibrationRow.id).where(CalibrationRow.name == fitted.name)) is not None:
            raise CoronodeError(f"another calibration is named {fitted.name}; choose another name with --name")
        values = {field: getattr(fitted, field) for field in Fitted.__slots__} | {"created_at": now}
        row = session.scalars(insert(CalibrationRow).values(values).returning(CalibrationRow)).one()
        audit.record(session, now, "calibration fitted", f"{fitted.name} (sha256 {fitted.sha256}): {fitted.finding}")
        return _to_kept(row)


def find_free_name(db: Database, wanted: str) -> str:
    """Return a name that no calibration has: the wanted one, with a number behind it if need be."""
    with db.reading() as session:
        taken = set(session.scalars(select(CalibrationRow.name)))
    names = (wanted, *(f"{wanted}-{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def list_calibrations(db: Database) -> list[Kept]:
    """List every calibration, newest first."""
    with db.reading() as session:
        return [_to_kept(row) for row in session.scalars(select(CalibrationRow).order_by(CalibrationRow.id.desc()))]


def find_calibration(db: Database, number: int) -> Kept | None:
    """Return the calibration with a number, None where there is none."""
    with db.reading() as session:
        return _to_kept_or_none(session.get(CalibrationRow, number))


def list_adoptions(db: Database) -> list[Adoption]:
    """List the decisions, newest first."""
    query = (
        select(CalibrationAdoptionRow, CalibrationRow)
        .outerjoin(CalibrationRow, CalibrationRow.id == CalibrationAdoptionRow.calibration_id)
        .order_by(CalibrationAdoptionRow.id.desc())
    )
    with db.reading() as session:
        return [
            Adoption(_to_kept_or_none(row), item.person, item.reason, item.adopted_at, item.account)
            for item, row in session.execute(query)
        ]


def find_adopted(db: Database) -> Kept | None:
    """Return the calibration that scores now; None where the shipped weights do."""
    with db.reading() as session:
        latest = session.scalar(select(CalibrationAdoptionRow).order_by(CalibrationAdoptionRow.id.desc()).limit(1))
        if latest is None or latest.calibration_id is None:
            return None
        return _to_kept_or_none(session.get(CalibrationRow, latest.calibration_id))


def adopt(db: Database, number: int, person: str, reason: str, now: datetime, *, account: str = "") -> Kept:
    """Decide that a calibration scores from the next series on. Raises CoronodeError when there is none."""
    with db.session() as session:
        row = session.get(CalibrationRow, number)
        if row is None:
            raise CoronodeError(f"there is no calibration {number}; see coronode calibrate list")
        _decide(session, row, Adoption(None, person, reason, now, account))
        return _to_kept(row)


def revert(db: Database, person: str, reason: str, now: datetime, *, account: str = "") -> None:
    """Decide that the shipped weights score from the next series on."""
    with db.session() as session:
        _decide(session, None, Adoption(None, person, reason, now, account))


def _decide(session: Session, row: CalibrationRow | None, decision: Adoption) -> None:
    session.execute(
        insert(CalibrationAdoptionRow).values(
            calibration_id=None if row is None else row.id,
            person=decision.person,
            account=decision.account,
            reason=decision.reason,
            adopted_at=decision.adopted_at,
        )
    )
    kind = "calibration reverted" if row is None else "calibration adopted"
    what = "the shipped weights" if row is None else f"{row.name} (sha256 {row.sha256})"
    text = f"{what}: {decision.reason}"
    audit.record(session, decision.adopted_at, kind, text, person=decision.account or decision.person)


def _to_kept_or_none(row: CalibrationRow | None) -> Kept | None:
    return None if row is None else _to_kept(row)


def _to_kept(row: CalibrationRow) -> Kept:
    return Kept(row.id, Fitted(**{field: getattr(row, field) for field in Fitted.__slots__}), row.created_at)
