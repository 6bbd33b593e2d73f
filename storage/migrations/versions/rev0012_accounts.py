"""Accounts of people and machines, their sessions, and failed attempts to sign in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_RAW = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", _RAW, nullable=False),
        sa.Column("printed_name", sa.Text(), nullable=False),
        sa.Column("roles", _RAW, nullable=False),
        sa.Column("password_hash", _RAW, nullable=False),
        sa.Column("password_until", _WHEN, nullable=True),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("state", _RAW, nullable=False),
        sa.Column("subject", _RAW, nullable=True),
        sa.Column("created_at", _WHEN, nullable=False),
        sa.Column("last_sign_in_at", _WHEN, nullable=True),
        sa.UniqueConstraint("name", name="uq_accounts_name"),
        sa.UniqueConstraint("subject", name="uq_accounts_subject"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("token_hash", _RAW, nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("created_at", _WHEN, nullable=False),
        sa.Column("used_at", _WHEN, nullable=False),
        sa.Column("expires_at", _WHEN, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_sessions_account_id_accounts"),
        sa.UniqueConstraint("token_hash", name="uq_sessions_token_hash"),
    )
    op.create_index("ix_sessions_account_id", "sessions", ["account_id"])
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_table(
        "tokens",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", _RAW, nullable=False),
        sa.Column("token_hash", _RAW, nullable=False),
        sa.Column("role", _RAW, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", _WHEN, nullable=False),
        sa.Column("expires_at", _WHEN, nullable=True),
        sa.Column("used_at", _WHEN, nullable=True),
        sa.UniqueConstraint("name", name="uq_tokens_name"),
        sa.UniqueConstraint("token_hash", name="uq_tokens_token_hash"),
    )
    op.create_table(
        "sign_in_failures",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("key", _RAW, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", _WHEN, nullable=False),
        sa.Column("locked_until", _WHEN, nullable=True),
        sa.UniqueConstraint("key", name="uq_sign_in_failures_key"),
    )
    op.create_index("ix_sign_in_failures_last_at", "sign_in_failures", ["last_at"])


def downgrade() -> None:
    """Revert the revision; the pages of earlier versions answer on this machine alone."""
    for table in ("sign_in_failures", "tokens", "sessions", "accounts"):
        op.drop_table(table)
