"""Folded names are in composed form (Unicode NFC), with one letter i."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dicom.text import fold

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BATCH = 1000
_studies = sa.table(
    "studies",
    *map(sa.column, ("id", "patient_name", "patient_name_folded")),
    *map(sa.column, ("referring_physician_name", "referring_physician_name_folded")),
)


def upgrade() -> None:
    """Apply the revision."""
    connection = op.get_bind()
    last = 0
    while rows := connection.execute(
        sa.select(_studies).where(_studies.c.id > last).order_by(_studies.c.id).limit(_BATCH)
    ).all():
        last = rows[-1].id
        for row in rows:
            patient, physician = fold(row.patient_name), fold(row.referring_physician_name)
            if (patient, physician) != (row.patient_name_folded, row.referring_physician_name_folded):
                connection.execute(
                    sa.update(_studies)
                    .where(_studies.c.id == row.id)
                    .values(patient_name_folded=patient, referring_physician_name_folded=physician)
                )


def downgrade() -> None:
    """Revert the revision: earlier versions find names in composed form as they find any other."""
