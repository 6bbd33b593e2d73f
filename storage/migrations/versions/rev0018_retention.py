"""What is deleted in time: what a series has lost, what peers were promised, and files that have lost their rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_RAW = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply the revision."""
    op.add_column("series", sa.Column("images_deleted_at", _WHEN, nullable=True))
    op.add_column("series", sa.Column("deleted_count", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("series", sa.Column("promised_at", _WHEN, nullable=True))
    op.create_table(
        "removals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("series_instance_uid", _RAW, nullable=False),
        sa.Column("noted_at", _WHEN, nullable=False),
        sa.Column("removed_at", _WHEN, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_removals"),
    )
    op.create_index("ix_removals_series_instance_uid", "removals", ["series_instance_uid"])
    op.create_index("ix_removals_path", "removals", ["path"])
    op.create_index("ix_removals_removed_at", "removals", ["removed_at"])
    op.create_table(
        "retention_looks",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("looked_at", _WHEN, nullable=False),
        sa.Column("trusted_from", _WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_retention_looks"),
    )


def downgrade() -> None:
    """Revert the revision: what is still to be removed from the disk is forgotten, and stays there."""
    op.drop_table("retention_looks")
    op.drop_table("removals")
    op.drop_column("series", "promised_at")
    op.drop_column("series", "deleted_count")
    op.drop_column("series", "images_deleted_at")
