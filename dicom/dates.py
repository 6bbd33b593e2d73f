"""Dates as headers and results write them (PS3.5 6.2, ISO 8601)."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from pydicom.dataset import Dataset

from dicom import elements

FIRST_YEAR: Final = 1850
"""Anonymisers put earlier years in place of a date, for instance 00010101; no CT patient is that old."""

_DATE: Final = re.compile(r"([0-9]{4})([.-]?)([0-9]{2})\2([0-9]{2})")
_SCAN_KEYWORDS: Final = ("AcquisitionDate", "AcquisitionDateTime", "SeriesDate", "StudyDate")


def parse_date(text: str | None) -> date | None:
    """Parse a date written as YYYYMMDD (DA), YYYY.MM.DD (ACR-NEMA) or YYYY-MM-DD (ISO 8601).

    None when it is not a calendar date, or in a year before `FIRST_YEAR`.
    """
    parts = _DATE.fullmatch(text or "")
    if parts is None:
        return None
    try:
        parsed = date(int(parts[1]), int(parts[3]), int(parts[4]))
    except ValueError:
        return None
    return parsed if parsed.year >= FIRST_YEAR else None


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
