"""What the completion check knows of a series, all of it from the tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from scp.reception.watch import Last
from storage.database.engine import Database
from storage.group import associations
from storage.series import expectations, marks, refusals, slices, states, steps, waits
from storage.series.expectations import Expectation
from storage.series.slices import SliceGeometry
from storage.series.states import SeriesState
from storage.series.waits import Silence


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

    def is_association_open(self, series_instance_uid: str) -> bool:
        """Return whether a process of the group has an association open that brought objects of the series."""
        ...

    def list_receiving(self) -> Mapping[str, Last]:
        """List the series that are being received, with the last instance of each."""
        ...

    def list_marks(self) -> Mapping[str, Hashable]:
        """List the mark of each series being received that changes with what is announced of it."""
        ...

    def note_silences(self, silences: Collection[Silence]) -> None:
        """Keep how long series have been waited for, for whoever watches them after this process."""
        ...


class IndexFacts:
    """The facts in the index; `clock` tells the time of day by which the ages of instances are reckoned."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

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

    def is_association_open(self, series_instance_uid: str) -> bool:
        """Return whether a process of the group has an association open that brought objects of the series."""
        return associations.is_open(self._database, series_instance_uid)

    def list_receiving(self) -> Mapping[str, Last]:
        """List the series that are being received, with the last instance of each."""
        now = self._clock()
        return {
            state.series_instance_uid: Last(
                state.last_received_at,
                (now - state.last_received_at).total_seconds(),
                _find_silence(state, now),
            )
            for state in states.list_receiving(self._database)
        }

    def list_marks(self) -> Mapping[str, Hashable]:
        """List the mark of each series being received that changes with what is announced of it."""
        return marks.list_marks(self._database)

    def note_silences(self, silences: Collection[Silence]) -> None:
        """Keep how long series have been waited for, for whoever watches them after this process."""
        waits.note_silences(self._database, silences)


def _find_silence(state: SeriesState, now: datetime) -> float:
    """Return for how many seconds a series has been waited for.

    By the clock only where the wait has ended before, and the series is looked at again: a clock that is set
    ahead would end the others early.
    """
    if state.completed_at is None or state.completed_at < state.last_received_at:
        return state.silent_seconds
    return max(state.silent_seconds, (now - state.last_received_at).total_seconds())
