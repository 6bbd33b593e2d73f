"""Columns named after the attributes of the Standard."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_RENAMED = (
    ("audit", "series_uid", "series_instance_uid"),
    ("audit", "sop_uid", "sop_instance_uid"),
    ("deliveries", "series_uid", "series_instance_uid"),
    ("results", "series_uid", "series_instance_uid"),
)


def upgrade() -> None:
    """Apply the revision; both databases rename in place, indexes and constraints keep their names."""
    for table, before, after in _RENAMED:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {before} TO {after}")


def downgrade() -> None:
    """Revert the revision."""
    for table, before, after in _RENAMED:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {after} TO {before}")
