"""What is asked of an archive: the studies that match one line of keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

_LONGEST: Final = 64
_UID: Final = re.compile(r"[0-9]+(\.[0-9]+)+")
_FOREIGN: Final = re.compile(r"[*?\\\x00-\x1f\x7f]")
_DAY: Final = re.compile(r"([0-9]{4})([-./]?)([0-9]{2})\2([0-9]{2})|([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
_TWO_DAYS: Final = re.compile(r"([0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2})? ?[-/] ?([0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2})?")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Keys that studies must match, all of them; empty ones match everything.

    `study_date` is a date or a range of dates as in a query (PS3.4 C.2.2.2.5).
    """

    study_instance_uid: str = ""
    accession_number: str = ""
    patient_id: str = ""
    study_date: str = ""

    @property
    def names_study(self) -> bool:
        """True where the keys are meant to name one study, not the scans of a patient or a day."""
        return bool(self.study_instance_uid or self.accession_number)

    def describe(self) -> str:
        """Describe the keys in words, without identifiers of a patient."""
        if self.study_instance_uid:
            return f"study {self.study_instance_uid}"
        if self.accession_number:
            return "an accession number"
        return "a patient" if self.patient_id else f"studies of {self.study_date}"


def parse_uid(text: str) -> str:
    """Check a Study Instance UID. Raises ValueError."""
    if len(text) > _LONGEST or _UID.fullmatch(text) is None:
        raise ValueError(
            f"{text!r} is not a UID; allowed: at most {_LONGEST} digits and dots, as in 1.2.840.113619.2.1"
        )
    return text


def parse_identifier(text: str) -> str:
    """Check an accession number or a patient's ID. Raises ValueError for one that would match others."""
    if len(text) > _LONGEST or _FOREIGN.search(text):
        raise ValueError(f"{text!r} cannot be asked for; allowed: at most {_LONGEST} characters, without * ? and \\")
    return text


def parse_days(text: str) -> str:
    """Parse a date or a range of dates, and return it as a query has it (YYYYMMDD, YYYYMMDD-YYYYMMDD, with open ends).

    Raises ValueError.
    """
    if _DAY.fullmatch(text):
        return f"{parse_day(text):%Y%m%d}"
    ends = _TWO_DAYS.fullmatch(text)
    if ends is None or not any(ends.groups()):
        raise ValueError(
            f"{text!r} is no date; allowed: YYYYMMDD, YYYY-MM-DD, DD.MM.YYYY, or two dates with - between them"
        )
    first, last = (f"{parse_day(end):%Y%m%d}" if end else "" for end in ends.groups())
    if first and last and last < first:
        raise ValueError(f"{text!r} ends before it begins")
    return f"{first}-{last}"


def parse_day(text: str) -> date:
    """Parse a date. Raises ValueError."""
    parts = _DAY.fullmatch(text)
    if parts is None:
        raise ValueError(f"{text!r} is no date; allowed: YYYYMMDD, YYYY-MM-DD, DD.MM.YYYY")
    year, month, day = (parts[1], parts[3], parts[4]) if parts[1] else (parts[7], parts[6], parts[5])
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise ValueError(f"{text!r} is not a day of the calendar") from None


def list_days(days: str, today: date) -> Iterator[Wanted]:
    """Yield each day of a range as a request of its own, so that no answer of the archive is too long.

    An open end is `today`. Raises ValueError for a range without a beginning.
    """
    first, is_range, last = days.partition("-")
    if not first:
        raise ValueError(f"{days!r} has no first day")
    day = parse_day(first)
    end = (parse_day(last) if last else today) if is_range else day
    while day <= end:
        yield Wanted(study_date=f"{day:%Y%m%d}")
        day += timedelta(days=1)
