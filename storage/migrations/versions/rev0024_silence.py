"""How long a series has been waited for since its last instance, by no clock that can be set."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.add_column("series", sa.Column("silent_seconds", sa.Double(), nullable=False, server_default="0"))
    op.add_column("series", sa.Column("silent_since", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Revert the revision: the series that are waited for are waited for anew."""
    op.drop_column("series", "silent_since")
    op.drop_column("series", "silent_seconds")
