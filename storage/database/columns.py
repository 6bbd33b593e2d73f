"""What the tables share: their base, and the types of their columns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar

from sqlalchemy import DateTime, Dialect, MetaData, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, mapped_column


class UtcDateTime(TypeDecorator[datetime]):
    """An aware point in time, kept in UTC; SQLite has no zone of its own."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Refuse a naive time, whose clock would be unknown."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Restore the time zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# Ranges and wildcards compare code points; a PostgreSQL locale would sort differently.
_RAW = Text().with_variant(Text(collation="C"), "postgresql")

Identity = Annotated[int, mapped_column(primary_key=True)]
Raw = Annotated[str, mapped_column(_RAW)]
RawOrNone = Annotated[str | None, mapped_column(_RAW)]
Words = Annotated[str, mapped_column(Text)]
When = Annotated[datetime, mapped_column(UtcDateTime)]
WhenOrNone = Annotated[datetime | None, mapped_column(UtcDateTime)]


class Base(DeclarativeBase):
    """Base of the tables, with constraint names that migrations can refer to."""

    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
