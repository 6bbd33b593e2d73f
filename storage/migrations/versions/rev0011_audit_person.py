"""Who did what an event of the audit log tells; empty where the node did it by itself, and before this revision."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.add_column("audit", sa.Column("person", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Revert the revision."""
    op.drop_column("audit", "person")
