"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The models as of this revision; later revisions do not change it.
RAW = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("kind", RAW, nullable=False),
        sa.Column("series_uid", RAW, nullable=False),
        sa.Column("sop_uid", RAW, nullable=False),
        sa.Column("peer_ae", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_index("ix_audit_series_uid", "audit", ["series_uid"])

    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("series_uid", RAW, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sop_instance_uid", RAW, nullable=False),
        sa.Column("kind", RAW, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("destination", RAW, nullable=False),
        sa.Column("state", RAW, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", WHEN, nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("updated_at", WHEN, nullable=False),
        sa.Column("delivered_at", WHEN, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint("sop_instance_uid", "destination", name="uq_deliveries_sop_instance_uid_destination"),
    )
    op.create_index("ix_deliveries_series_uid_version", "deliveries", ["series_uid", "version"])
    op.create_index("ix_deliveries_state_next_attempt_at", "deliveries", ["state", "next_attempt_at"])

    op.create_table(
        "quarantine",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sop_instance_uid", RAW, nullable=False),
        sa.Column("series_instance_uid", RAW, nullable=False),
        sa.Column("study_instance_uid", RAW, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("calling_ae", sa.Text(), nullable=False),
        sa.Column("received_at", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_quarantine"),
        sa.UniqueConstraint("sop_instance_uid", "sha256", name="uq_quarantine_sop_instance_uid_sha256"),
    )
    op.create_table(
        "results",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("series_uid", RAW, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", RAW, nullable=False),
        sa.Column("score_json", sa.Text(), nullable=False),
        sa.Column("sr_sop_class_uid", RAW, nullable=False),
        sa.Column("sr_sop_instance_uid", RAW, nullable=False),
        sa.Column("sr_series_instance_uid", RAW, nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_results"),
        sa.UniqueConstraint("series_uid", "version", name="uq_results_series_uid_version"),
    )
    op.create_table(
        "studies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_instance_uid", RAW, nullable=False),
        sa.Column("patient_id", RAW, nullable=False),
        sa.Column("issuer_of_patient_id", RAW, nullable=False),
        sa.Column("patient_name", RAW, nullable=False),
        sa.Column("patient_name_folded", RAW, nullable=False),
        sa.Column("patient_birth_date", RAW, nullable=False),
        sa.Column("patient_sex", RAW, nullable=False),
        sa.Column("patient_age", RAW, nullable=False),
        sa.Column("study_date", RAW, nullable=False),
        sa.Column("study_time", RAW, nullable=False),
        sa.Column("accession_number", RAW, nullable=False),
        sa.Column("study_id", RAW, nullable=False),
        sa.Column("study_description", RAW, nullable=False),
        sa.Column("referring_physician_name", RAW, nullable=False),
        sa.Column(
            "referring_physician_name_folded",
            RAW,
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_studies"),
        sa.UniqueConstraint("study_instance_uid", name="uq_studies_study_instance_uid"),
    )
    op.create_index("ix_studies_accession_number", "studies", ["accession_number"])
    op.create_index("ix_studies_patient_id_issuer_of_patient_id", "studies", ["patient_id", "issuer_of_patient_id"])
    op.create_index("ix_studies_patient_name_folded", "studies", ["patient_name_folded"])
    op.create_index("ix_studies_study_date", "studies", ["study_date"])

    op.create_table(
        "series",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("series_instance_uid", RAW, nullable=False),
        sa.Column("modality", RAW, nullable=False),
        sa.Column("series_number", RAW, nullable=False),
        sa.Column("series_description", RAW, nullable=False),
        sa.Column("series_date", RAW, nullable=False),
        sa.Column("series_time", RAW, nullable=False),
        sa.Column("body_part_examined", RAW, nullable=False),
        sa.Column("protocol_name", RAW, nullable=False),
        sa.Column("laterality", RAW, nullable=False),
        sa.Column("manufacturer", RAW, nullable=False),
        sa.Column("manufacturer_model_name", RAW, nullable=False),
        sa.Column("station_name", RAW, nullable=False),
        sa.Column("institution_name", RAW, nullable=False),
        sa.Column(
            "performed_procedure_step_start_date",
            RAW,
            nullable=False,
        ),
        sa.Column(
            "performed_procedure_step_start_time",
            RAW,
            nullable=False,
        ),
        sa.Column("origin", RAW, nullable=False),
        sa.Column("state", RAW, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("wait_until", WHEN, nullable=True),
        sa.Column("wait_reason", sa.Text(), nullable=False),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.Column("instance_count", sa.Integer(), nullable=False),
        sa.Column("calling_ae", sa.Text(), nullable=False),
        sa.Column("first_received_at", WHEN, nullable=False),
        sa.Column("last_received_at", WHEN, nullable=False),
        sa.Column("completed_at", WHEN, nullable=True),
        sa.Column("updated_at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="fk_series_study_id_studies"),
        sa.PrimaryKeyConstraint("id", name="pk_series"),
        sa.UniqueConstraint("series_instance_uid", name="uq_series_series_instance_uid"),
    )
    op.create_index("ix_series_state", "series", ["state"])
    op.create_index("ix_series_study_id", "series", ["study_id"])

    op.create_table(
        "instances",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("sop_instance_uid", RAW, nullable=False),
        sa.Column("sop_class_uid", RAW, nullable=False),
        sa.Column("transfer_syntax_uid", RAW, nullable=False),
        sa.Column("instance_number", RAW, nullable=False),
        sa.Column("acquisition_number", RAW, nullable=False),
        sa.Column("acquisition_date", RAW, nullable=False),
        sa.Column("acquisition_time", RAW, nullable=False),
        sa.Column("acquisition_date_time", RAW, nullable=False),
        sa.Column("content_date", RAW, nullable=False),
        sa.Column("content_time", RAW, nullable=False),
        sa.Column("image_type", RAW, nullable=False),
        sa.Column("number_of_frames", RAW, nullable=False),
        sa.Column("rows", RAW, nullable=False),
        sa.Column("columns", RAW, nullable=False),
        sa.Column("pixel_spacing", RAW, nullable=False),
        sa.Column("image_position_patient", RAW, nullable=False),
        sa.Column("image_orientation_patient", RAW, nullable=False),
        sa.Column("frame_of_reference_uid", RAW, nullable=False),
        sa.Column("slice_thickness", RAW, nullable=False),
        sa.Column("convolution_kernel", RAW, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("calling_ae", sa.Text(), nullable=False),
        sa.Column("received_at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name="fk_instances_series_id_series"),
        sa.PrimaryKeyConstraint("id", name="pk_instances"),
        sa.UniqueConstraint("sop_instance_uid", name="uq_instances_sop_instance_uid"),
    )
    op.create_index("ix_instances_series_id", "instances", ["series_id"])


def downgrade() -> None:
    """Revert the revision: everything in the index is lost."""
    for table in ("instances", "series", "studies", "results", "quarantine", "deliveries", "audit"):
        op.drop_table(table)
