"""Changes of the open review of a series, each one short transaction.

A series has one open review, in which whoever may review works; each edit names who made it. A change names the
`Basis` that its maker saw: when anything has changed since, it is refused (`Stale`) and nothing is written. The first
change opens the review. One that follows a signed review begins with its edits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from storage.database.engine import Database
from storage.database.review_rows import ReviewEditRow, ReviewRow
from storage.reviews.reviews import MadeEdit, Review, ReviewState, read_latest
from storage.series import states

MOST_EDITS: Final = 2000
"""Edits of one review, undone ones with them."""


class Stale(Exception):
    """The review or the series has changed since it was shown."""


class TooManyEdits(Exception):
    """A review has as many edits as one may have."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What the maker of a change saw: the version of the series, the automatic one under review, and the revision."""

    series_instance_uid: str
    series_version: int
    base_version: int
    revision: int


@dataclass(frozen=True, slots=True)
class Author:
    """Who makes a change: the account, empty without accounts, and the printed name, empty where it is not known."""

    account: str
    reader: str


def choose_current(latest: Review | None, series_version: int) -> Review | None:
    """Return the review that belongs to a version of a series: the open one on it, or the signed one that made it."""
    if latest is None:
        return None
    if latest.state is ReviewState.OPEN and latest.series_version == series_version:
        return latest
    return latest if latest.state is ReviewState.SIGNED and latest.signed_version == series_version else None


def add_edit(db: Database, basis: Basis, author: Author, edit_json: str, words_json: str, now: datetime) -> None:
    """Add an edit; those that were undone before can then not be done again.

    Raises Stale, TooManyEdits, UnknownSeries.
    """
    with db.session() as session:
        review = begin(session, basis, author, now)
        number = max((item.number for item in review.edits), default=0) + 1
        if number > MOST_EDITS:
            raise TooManyEdits
        mine = ReviewEditRow.review_id == review.id
        session.execute(update(ReviewEditRow).where(mine, ReviewEditRow.undone).values(discarded=True))
        _insert(session, review.id, MadeEdit(number, edit_json, words_json, author.account, author.reader, now))
        _advance(session, review)


def next_number(review: Review | None) -> int:
    """Return the number that the next edit of a review gets."""
    if review is None:
        return 1
    # a review that follows a signed one takes over what counts
    known = review.edits if review.state is ReviewState.OPEN else review.counting
    return max((item.number for item in known), default=0) + 1


def undo(db: Database, basis: Basis, author: Author, now: datetime) -> None:
    """Undo the last edit that counts; without one nothing changes. Raises Stale, UnknownSeries."""
    with db.session() as session:
        review = begin(session, basis, author, now)
        if review.counting:
            _mark(session, review, [review.counting[-1].number], undone=True)


def redo(db: Database, basis: Basis, author: Author, now: datetime) -> None:
    """Do the edit again that was undone last; without one nothing changes. Raises Stale, UnknownSeries."""
    with db.session() as session:
        review = begin(session, basis, author, now)
        undone = [item.number for item in review.edits if item.undone and not item.discarded]
        if undone:
            _mark(session, review, undone[:1], undone=False)


def restart(db: Database, basis: Basis, author: Author, now: datetime) -> None:
    """Undo every edit. Raises Stale, UnknownSeries."""
    with db.session() as session:
        review = begin(session, basis, author, now)
        if review.counting:
            _mark(session, review, [item.number for item in review.counting], undone=True)


def begin(session: Session, basis: Basis, author: Author, now: datetime) -> Review:
    """Return the open review that a change belongs to, opened in the caller's transaction where there is none.

    Raises Stale, UnknownSeries.
    """
    uid = basis.series_instance_uid
    # locks the series, so that no two changes begin at once
    if states.get(session, uid).version != basis.series_version:
        raise Stale
    latest = read_latest(session, uid)
    current = choose_current(latest, basis.series_version)
    if (0 if current is None else current.revision) != basis.revision:
        raise Stale
    if current is not None and current.state is ReviewState.OPEN:
        return current
    session.execute(
        update(ReviewRow)
        .where(ReviewRow.series_instance_uid == uid, ReviewRow.state == ReviewState.OPEN)
        .values(state=ReviewState.OVERTAKEN)
    )
    review_id = session.execute(
        insert(ReviewRow)
        .values(
            series_instance_uid=uid,
            base_version=basis.base_version,
            series_version=basis.series_version,
            state=ReviewState.OPEN,
            revision=basis.revision,
            begun_at=now,
            account=author.account,
            reader=author.reader,
        )
        .returning(ReviewRow.id)
    ).scalar_one()
    for item in current.counting if current is not None else ():
        _insert(session, review_id, item)
    opened = read_latest(session, uid)
    if opened is None:
        raise RuntimeError("a row that was just written is not there")
    return opened


def _insert(session: Session, review_id: int, item: MadeEdit) -> None:
    session.execute(
        insert(ReviewEditRow).values(
            review_id=review_id,
            number=item.number,
            edit_json=item.edit_json,
            words_json=item.words_json,
            account=item.account,
            reader=item.reader,
            made_at=item.made_at,
        )
    )


def _mark(session: Session, review: Review, numbers: list[int], *, undone: bool) -> None:
    session.execute(
        update(ReviewEditRow)
        .where(ReviewEditRow.review_id == review.id, ReviewEditRow.number.in_(numbers))
        .values(undone=undone)
    )
    _advance(session, review)


def _advance(session: Session, review: Review) -> None:
    session.execute(update(ReviewRow).where(ReviewRow.id == review.id).values(revision=review.revision + 1))
