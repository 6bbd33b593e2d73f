"""Dates and times as headers and results write them (PS3.5 6.2, ISO 8601), and as the Standard writes them."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Final

from pydicom.dataset import Dataset

from dicom import elements

FIRST_YEAR: Final = 1850
"""Anonymisers put earlier years in place of a date, for instance 00010101; no CT patient is that old."""

_DATE: Final = re.compile(r"([0-9]{4})([./-]?)([0-9]{2})\2([0-9]{2})")
_TIME: Final = re.compile(
    r"(?:([01][0-9]|2[0-3])|([0-9]):(?=[0-9]))"
    r"(?::?([0-5][0-9])(?::?([0-5][0-9]|60)(?:[.,]([0-9]+))?)?)?"  # 60 is a leap second
    r"(?: ?([AP])M)?"
)
_NOON: Final = 12
_DATE_TIME: Final = re.compile(r"([0-9]{4})([0-9]{2})?([0-9]{2})?((?<=[0-9]{8})[0-9]{2}[0-9.]*)?([+-][0-9]{4})?")
_OFFSET: Final = re.compile(r"([+-])([0-9]{2}):?([0-5][0-9])")
_OFFSETS: Final = range(-1200, 1400 + 1)
_SCAN_KEYWORDS: Final = ("AcquisitionDate", "AcquisitionDateTime", "SeriesDate", "StudyDate")


def parse_date(text: str | None) -> date | None:
    """Parse a date written as YYYYMMDD (DA), YYYY.MM.DD (ACR-NEMA), YYYY-MM-DD (ISO 8601) or YYYY/MM/DD.

    None when it is not a calendar date, or in a year before `FIRST_YEAR`.
    """
    parsed = _parse_any_year(text or "")
    return parsed if parsed is not None and parsed.year >= FIRST_YEAR else None


def format_date(text: str | None) -> str:
    """Format the date in a text as YYYY-MM-DD; "" where `parse_date` gives None."""
    parsed = parse_date(text)
    return "" if parsed is None else parsed.isoformat()


def scan_date(dataset: Dataset) -> date | None:
    """Return the acquisition date, else the series or study date (PS3.3 C.7.6.1, C.7.3.1, C.7.2.1), or None."""
    for keyword in _SCAN_KEYWORDS:
        text = elements.text(dataset, keyword)
        # a time may follow, not only in a DT
        day = parse_date(text) or parse_date(text[:8])
        if day is not None:
            return day
    return None


def normalise_date(text: str) -> str | None:
    """Rewrite a date of any year as DA (PS3.5 6.2); None where it is not certain which day is meant."""
    parsed = _parse_any_year(text)
    return None if parsed is None else parsed.isoformat().replace("-", "")


def normalise_time(text: str) -> str | None:
    """Rewrite a time of day as TM (PS3.5 6.2): colons, a decimal comma, AM and PM; None where it is none."""
    parts = _TIME.fullmatch(text.upper())
    if parts is None:
        return None
    hour, half = int(parts[1] or parts[2]), parts[6]
    if half is not None:
        if not 1 <= hour <= _NOON:
            return None
        hour = hour % _NOON + (_NOON if half == "P" else 0)
    fraction = "" if parts[5] is None else f".{parts[5][:6]}"
    return f"{hour:02d}{parts[3] or ''}{parts[4] or ''}{fraction}"


def normalise_date_time(text: str) -> str | None:
    """Return a DT (PS3.5 6.2) as it is; None where it is none."""
    parts = _DATE_TIME.fullmatch(text)
    if parts is None:
        return None
    known = normalise_date(f"{parts[1]}{parts[2] or '01'}{parts[3] or '01'}") is not None
    known &= parts[4] is None or normalise_time(parts[4]) == parts[4]
    known &= parts[5] is None or normalise_offset(parts[5]) is not None
    return text if known else None


def normalise_offset(text: str) -> str | None:
    """Rewrite an offset from UTC as &ZZXX (PS3.5 6.2, DT); None where it is none, or outside -1200 to +1400."""
    parts = _OFFSET.fullmatch(text)
    if parts is None:
        return None
    offset = f"{parts[1]}{parts[2]}{parts[3]}"
    # -0000 is excluded
    return offset if int(offset) in _OFFSETS and offset != "-0000" else None


def parse_offset(text: str) -> timedelta | None:
    """Parse an offset from UTC, as in Timezone Offset From UTC (0008,0201); None where it is none."""
    offset = normalise_offset(text)
    if offset is None:
        return None
    size = timedelta(hours=int(offset[1:3]), minutes=int(offset[3:]))
    return -size if offset[0] == "-" else size


def _parse_any_year(text: str) -> date | None:
    parts = _DATE.fullmatch(text)
    if parts is None:
        return None
    try:
        return date(int(parts[1]), int(parts[3]), int(parts[4]))
    except ValueError:
        return None
