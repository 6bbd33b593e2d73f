"""A site's own calibrations of the judgement."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_RAW = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        "calibrations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", _RAW, nullable=False),
        sa.Column("sha256", _RAW, nullable=False),
        sa.Column("calibration_json", sa.Text(), nullable=False),
        sa.Column("cases_json", sa.Text(), nullable=False),
        sa.Column("figures_json", sa.Text(), nullable=False),
        sa.Column("finding", _RAW, nullable=False),
        sa.Column("software_version", sa.Text(), nullable=False),
        sa.Column("created_at", _WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_calibrations"),
        sa.UniqueConstraint("name", name="uq_calibrations_name"),
    )
    op.create_table(
        "calibration_adoptions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("calibration_id", sa.Integer(), nullable=True),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("adopted_at", _WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_calibration_adoptions"),
        sa.ForeignKeyConstraint(
            ["calibration_id"], ["calibrations.id"], name="fk_calibration_adoptions_calibration_id_calibrations"
        ),
    )


def downgrade() -> None:
    """Revert the revision: calibrations and the decisions on them are forgotten."""
    op.drop_table("calibration_adoptions")
    op.drop_table("calibrations")
