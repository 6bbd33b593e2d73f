"""Why an object lies in quarantine is a code, and the objects of a series are found by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TABLE = "quarantine"
_INDEX = "ix_quarantine_series_instance_uid"
_RAW = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

# The words of earlier versions, which did not tell a known UID in another series from other bytes in the same one.
_OTHER_BYTES = "other bytes under a known SOP Instance UID"
_OTHER_STUDY = "its series belongs to another study"
_ELSEWHERE = """
    UPDATE quarantine SET reason_code = 'other_series'
    WHERE reason_code = 'other_bytes' AND EXISTS (
        SELECT 1 FROM instances JOIN series ON series.id = instances.series_id
        WHERE instances.sop_instance_uid = quarantine.sop_instance_uid
        AND series.series_instance_uid <> quarantine.series_instance_uid
    )
"""


def upgrade() -> None:
    """Apply the revision."""
    op.execute(f"ALTER TABLE {_TABLE} RENAME COLUMN reason TO reason_code")
    with op.batch_alter_table(_TABLE) as table:
        table.alter_column("reason_code", existing_type=sa.Text(), existing_nullable=False, type_=_RAW)
    _replace(_OTHER_BYTES, "other_bytes")
    _replace(_OTHER_STUDY, "other_study")
    op.execute(_ELSEWHERE)
    op.create_index(_INDEX, _TABLE, ["series_instance_uid"])


def downgrade() -> None:
    """Revert the revision; reasons that earlier versions did not know become other bytes."""
    op.drop_index(_INDEX, _TABLE)
    _replace("other_study", _OTHER_STUDY)
    op.execute(
        sa.text("UPDATE quarantine SET reason_code = :words WHERE reason_code <> :study").bindparams(
            words=_OTHER_BYTES, study=_OTHER_STUDY
        )
    )
    op.execute(f"ALTER TABLE {_TABLE} RENAME COLUMN reason_code TO reason")


def _replace(before: str, after: str) -> None:
    op.execute(
        sa.text("UPDATE quarantine SET reason_code = :after WHERE reason_code = :before").bindparams(
            before=before, after=after
        )
    )
