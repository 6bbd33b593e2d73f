"""The time zone of the dates and times of studies, series and objects; unknown for those received before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TABLES = ("studies", "series", "instances")
_RAW = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Apply the revision."""
    for table in _TABLES:
        op.add_column(table, sa.Column("timezone_offset_from_utc", _RAW, nullable=False, server_default=""))


def downgrade() -> None:
    """Revert the revision."""
    for table in _TABLES:
        op.drop_column(table, "timezone_offset_from_utc")
