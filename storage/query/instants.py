"""Bounds of dates and times: from text of any precision, across time zones, back to the text that sorts there."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

_LENGTHS: Final = {4: "years", 6: "months", 8: "days", 10: "hours", 12: "minutes", 14: "seconds"}


def parse_begin(text: str) -> datetime | None:
    """Return the first moment of a date time of any precision; None where it is empty or no moment."""
    whole, _, fraction = text.partition(".")
    if len(whole) not in _LENGTHS:
        return None
    filled = whole + "00000101000000"[len(whole) :]
    year, month, day, hour, minute, second = (int(filled[:4]), *(int(filled[at : at + 2]) for at in range(4, 14, 2)))
    try:
        # 60 is a leap second; the zone is kept beside the moment
        return datetime(year, month, day, hour, minute, min(second, 59), int(fraction.ljust(6, "0")))  # noqa: DTZ001
    except ValueError:
        return None


def parse_end(text: str) -> datetime | None:
    """Return the moment after the last one of a date time of any precision."""
    begin = parse_begin(text)
    if begin is None:
        return None
    whole, _, fraction = text.partition(".")
    unit = _LENGTHS[len(whole)]
    try:
        if fraction:
            return begin + timedelta(microseconds=10 ** (6 - len(fraction)))
        if unit == "years":
            return begin.replace(year=begin.year + 1)
        if unit == "months":
            return (begin.replace(day=1) + timedelta(days=31)).replace(day=1)
        return begin + timedelta(**{unit: 1})
    except (ValueError, OverflowError):
        return datetime.max  # noqa: DTZ901


def shift(moment: datetime | None, by: timedelta) -> datetime | None:
    """Shift a bound; one beyond the calendar bounds nothing."""
    if moment is None:
        return None
    try:
        return moment + by
    except OverflowError:
        return None


def write(moment: datetime) -> str:
    """Write a moment as a DT that sorts before every later value, of whatever precision."""
    return shorten(f"{moment.year:04d}{moment:%m%d%H%M%S}.{moment.microsecond:06d}", "DT")


def write_time_of_day(moment: datetime) -> str:
    """Write the time of day of a moment as a TM that sorts likewise."""
    return shorten(f"{moment:%H%M%S}.{moment.microsecond:06d}", "TM")


def shorten(text: str, vr: str) -> str:
    """Return the shortest text for the same time: 101500.000 is 1015, and a stored 1015 must not sort before it."""
    keep = {"DA": 8, "TM": 2, "DT": 8}[vr]
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    while len(text) > keep and "." not in text and text.endswith("00"):
        text = text[:-2]
    while vr == "DT" and len(text) in (6, 8) and text.endswith("01"):
        text = text[:-2]
    return text
