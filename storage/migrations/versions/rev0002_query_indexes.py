"""Indexes for queries: patients distinguished by name, and names with several groups."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_OLD = "ix_studies_patient_id_issuer_of_patient_id"
_NEW = "ix_studies_patient_id_issuer_of_patient_id_patient_name"
_GROUPS = "ix_studies_patient_name_groups"


def upgrade() -> None:
    """Apply the revision."""
    op.drop_index(_OLD, "studies")
    op.create_index(_NEW, "studies", ["patient_id", "issuer_of_patient_id", "patient_name"])
    op.create_index(
        _GROUPS,
        "studies",
        ["patient_name_folded"],
        sqlite_where=sa.text("instr(patient_name_folded, '=') > 0"),
        postgresql_where=sa.text("strpos(patient_name_folded, '=') > 0"),
    )


def downgrade() -> None:
    """Revert the revision."""
    op.drop_index(_GROUPS, "studies")
    op.drop_index(_NEW, "studies")
    op.create_index(_OLD, "studies", ["patient_id", "issuer_of_patient_id"])
