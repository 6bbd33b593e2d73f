"""What the source of a series says about its number of images."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

RAW = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        "source_counts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("series_instance_uid", RAW, nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=True),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("asks", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_source_counts"),
        sa.UniqueConstraint("series_instance_uid", name="uq_source_counts_series_instance_uid"),
    )


def downgrade() -> None:
    """Revert the revision: what the sources said is forgotten."""
    op.drop_table("source_counts")
