"""The audit log as a chain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_RAW = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        "audit_links",
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("audit_id", sa.Integer(), nullable=True),
        sa.Column("digest", _RAW, nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_audit_links"),
        sa.UniqueConstraint("audit_id", name="uq_audit_links_audit_id"),
    )
    op.create_table(
        "audit_readers",
        sa.Column("name", _RAW, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_audit_readers"),
    )


def downgrade() -> None:
    """Revert the revision."""
    op.drop_table("audit_readers")
    op.drop_table("audit_links")
