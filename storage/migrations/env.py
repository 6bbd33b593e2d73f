"""Runs the revisions on the connection that `Database.migrate` holds; there is no alembic.ini."""

from __future__ import annotations

from alembic import context
from sqlalchemy.schema import SchemaItem

from storage.database import (  # noqa: F401  # add their tables to Base
    account_rows,
    alert_rows,
    announcement_rows,
    calibration_rows,
    commitment_rows,
    group_rows,
    lifecycle_rows,
    models,
    pause_rows,
    retention_rows,
    review_rows,
    source_rows,
    validation_rows,
)
from storage.database.columns import Base
from storage.migrations import VERSION_TABLE


def _is_ours(item: SchemaItem, name: str | None, kind: str, reflected: bool, compare_to: SchemaItem | None) -> bool:  # noqa: ARG001
    """Leave out the durable engine's tables, which share the database and are not ours to change."""
    return kind != "table" or name in Base.metadata.tables


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    include_object=_is_ours,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
