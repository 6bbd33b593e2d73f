"""What queries and retrievals are answered from: neither superseded documents nor rejected objects.

A document that this node replaced is answered through its successor, whose Predecessor Documents Sequence names it
(PS3.3 C.17.2): by that SOP Instance UID, given exactly, it is still found and retrieved. An object that a rejection
note took out is hidden from every request (IHE RAD TF-3 4.66). A series without an object to show is not there, nor is
a study without such a series.

The series keeps the number of its hidden objects, so that the levels above cost no look at each object.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, and_, not_, select
from sqlalchemy.orm import aliased

from storage.database.models import InstanceRow, SeriesRow, StudyRow
from storage.objects.attributes import Level


@cache
def visible(level: Level, *, named: bool = False) -> ColumnElement[bool]:
    """Return the condition on `InstanceRow`, `SeriesRow` or `StudyRow` (STUDY, PATIENT) of a SELECT, built once.

    Args:
        level: the level of the rows.
        named: whether SOP Instance UIDs are given exactly, which shows superseded documents, too.
    """
    if level == "IMAGE":
        return show_instance(InstanceRow, named=named)
    return show_series(SeriesRow) if level == "SERIES" else show_study(StudyRow)


def show_instance(instance: type[InstanceRow], *, named: bool = False) -> ColumnElement[bool]:
    """Return whether an object is shown."""
    accepted = not_(instance.rejected.expression)
    return accepted if named else and_(accepted, not_(instance.superseded.expression))


def show_series(series: type[SeriesRow]) -> ColumnElement[bool]:
    """Return whether a series has an object to show."""
    return series.hidden_count.expression < series.instance_count.expression


def show_study(study: type[StudyRow]) -> ColumnElement[bool]:
    """Return whether a study has a series to show."""
    series = aliased(SeriesRow)
    shown = select(series.id).where(series.study_id == study.id, show_series(series))
    return shown.correlate(study).exists()


def count_shown(series: type[SeriesRow]) -> ColumnElement[Any]:
    """Return the number of objects of a series that are shown."""
    return series.instance_count.expression - series.hidden_count.expression
