"""What the completion check knows of a series, all of it from the tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from storage.database.engine import Database
from storage.series import expectations, refusals, slices, steps
from storage.series.expectations import Expectation
from storage.series.slices import SliceGeometry


class Facts(Protocol):
    """Answers about series; each may raise Transient."""

    def list_slices(self, series_instance_uid: str) -> Sequence[SliceGeometry]:
        """List the geometry of every image."""
        ...

    def count_refused(self, series_instance_uid: str) -> int:
        """Count the images that were refused at receipt and are missing."""
        ...

    def list_expectations(self, series_instance_uid: str) -> Sequence[Expectation]:
        """List what is announced of a series."""
        ...

    def find_announced(self, series_instance_uids: Collection[str]) -> set[str]:
        """Find those of some series of which a source has said its last word."""
        ...

    def is_step_open(self, series_instance_uid: str) -> bool:
        """Return whether the scanner's procedure step that the series belongs to is still in progress."""
        ...


class IndexFacts:
    """The facts in the index."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_slices(self, series_instance_uid: str) -> Sequence[SliceGeometry]:
        """List the geometry of every image."""
        return slices.list_slices(self._database, series_instance_uid)

    def count_refused(self, series_instance_uid: str) -> int:
        """Count the images that were refused at receipt and are missing."""
        return refusals.count_missing(self._database, series_instance_uid)

    def list_expectations(self, series_instance_uid: str) -> Sequence[Expectation]:
        """List what is announced of a series."""
        return expectations.list_expectations(self._database, series_instance_uid)

    def find_announced(self, series_instance_uids: Collection[str]) -> set[str]:
        """Find those of some series of which a source has said its last word."""
        return expectations.find_announced(self._database, series_instance_uids)

    def is_step_open(self, series_instance_uid: str) -> bool:
        """Return whether the scanner's procedure step that the series belongs to is still in progress."""
        return steps.is_open(self._database, series_instance_uid)
