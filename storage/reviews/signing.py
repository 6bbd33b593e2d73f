"""Signing a review: the reader's result becomes the next version of the series."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update

from storage.database import audit
from storage.database.engine import Database
from storage.database.review_rows import ReviewRow
from storage.reviews.drafts import Author, Basis, Stale, begin
from storage.reviews.reviews import ReviewState
from storage.series.amending import amend


def sign(db: Database, basis: Basis, author: Author, score_json: str, now: datetime, *, person: str, text: str) -> int:
    """Sign what `basis` shows, in one transaction, and return the version that carries the reader's result.

    The review is closed, the result stored, and `text` added to the audit log as what `person` did. Raises Stale, with
    nothing changed, when an image has come since, the series is being scored again, or another change came first;
    UnknownSeries.
    """
    with db.session() as session:
        review = begin(session, basis, author, now)
        version = amend(session, basis.series_instance_uid, basis.series_version, score_json, now)
        if version is None:
            raise Stale
        session.execute(
            update(ReviewRow)
            .where(ReviewRow.id == review.id)
            .values(
                state=ReviewState.SIGNED,
                account=author.account,
                reader=author.reader,
                signed_at=now,
                signed_version=version,
            )
        )
        audit.record(
            session,
            now,
            "signed",
            f"version {version} {text}".rstrip(),
            series_instance_uid=basis.series_instance_uid,
            person=person,
        )
        return version
