"""Objects that are superseded or rejected, of which version each document is, and the rejection notes that count."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_RAW = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

# Documents of earlier versions are known from their deliveries, and each report from its result.
_KNOWN_DOCUMENTS = """
    INSERT INTO documents (sop_instance_uid, series_instance_uid, version)
    SELECT sop_instance_uid, MIN(series_instance_uid), MIN(version) FROM (
        SELECT sop_instance_uid, series_instance_uid, version FROM deliveries
        UNION SELECT sr_sop_instance_uid, series_instance_uid, version FROM results WHERE sr_sop_instance_uid <> ''
    ) AS known GROUP BY sop_instance_uid
"""
_SUPERSEDED = """
    UPDATE instances SET superseded = true WHERE sop_instance_uid IN (
        SELECT documents.sop_instance_uid FROM documents JOIN results
        ON results.series_instance_uid = documents.series_instance_uid
        WHERE results.version > documents.version AND results.sr_sop_instance_uid <> ''
    )
"""
_HIDDEN = """
    UPDATE series SET hidden_count = (
        SELECT COUNT(*) FROM instances WHERE instances.series_id = series.id AND instances.superseded
    ) WHERE id IN (SELECT series_id FROM instances WHERE superseded)
"""


def upgrade() -> None:
    """Apply the revision."""
    op.add_column("instances", sa.Column("superseded", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("instances", sa.Column("rejected", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("series", sa.Column("hidden_count", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "documents",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("sop_instance_uid", _RAW, nullable=False),
        sa.Column("series_instance_uid", _RAW, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.UniqueConstraint("sop_instance_uid", name="uq_documents_sop_instance_uid"),
    )
    op.create_index("ix_documents_series_instance_uid", "documents", ["series_instance_uid"])
    op.create_table(
        "rejections",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("sop_instance_uid", _RAW, nullable=False),
        sa.Column("note_sop_instance_uid", _RAW, nullable=False),
        sa.Column("title", _RAW, nullable=False),
        sa.Column("study_instance_uid", _RAW, nullable=False),
        sa.Column("series_instance_uid", _RAW, nullable=False),
        sa.Column("peer_ae", sa.Text(), nullable=False),
        sa.Column("rejected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.UniqueConstraint("sop_instance_uid", "note_sop_instance_uid", name="uq_rejections_sop_instance_uid_note"),
    )
    op.create_index("ix_rejections_series_instance_uid", "rejections", ["series_instance_uid"])
    for statement in (_KNOWN_DOCUMENTS, _SUPERSEDED, _HIDDEN):
        op.execute(statement)


def downgrade() -> None:
    """Revert the revision; earlier versions show every object."""
    op.drop_table("rejections")
    op.drop_table("documents")
    # in place: SQLite would copy a table otherwise, and others refer to this one
    for table, column in (("series", "hidden_count"), ("instances", "rejected"), ("instances", "superseded")):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
