"""The tables of reviews: one row for each review of a result, and one for each thing that a reader did in it."""

from __future__ import annotations

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.database.columns import Base, Identity, Raw, When, WhenOrNone, Words


class ReviewRow(Base):
    """A review of a series, open until it is signed, or overtaken by a newer result.

    `base_version` is that of the automatic result, `series_version` that of the series when the review was begun: a
    later one where a signed result is reviewed again.
    """

    __tablename__ = "reviews"
    __table_args__ = (
        Index(
            "uq_reviews_series_open",
            "series_instance_uid",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index(None, "series_instance_uid"),
        Index(None, "state", "signed_at"),
    )

    id: Mapped[Identity]
    series_instance_uid: Mapped[Raw]
    base_version: Mapped[int]
    series_version: Mapped[int]
    state: Mapped[Raw]
    revision: Mapped[int]
    begun_at: Mapped[When]
    account: Mapped[Words]
    reader: Mapped[Words]
    signed_at: Mapped[WhenOrNone]
    signed_version: Mapped[int | None]


class ReviewEditRow(Base):
    """One edit; rows are only ever added.

    `undone` edits do not count; those that are `discarded` besides were followed by others and cannot be done again.
    """

    __tablename__ = "review_edits"
    __table_args__ = (UniqueConstraint("review_id", "number"),)

    id: Mapped[Identity]
    review_id: Mapped[int] = mapped_column(index=True)
    number: Mapped[int]
    edit_json: Mapped[Words]
    words_json: Mapped[Words]
    account: Mapped[Words]
    reader: Mapped[Words]
    made_at: Mapped[When]
    undone: Mapped[bool] = mapped_column(server_default=text("false"))
    discarded: Mapped[bool] = mapped_column(server_default=text("false"))
