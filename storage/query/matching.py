"""One key of a C-FIND identifier as a condition in SQL (PS3.4 C.2.2.2).

Several values of any key mean one of them, which the Standard asks for UIDs alone. Names are compared without regard to
case and to trailing empty components, by their groups: `names`. Times match at the precision of the key: 1015 is the
whole minute.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, false, or_

from dicom.text import fold
from storage.query.names import is_universal, match_name
from storage.query.texts import match_texts

WILDCARD_VRS = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
_OFFSET = r"(?:\+(?:0\d|1[0-4])[0-5]\d|-(?:0\d|1[0-2])[0-5]\d)?"
_PARTS = {
    "DA": r"\d{8}",
    "TM": r"(?:\d\d){1,3}(?:(?<=\d{6})\.\d{1,6})?",
    "DT": rf"\d{{4}}(?:\d\d){{0,5}}(?:\.\d{{1,6}})?{_OFFSET}",
}
_RANGES = {vr: re.compile(rf"({part})?-({part})?") for vr, part in _PARTS.items()}
_SINGLE = {vr: re.compile(part) for vr, part in _PARTS.items()}
# Sorts after every digit and the dot, so a range ends after all finer values.
_AFTER = "~"


@dataclass(frozen=True, slots=True)
class Target:
    """The column that a key is compared with, its folded copy for names, and whether it holds several values."""

    column: ColumnElement[str]
    vr: str
    folded: ColumnElement[str] | None = None
    several: bool = False


def build_condition(target: Target, text: str, dialect: str) -> ColumnElement[bool] | None:
    """Build the condition for a key's text from `dicom.text.read_text`; None for universal matching (C.2.2.2.3).

    Args:
        target: what to compare.
        text: the key, several values separated by a backslash.
        dialect: the database's name, "sqlite" or another.
    """
    values = [value for value in text.split("\\") if value]
    if target.folded is not None:
        values = [fold(value) for value in values]
        return None if any(map(is_universal, values or [""])) else match_name(target.folded, values, dialect)
    if not values or any(not value.strip("*") for value in values):
        return None
    if target.vr in _RANGES:
        if "-" in values:
            # A range open at both ends is universal matching.
            return None
        return or_(*(_match_moment(target.column, value, target.vr) for value in values))
    if target.several:
        # A stored value may be alone, first, last or in the middle.
        values = [form for value in values for form in (value, rf"{value}\*", rf"*\{value}", rf"*\{value}\*")]
        return match_texts(target.column, values, dialect)
    return match_texts(target.column, values, dialect, wildcards=target.vr in WILDCARD_VRS)


def _match_moment(column: ColumnElement[str], value: str, vr: str) -> ColumnElement[bool]:
    """Match single values and ranges (C.2.2.2.5) of dates and times as text; an absent value matches no range."""
    if _SINGLE[vr].fullmatch(value):
        return column == value if vr == "DA" else _match_range(column, value, value, vr)
    if bounds := _RANGES[vr].fullmatch(value):
        return _match_range(column, bounds[1], bounds[2], vr)
    return false()


def _match_range(column: ColumnElement[str], first: str | None, last: str | None, vr: str) -> ColumnElement[bool]:
    conditions = [column != ""]
    if first:
        conditions.append(column >= _shorten_time(first, vr))
    if last:
        conditions.append(column <= re.sub(r"[+-]\d{4}$", "", last) + _AFTER)
    return and_(*conditions)


def _shorten_time(first: str, vr: str) -> str:
    """Return the shortest text for the same time: 101500.000 is 1015, and a stored 1015 must not sort before it."""
    keep = {"DA": 8, "TM": 2, "DT": 8}[vr]
    text = re.sub(r"[+-]\d{4}$", "", first) if vr == "DT" else first
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    while len(text) > keep and "." not in text and text.endswith("00"):
        text = text[:-2]
    while vr == "DT" and len(text) in (6, 8) and text.endswith("01"):
        text = text[:-2]
    return text
