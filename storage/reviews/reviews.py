"""Reading the reviews of a series; `storage.reviews.drafts` and `storage.reviews.signing` change them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from storage.database.engine import Database
from storage.database.review_rows import ReviewEditRow, ReviewRow


class ReviewState(StrEnum):
    """The state of a review."""

    OPEN = "open"
    SIGNED = "signed"
    OVERTAKEN = "overtaken"


@dataclass(frozen=True, slots=True)
class MadeEdit:
    """One edit as JSON, in words (the JSON of a statement), and who made it when; `account` may be empty."""

    number: int
    edit_json: str
    words_json: str
    account: str
    reader: str
    made_at: datetime
    undone: bool = False
    discarded: bool = False


@dataclass(frozen=True, slots=True)
class Review:
    """A review with its edits in the order in which they were made; `revision` counts its changes."""

    id: int
    series_instance_uid: str
    base_version: int
    series_version: int
    state: ReviewState
    revision: int
    begun_at: datetime
    account: str
    reader: str
    signed_at: datetime | None
    signed_version: int | None
    edits: tuple[MadeEdit, ...]

    @property
    def counting(self) -> tuple[MadeEdit, ...]:
        """The edits that count."""
        return tuple(item for item in self.edits if not item.undone)

    @property
    def can_redo(self) -> bool:
        """True if the last edit that was undone can be done again."""
        return any(item.undone and not item.discarded for item in self.edits)


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed review: the automatic result that was reviewed, and the version that carries the reader's."""

    series_instance_uid: str
    automatic_version: int
    signed_version: int
    reader: str
    signed_at: datetime
    account: str = ""


def find_latest(db: Database, series_instance_uid: str) -> Review | None:
    """Return the review of a series that was begun last, None where there is none."""
    with db.reading() as session:
        return read_latest(session, series_instance_uid)


def find_signed(db: Database, series_instance_uid: str) -> Signed | None:
    """Return the latest signed review of a series, None where there is none."""
    query = _of_series(series_instance_uid).where(ReviewRow.state == ReviewState.SIGNED)
    with db.reading() as session:
        row = session.scalar(query.order_by(ReviewRow.signed_version.desc()).limit(1))
        return None if row is None else _to_signed(row)


def list_signed(db: Database) -> list[Signed]:
    """List the signed reviews, the first one signed first; of a series that was signed twice, the later one."""
    query = select(ReviewRow).where(ReviewRow.state == ReviewState.SIGNED).order_by(ReviewRow.signed_at, ReviewRow.id)
    latest: dict[str, Signed] = {}
    with db.reading() as session:
        for row in session.scalars(query):
            latest.pop(row.series_instance_uid, None)
            latest[row.series_instance_uid] = _to_signed(row)
    return list(latest.values())


def read_latest(session: Session, series_instance_uid: str) -> Review | None:
    """Read the latest review of a series, with its edits, in the caller's transaction."""
    row = session.scalar(_of_series(series_instance_uid).order_by(ReviewRow.id.desc()).limit(1))
    if row is None:
        return None
    made = select(ReviewEditRow).where(ReviewEditRow.review_id == row.id).order_by(ReviewEditRow.number)
    return Review(
        id=row.id,
        series_instance_uid=row.series_instance_uid,
        base_version=row.base_version,
        series_version=row.series_version,
        state=ReviewState(row.state),
        revision=row.revision,
        begun_at=row.begun_at,
        account=row.account,
        reader=row.reader,
        signed_at=row.signed_at,
        signed_version=row.signed_version,
        edits=tuple(
            MadeEdit(
                item.number,
                item.edit_json,
                item.words_json,
                item.account,
                item.reader,
                item.made_at,
                item.undone,
                item.discarded,
            )
            for item in session.scalars(made)
        ),
    )


def _of_series(series_instance_uid: str) -> Select[ReviewRow]:
    return select(ReviewRow).where(ReviewRow.series_instance_uid == series_instance_uid)


def _to_signed(row: ReviewRow) -> Signed:
    if row.signed_version is None or row.signed_at is None:
        raise ValueError(f"review {row.id} is signed without a version")
    return Signed(row.series_instance_uid, row.base_version, row.signed_version, row.reader, row.signed_at, row.account)
