"""Destinations to which nothing is sent for now, and what lists of series are filtered and sorted by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.series.summary import summarise

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_RAW = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_COLUMNS = ("reader", "wants_review", "category", "agatston", "reason_values")
_CURRENT = """
    SELECT series.id, results.score_json FROM series JOIN results
    ON results.series_instance_uid = series.series_instance_uid AND results.version = series.version
    WHERE results.score_json <> '' AND series.state NOT IN ('receiving', 'kept') AND series.id > :after
    ORDER BY series.id LIMIT 500
"""


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        "pauses",
        sa.Column("destination", _RAW, primary_key=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
    )
    op.add_column("series", sa.Column("reason_values", sa.Text(), nullable=False, server_default=""))
    op.add_column("series", sa.Column("agatston", sa.Double(), nullable=True))
    op.add_column("series", sa.Column("category", _RAW, nullable=False, server_default=""))
    op.add_column("series", sa.Column("wants_review", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("series", sa.Column("reader", sa.Text(), nullable=False, server_default=""))
    _summarise_all()
    op.create_index("ix_series_last_received_at", "series", ["last_received_at"])
    op.create_index("ix_series_agatston", "series", ["agatston"])


def downgrade() -> None:
    """Revert the revision."""
    op.drop_index("ix_series_agatston", "series")
    op.drop_index("ix_series_last_received_at", "series")
    # in place: SQLite would copy a table otherwise, and others refer to this one
    for column in _COLUMNS:
        op.execute(f"ALTER TABLE series DROP COLUMN {column}")
    op.drop_table("pauses")


def _summarise_all() -> None:
    """Fill the columns from the results that earlier versions stored."""
    connection = op.get_bind()
    table = sa.table("series", sa.column("id"), *map(sa.column, _COLUMNS))
    after = 0
    while rows := connection.execute(sa.text(_CURRENT), {"after": after}).all():
        for series_id, score_json in rows:
            connection.execute(table.update().where(table.c.id == series_id).values(summarise(score_json)))
        after = rows[-1][0]
