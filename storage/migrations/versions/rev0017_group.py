"""A group of processes on one index: its members, who has claimed what, and the oldest version that may take part."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.migrations import OLDEST_TABLE

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_RAW = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(OLDEST_TABLE, sa.Column("version_num", sa.Text(), nullable=False))
    op.create_table(
        "members",
        sa.Column("id", _RAW, nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("roles", _RAW, nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("beat", sa.Integer(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("process", _RAW, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name="pk_members"),
    )
    op.create_table(
        "duties",
        sa.Column("duty", _RAW, nullable=False),
        sa.Column("member", _RAW, nullable=False),
        sa.PrimaryKeyConstraint("duty", name="pk_duties"),
    )
    op.create_index("ix_duties_member", "duties", ["member"])
    op.create_table(
        "open_associations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("member", _RAW, nullable=False),
        sa.Column("association", _RAW, nullable=False),
        sa.Column("series_instance_uid", _RAW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_open_associations"),
        sa.UniqueConstraint(
            "member",
            "association",
            "series_instance_uid",
            name="uq_open_associations_member_association_series_instance_uid",
        ),
    )
    op.create_index("ix_open_associations_series_instance_uid", "open_associations", ["series_instance_uid"])
    for table in ("deliveries", "commitments"):
        op.add_column(table, sa.Column("owner", _RAW, nullable=False, server_default=""))


def downgrade() -> None:
    """Revert the revision."""
    for table in ("commitments", "deliveries"):
        op.drop_column(table, "owner")
    for table in ("open_associations", "duties", "members", OLDEST_TABLE):
        op.drop_table(table)
