"""Storage commitments: what peers asked of us, and what we ask of peers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_RAW = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_WHEN = sa.DateTime(timezone=True)
_DELIVERIES = "deliveries"
_INDEXES = {
    "ix_deliveries_commit_at": ["commit_at"],
    "ix_deliveries_transaction_uid": ["transaction_uid"],
}


def upgrade() -> None:
    """Apply the revision; documents delivered before are not asked about."""
    op.create_table(
        "commitments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("transaction_uid", _RAW, nullable=False),
        sa.Column("calling_ae", _RAW, nullable=False),
        sa.Column("host", _RAW, nullable=False),
        sa.Column("digest", _RAW, nullable=False),
        sa.Column("is_repeated", sa.Boolean(), nullable=False),
        sa.Column("references_json", sa.Text(), nullable=False),
        sa.Column("failures_json", sa.Text(), nullable=False),
        sa.Column("reference_count", sa.Integer(), nullable=False),
        sa.Column("failure_count", sa.Integer(), nullable=False),
        sa.Column("state", _RAW, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", _WHEN, nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("created_at", _WHEN, nullable=False),
        sa.Column("updated_at", _WHEN, nullable=False),
        sa.Column("proved_at", _WHEN, nullable=True),
        sa.Column("reported_at", _WHEN, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_commitments"),
        sa.UniqueConstraint(
            "calling_ae", "transaction_uid", "digest", name="uq_commitments_calling_ae_transaction_uid_digest"
        ),
    )
    op.create_index("ix_commitments_state_next_attempt_at", "commitments", ["state", "next_attempt_at"])
    op.create_table(
        "commitment_transactions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("transaction_uid", _RAW, nullable=False),
        sa.Column("destination", _RAW, nullable=False),
        sa.Column("asked_at", _WHEN, nullable=False),
        sa.Column("answered_at", _WHEN, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_commitment_transactions"),
        sa.UniqueConstraint("transaction_uid", name="uq_commitment_transactions_transaction_uid"),
    )
    op.add_column(_DELIVERIES, sa.Column("transaction_uid", _RAW, nullable=False, server_default=""))
    op.add_column(_DELIVERIES, sa.Column("commit_at", _WHEN, nullable=True))
    op.add_column(_DELIVERIES, sa.Column("commit_attempts", sa.Integer(), nullable=False, server_default="0"))
    op.add_column(_DELIVERIES, sa.Column("commit_requests", sa.Integer(), nullable=False, server_default="0"))
    for name, columns in _INDEXES.items():
        op.create_index(name, _DELIVERIES, columns)


def downgrade() -> None:
    """Revert the revision; what earlier versions know of a committed document is that it was delivered."""
    op.execute(f"UPDATE {_DELIVERIES} SET state = 'delivered' WHERE state IN ('committed', 'uncommitted')")  # noqa: S608
    for name in _INDEXES:
        op.drop_index(name, _DELIVERIES)
    for column in ("commit_requests", "commit_attempts", "commit_at", "transaction_uid"):
        op.drop_column(_DELIVERIES, column)
    op.drop_table("commitment_transactions")
    op.drop_table("commitments")
