"""One key of a C-FIND identifier as a condition in SQL (PS3.4 C.2.2.2).

Several values of any key mean one of them, which the Standard asks for UIDs alone. Names are compared without regard to
case and to trailing empty components, by their groups: `names`; dates and times by `moments`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, or_

from dicom.text import fold
from storage.query.moments import VRS, Moment, match_moment
from storage.query.names import is_universal, match_name
from storage.query.texts import match_texts

WILDCARD_VRS = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})


@dataclass(frozen=True, slots=True)
class Target:
    """The column that a key is compared with, its folded copy for names, and whether it holds several values.

    `time` and `zone` are those of a date or time: see `moments.Moment`.
    """

    column: ColumnElement[str]
    vr: str
    folded: ColumnElement[str] | None = None
    several: bool = False
    time: ColumnElement[str] | None = None
    zone: ColumnElement[str] | None = None

    @property
    def moment(self) -> Moment:
        """The same as a date or time."""
        return Moment(self.column, self.vr, self.time, self.zone)


def build_condition(
    target: Target, text: str, dialect: str, offset: timedelta | None = None
) -> ColumnElement[bool] | None:
    """Build the condition for a key's text from `dicom.text.read_text`; None for universal matching (C.2.2.2.3).

    Args:
        target: what to compare.
        text: the key, several values separated by a backslash.
        dialect: the database's name, "sqlite" or another.
        offset: the time zone of the key, None when it is unknown.
    """
    values = [value for value in text.split("\\") if value]
    if target.folded is not None:
        values = [fold(value) for value in values]
        return None if any(map(is_universal, values or [""])) else match_name(target.folded, values, dialect)
    if not values or any(not value.strip("*") for value in values):
        return None
    if target.vr in VRS:
        if "-" in values:
            # A range open at both ends is universal matching.
            return None
        return or_(*(match_moment(target.moment, value, dialect, offset) for value in values))
    if target.several:
        # A stored value may be alone, first, last or in the middle.
        values = [form for value in values for form in (value, rf"{value}\*", rf"*\{value}", rf"*\{value}\*")]
        return match_texts(target.column, values, dialect)
    return match_texts(target.column, values, dialect, wildcards=target.vr in WILDCARD_VRS)
