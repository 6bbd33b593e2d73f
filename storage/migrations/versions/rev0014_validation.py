"""Readers' values, results that are held back, and the decisions about going live."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_RAW = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Apply the revision."""
    op.add_column("results", sa.Column("held", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "readings",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("series_instance_uid", _RAW, nullable=False),
        sa.Column("origin", _RAW, nullable=False),
        sa.Column("source", _RAW, nullable=False),
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("read_on", _RAW, nullable=False),
        sa.Column("total", sa.Double(), nullable=False),
        *(sa.Column(artery, sa.Double(), nullable=True) for artery in ("lm", "lad", "lcx", "rca")),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_index("ix_readings_series_instance_uid", "readings", ["series_instance_uid"])
    op.create_index("ix_readings_source", "readings", ["source"])
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("kind", _RAW, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Revert the revision; an earlier version makes the documents of results that are held back."""
    op.drop_table("decisions")
    op.drop_table("readings")
    # in place: SQLite would copy the table otherwise
    op.execute("ALTER TABLE results DROP COLUMN held")
