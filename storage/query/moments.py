"""Dates, times and both together against single values and ranges (PS3.4 C.2.2.2.1.3, C.2.2.2.5).

They are kept as text and compared as text, at the precision of the key: 1015 is the whole minute. Where the key is in a
known time zone, it is compared in the zone of each object: the bounds are computed for every offset from UTC, and the
row's own offset chooses between them. An object whose zone is unknown is compared as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, String, and_, case, false, func, or_, true

from dicom.dates import parse_offset
from storage.query.instants import parse_begin, parse_end, shift, shorten, write, write_time_of_day

VRS: Final = frozenset({"DA", "TM", "DT"})
_OFFSET = r"(?:\+(?:0\d|1[0-4])[0-5]\d|-(?:0\d|1[0-2])[0-5]\d)"
_PARTS: Final = {
    "DA": r"\d{8}",
    "TM": r"(?:\d\d){1,3}(?:(?<=\d{6})\.\d{1,6})?",
    "DT": rf"\d{{4}}(?:\d\d){{0,5}}(?:\.\d{{1,6}})?{_OFFSET}?",
}
_RANGES: Final = {vr: re.compile(rf"({part})?-({part})?") for vr, part in _PARTS.items()}
_SINGLE: Final = {vr: re.compile(part) for vr, part in _PARTS.items()}
_SUFFIX: Final = re.compile(rf"{_OFFSET}$")
# Sorts after every digit and the dot, so a range ends after all finer values.
_AFTER: Final = "~"
_EPOCH: Final = "20000101"
_DAY: Final = timedelta(days=1)
# Offsets from UTC are multiples of 15 minutes, from 12 hours behind to 14 hours ahead.
_OFFSETS: Final = {
    f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}": timedelta(minutes=minutes)
    for minutes in range(-12 * 60, 14 * 60 + 1, 15)
}
_FURTHEST: Final = timedelta(days=2)  # two zones are at most 26 hours apart

Condition = ColumnElement[bool]
Column = ColumnElement[str]


@dataclass(frozen=True, slots=True)
class Moment:
    """Where the index keeps one attribute of time.

    `time` is the time of day that belongs to a date, `zone` the offset from UTC of the row; both None for a date that
    is the same in every zone, as of birth.
    """

    column: Column
    vr: str
    time: Column | None = None
    zone: Column | None = None


@dataclass(frozen=True, slots=True)
class _Range:
    """One value of a key: both bounds are included, and an empty one is open."""

    first: str
    last: str

    @property
    def form(self) -> tuple[bool, bool]:
        return bool(self.first), bool(self.last)


@dataclass(frozen=True, slots=True)
class _Span:
    """The moments from `first` to before `last`; None bounds nothing."""

    first: datetime | None
    last: datetime | None


def match_moment(moment: Moment, value: str, dialect: str, offset: timedelta | None) -> Condition:
    """Match one value, a single one or a range; an absent attribute matches no range.

    Args:
        moment: what to compare.
        value: the key, not universal.
        dialect: the database's name, "sqlite" or another.
        offset: the zone of the key, unless a date time has its own; None when it is unknown.
    """
    bounds = _parse(value, moment.vr)
    if bounds is None:
        return false()
    plain = _match_plain(moment, bounds)
    if moment.zone is None:
        return plain
    if moment.vr == "DT":
        return _match_date_time(moment.column, moment.zone, bounds, plain, dialect, offset)
    if offset is None:
        return plain
    if moment.vr == "TM":
        return _match_time(moment, moment.zone, bounds, plain, offset)
    return plain if moment.time is None else _match_date(moment, moment.time, moment.zone, bounds, plain, offset)


def match_combined(date: Moment, time: Moment, values: tuple[str, str], offset: timedelta | None) -> Condition | None:
    """Match a date and a time as one date time, as combined matching has it (PS3.4 C.2.2.2.5.4).

    None unless both keys are ranges of the same form, which are then matched independently.
    """
    if date.zone is None or time.zone is None or any("-" not in value or "\\" in value for value in values):
        return None
    days, hours = _parse(values[0], "DA"), _parse(values[1], "TM")
    if days is None or hours is None or days.form != hours.form:
        return None
    span = _read_span(days.first + hours.first, days.last + hours.last)
    if span is None:
        return false()
    return and_(date.column != "", _match_span(date.column, time.column, date.zone, span, offset))


def _parse(value: str, vr: str) -> _Range | None:
    if _SINGLE[vr].fullmatch(value):
        return _Range(value, value)
    bounds = _RANGES[vr].fullmatch(value)
    return None if bounds is None else _Range(bounds[1] or "", bounds[2] or "")


def _match_plain(moment: Moment, bounds: _Range) -> Condition:
    """Compare the text as it is, whatever its zone."""
    column = moment.column
    if moment.vr == "DA" and bounds.first == bounds.last:
        return column == bounds.first
    conditions: list[Condition] = [column != ""]
    if bounds.first:
        conditions.append(column >= shorten(_SUFFIX.sub("", bounds.first), moment.vr))
    if bounds.last:
        conditions.append(column <= _SUFFIX.sub("", bounds.last) + _AFTER)
    return and_(*conditions)


def _match_date(
    moment: Moment, time: Column, zone: Column, bounds: _Range, plain: Condition, offset: timedelta
) -> Condition:
    """Match days of the key's zone; a date without a time of day is in every zone the same."""
    span = _read_span(bounds.first, bounds.last)
    if span is None:
        return plain
    by_zone = _match_span(moment.column, time, zone, span, offset)
    return and_(moment.column != "", or_(and_(time == "", plain), and_(time != "", by_zone)))


def _match_span(date: Column, time: Column, zone: Column, span: _Span, offset: timedelta | None) -> Condition:
    """Match a date with its time of day."""
    moment = date.concat(time)
    if offset is None:
        return _between(moment, _write(span.first), _write(span.last))
    # an index serves the date alone, which sorts before every time of its day
    near = _between(date, _write(_floor(shift(span.first, -_FURTHEST))), _write(shift(span.last, _FURTHEST)))
    return and_(near, _between(moment, _choose(zone, span.first, offset, ""), _choose(zone, span.last, offset, _AFTER)))


def _match_time(moment: Moment, zone: Column, bounds: _Range, plain: Condition, offset: timedelta) -> Condition:
    """Match times of day of the key's zone, which may pass midnight in the object's."""
    span = _read_span(_EPOCH + (bounds.first or "00"), _EPOCH + (bounds.last or "23"))
    if span is None or span.first is None or span.last is None or span.first >= span.last:
        return plain
    if span.last - span.first >= _DAY:
        return moment.column != ""

    def choose(bound: datetime) -> Column:
        shifted = {text: write_time_of_day(bound + (own - offset)) for text, own in _OFFSETS.items()}
        return case(shifted, value=zone, else_=write_time_of_day(bound))

    begin, end = choose(span.first), choose(span.last)
    after, before = moment.column >= begin, moment.column < end
    return and_(moment.column != "", or_(and_(after, before), and_(begin >= end, or_(after, before))))


def _match_date_time(
    column: Column, zone: Column, bounds: _Range, plain: Condition, dialect: str, offset: timedelta | None
) -> Condition:
    """Match moments of a DT, whose own offset prevails on both sides (C.2.2.2.5.3)."""
    span = _read_span(_SUFFIX.sub("", bounds.first), _SUFFIX.sub("", bounds.last))
    first, last = _read_suffix(bounds.first, offset), _read_suffix(bounds.last, offset)
    if span is None or (bounds.first and first is None) or (bounds.last and last is None):
        return plain
    suffix = func.substr(column, -5, type_=String) if dialect == "sqlite" else func.right(column, 5, type_=String)
    stored = case((or_(suffix.like("+%"), suffix.like("-%")), suffix), else_=zone)
    low = None if first is None else _choose(stored, span.first, first, "")
    high = None if last is None else _choose(stored, span.last, last, _AFTER)
    return and_(column != "", _between(column, low, high))


def _choose(zone: Column, bound: datetime | None, offset: timedelta, beyond: str) -> Column | None:
    """Choose the bound in the zone of each row, given in the zone of `offset`; `beyond` is one outside the calendar."""
    if bound is None:
        return None
    shifted = {text: _write(shift(bound, own - offset)) or beyond for text, own in _OFFSETS.items()}
    return case(shifted, value=zone, else_=write(bound))


def _between(column: Column, first: Column | str | None, last: Column | str | None) -> Condition:
    """Compare with the texts from `first` to before `last`; None bounds nothing."""
    conditions: list[Condition] = [true()]
    if first is not None:
        conditions.append(column >= first)
    if last is not None:
        conditions.append(column < last)
    return and_(*conditions)


def _read_span(first: str, last: str) -> _Span | None:
    """Read bounds of any precision; None where one is no moment."""
    span = _Span(parse_begin(first), parse_end(last))
    return None if (first and span.first is None) or (last and span.last is None) else span


def _read_suffix(text: str, offset: timedelta | None) -> timedelta | None:
    suffix = _SUFFIX.search(text)
    return offset if suffix is None else parse_offset(suffix[0])


def _floor(moment: datetime | None) -> datetime | None:
    """Return the beginning of a day."""
    return None if moment is None else moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _write(moment: datetime | None) -> str | None:
    return None if moment is None else write(moment)
