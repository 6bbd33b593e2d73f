"""Which series a list shows, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, get_args

from sqlalchemy import ColumnElement, UnaryExpression, and_, func, or_
from sqlalchemy.orm import InstrumentedAttribute

from dicom.text import fold
from storage.database.models import SeriesRow, StudyRow
from storage.series.states import State

SortKey = Literal["received", "study", "patient", "score"]
SORT_KEYS: Final[tuple[SortKey, ...]] = get_args(SortKey)
Wish = Literal["", "review", "unsigned"]
"""Series whose range spans categories or is open, and those of the highest category that no reader has signed."""
HIGHEST: Final = ">400"
MOST_WORDS: Final = 8


@dataclass(frozen=True, slots=True)
class Selection:
    """What a list is narrowed down to; an empty field narrows nothing.

    Each of `words` stands in the patient's name, the patient ID, the accession number, or is a UID. Study dates are DA
    values, both ends included; of the times of receipt the end is not. Without `states` everything but what is kept.
    """

    words: tuple[str, ...] = ()
    states: tuple[State, ...] = ()
    category: str = ""
    sender: str = ""
    reason_code: str = ""
    wish: Wish = ""
    study_instance_uid: str = ""
    study_from: str = ""
    study_to: str = ""
    received_from: datetime | None = None
    received_before: datetime | None = None

    @property
    def concerns_study(self) -> bool:
        """Whether the study has to be looked at."""
        return bool(self.words or self.study_instance_uid or self.study_from or self.study_to)


def list_conditions(selection: Selection, dialect: str) -> list[ColumnElement[bool]]:
    """List the conditions on series and their studies; those on a series alone come first."""
    found: list[ColumnElement[bool]] = []
    if selection.states:
        found.append(SeriesRow.state.in_(selection.states))
    else:
        found.append(SeriesRow.state != State.KEPT)
    if selection.category:
        found.append(SeriesRow.category == selection.category)
    if selection.sender:
        found.append(SeriesRow.calling_ae == selection.sender)
    if selection.reason_code:
        found.append(SeriesRow.reason_code == selection.reason_code)
    if selection.wish == "review":
        found.append(SeriesRow.wants_review.is_(True))
    elif selection.wish == "unsigned":
        found.append(and_(SeriesRow.category == HIGHEST, SeriesRow.reader == ""))
    if selection.received_from is not None:
        found.append(SeriesRow.last_received_at >= selection.received_from)
    if selection.received_before is not None:
        found.append(SeriesRow.last_received_at < selection.received_before)
    return [*found, *_list_study_conditions(selection, dialect)]


def list_order(key: SortKey, *, descending: bool) -> list[UnaryExpression[Any]]:
    """List what rows are sorted by; the row ID keeps pages apart."""
    sorted_by: dict[SortKey, list[InstrumentedAttribute[Any]]] = {
        "received": [SeriesRow.last_received_at],
        "study": [StudyRow.study_date, StudyRow.study_time],
        "patient": [StudyRow.patient_name_folded, StudyRow.patient_id],
        "score": [SeriesRow.agatston],
    }
    ends = [*sorted_by[key], SeriesRow.id]
    # series without a score come last either way; databases differ in where they put what is NULL
    return [(column.desc() if descending else column.asc()).nulls_last() for column in ends]


def _list_study_conditions(selection: Selection, dialect: str) -> list[ColumnElement[bool]]:
    found = [_match_word(word, dialect) for word in selection.words[:MOST_WORDS]]
    if selection.study_instance_uid:
        found.append(StudyRow.study_instance_uid == selection.study_instance_uid)
    if selection.study_from:
        found.append(StudyRow.study_date >= selection.study_from)
    if selection.study_to:
        found.append(and_(StudyRow.study_date <= selection.study_to, StudyRow.study_date != ""))
    return found


def _match_word(word: str, dialect: str) -> ColumnElement[bool]:
    place = func.instr if dialect == "sqlite" else func.strpos
    return or_(
        place(StudyRow.patient_name_folded, fold(word)) > 0 if fold(word) else StudyRow.patient_name_folded == word,
        place(func.lower(StudyRow.patient_id), word.lower()) > 0,
        place(func.lower(StudyRow.accession_number), word.lower()) > 0,
        StudyRow.study_instance_uid == word,
        SeriesRow.series_instance_uid == word,
    )
