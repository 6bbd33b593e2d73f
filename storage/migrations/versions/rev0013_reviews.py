"""Reviews of results by readers, and their steps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_RAW = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        "reviews",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("series_instance_uid", _RAW, nullable=False),
        sa.Column("base_version", sa.Integer(), nullable=False),
        sa.Column("series_version", sa.Integer(), nullable=False),
        sa.Column("state", _RAW, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_version", sa.Integer(), nullable=True),
    )
    op.create_index(
        "uq_reviews_series_open",
        "reviews",
        ["series_instance_uid"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_reviews_series_instance_uid", "reviews", ["series_instance_uid"])
    op.create_index("ix_reviews_state_signed_at", "reviews", ["state", "signed_at"])
    op.create_table(
        "review_edits",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("review_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("edit_json", sa.Text(), nullable=False),
        sa.Column("words_json", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("discarded", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.UniqueConstraint("review_id", "number", name="uq_review_edits_review_id_number"),
    )
    op.create_index("ix_review_edits_review_id", "review_edits", ["review_id"])


def downgrade() -> None:
    """Revert the revision."""
    op.drop_table("review_edits")
    op.drop_table("reviews")
