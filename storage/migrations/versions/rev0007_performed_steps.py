"""Performed procedure steps of the modalities, and what is announced of the objects of a series."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

RAW = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        "expectations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("series_instance_uid", RAW, nullable=False),
        sa.Column("source", RAW, nullable=False),
        sa.Column("origin", RAW, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("named", sa.Boolean(), nullable=False),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.Column("announced_at", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_expectations"),
        sa.UniqueConstraint(
            "series_instance_uid", "source", "origin", name="uq_expectations_series_instance_uid_source_origin"
        ),
    )
    op.create_index("ix_expectations_announced_at", "expectations", ["announced_at"])
    op.create_table(
        "expected_instances",
        sa.Column("expectation_id", sa.Integer(), nullable=False),
        sa.Column("sop_instance_uid", RAW, nullable=False),
        sa.ForeignKeyConstraint(
            ["expectation_id"], ["expectations.id"], name="fk_expected_instances_expectation_id_expectations"
        ),
        sa.PrimaryKeyConstraint("expectation_id", "sop_instance_uid", name="pk_expected_instances"),
    )
    _create_steps()


def _create_steps() -> None:
    op.create_table(
        "performed_steps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sop_instance_uid", RAW, nullable=False),
        sa.Column("state", RAW, nullable=False),
        sa.Column("modality", RAW, nullable=False),
        sa.Column("station_ae", sa.Text(), nullable=False),
        sa.Column("started", RAW, nullable=False),
        sa.Column("ended", RAW, nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("reason_scheme", sa.Text(), nullable=False),
        sa.Column("reason_meaning", sa.Text(), nullable=False),
        sa.Column("calling_ae", sa.Text(), nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("updated_at", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_performed_steps"),
        sa.UniqueConstraint("sop_instance_uid", name="uq_performed_steps_sop_instance_uid"),
    )
    op.create_index("ix_performed_steps_state", "performed_steps", ["state"])
    for table, uid, more in (
        ("performed_studies", "study_instance_uid", ()),
        ("performed_series", "series_instance_uid", (sa.Column("overruled", sa.Boolean(), nullable=False),)),
    ):
        op.create_table(
            table,
            sa.Column("step_id", sa.Integer(), nullable=False),
            sa.Column(uid, RAW, nullable=False),
            *more,
            sa.ForeignKeyConstraint(["step_id"], ["performed_steps.id"], name=f"fk_{table}_step_id_performed_steps"),
            sa.PrimaryKeyConstraint("step_id", uid, name=f"pk_{table}"),
        )
        op.create_index(f"ix_{table}_{uid}", table, [uid])


def downgrade() -> None:
    """Revert the revision: what was announced is forgotten."""
    for table in ("performed_series", "performed_studies", "performed_steps", "expected_instances", "expectations"):
        op.drop_table(table)
