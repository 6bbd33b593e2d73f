"""A CSV file of readings, as a spreadsheet or a statistics program writes it; refused rows are told with why."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Self

from config.errors import Permanent, Value
from dicom.dates import format_date
from scoring.result import ARTERIES, Artery
from scp.validating.decimals import Ambiguous, Mark, NotANumber, find_mark, parse_number

NAMES: Final = ("series_instance_uid", "study_instance_uid", "accession_number", "case")
"""Columns by which a row names its scan; the first that is filled counts. `case` is a file of results."""
COLUMNS: Final = (*NAMES, "total", *ARTERIES, "reader", "date")

LONGEST_FILE: Final = 16 * 1024 * 1024
"""Bytes."""
MOST_ROWS: Final = 100_000
_OTHER_NAMES: Final[Mapping[str, str]] = {
    "seriesinstanceuid": "series_instance_uid",
    "studyinstanceuid": "study_instance_uid",
    "accession": "accession_number",
    "accessionnumber": "accession_number",
    "agatston": "total",
    "agatston_total": "total",
    "cac": "total",
}
_MOST_AGATSTON: Final = 50_000.0
_SUM_SHARE, _SUM_LEAST = 0.02, 1.0
"""How far a total may be from the sum of its arteries: readers' programs round each of them."""
_UID: Final = re.compile(r"[0-9]+(\.[0-9]+)+")
_LONGEST_TEXT: Final = 200
_GERMAN_DATE: Final = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")


class UnusableTable(Permanent):
    """The file as a whole cannot be used; the text says why and what is allowed."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that is not used: its line, and why as a code of the catalogue ("validation.row_...") with values."""

    line: int
    code: str
    values: Mapping[str, Value] = field(default_factory=dict)

    @classmethod
    def repeated(cls, line: int, earlier: int, *, same: bool) -> Self:
        """Refuse a row for one scan, reader and day that an earlier line has, with the same values or with others."""
        return cls(line, "row_same" if same else "row_other", {"line": earlier})


@dataclass(frozen=True, slots=True)
class Row:
    """A reading as a row gives it: `name` is the scan's in the column `column`; `read_on` is YYYY-MM-DD or ""."""

    line: int
    column: str
    name: str
    total: float
    arteries: Mapping[Artery, float]
    reader: str
    read_on: str


class _Unusable(Exception):
    """Why a row is refused."""

    def __init__(self, code: str, **values: Value) -> None:
        super().__init__(code)
        self.code, self.values = code, values


def read_table(content: bytes) -> tuple[list[Row], list[Refused]]:
    """Read the rows of a file, and those that are refused.

    A byte order mark, quotes, semicolons or tabs between the columns, and a decimal comma are understood. Raises
    UnusableTable when the file as a whole cannot be used.
    """
    if len(content) > LONGEST_FILE:
        raise UnusableTable(f"the file is larger than {LONGEST_FILE // 1024**2} MiB: split it")
    lines = list(_split(_decode(content)))
    if not lines:
        raise UnusableTable(f"the file has no row; its first line names the columns: {', '.join(COLUMNS)}")
    head = [_name_column(cell) for cell in lines[0][1]]
    _check_head(head)
    cells = [(number, dict(zip(head, row, strict=False))) for number, row in lines[1:] if any(map(str.strip, row))]
    numeric = ("total", *ARTERIES)
    mark = find_mark(row.get(column, "").strip() for _, row in cells for column in numeric)
    rows: list[Row] = []
    refused: list[Refused] = []
    for number, row in cells:
        try:
            rows.append(_read_row(number, row, mark))
        except _Unusable as reason:
            refused.append(Refused(number, reason.code, reason.values))
    return rows, refused


def _decode(content: bytes) -> str:
    """Decode UTF-8 and UTF-16 by their mark, else UTF-8, else the Windows code page that spreadsheets still write."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _split(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield line numbers and cells. Raises UnusableTable for what is no CSV, or too much of it."""
    head = text.partition("\n")[0]
    delimiter = max(";\t,", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for count, row in enumerate(reader):
            if count > MOST_ROWS:
                raise UnusableTable(f"the file has more than {MOST_ROWS} rows: split it")
            yield reader.line_num, row
    except csv.Error as error:
        raise UnusableTable(f"line {reader.line_num}: not CSV: {error}") from error


def _name_column(cell: str) -> str:
    name = cell.strip().lower().replace(" ", "_")
    name = _OTHER_NAMES.get(name, name)
    return next((artery for artery in ARTERIES if artery.lower() == name), name)


def _check_head(head: Sequence[str]) -> None:
    twice = sorted({name for name in head if name in COLUMNS and head.count(name) > 1})
    if twice:
        raise UnusableTable(f"line 1: the column {twice[0]} stands there twice")
    if not set(head) & set(NAMES):
        raise UnusableTable(f"line 1: no column names the scan; allowed: {', '.join(NAMES)}")
    if "total" not in head and not set(ARTERIES) <= set(head):
        raise UnusableTable("line 1: there is no column total, nor all of LM, LAD, LCX, RCA")


def _read_row(line: int, row: Mapping[str, str], mark: Mark | None) -> Row:
    """Read a row. Raises _Unusable."""
    column, name = next(((one, text) for one in NAMES if (text := row.get(one, "").strip())), ("", ""))
    if not name:
        raise _Unusable("row_no_name")
    if column.endswith("_uid") and _UID.fullmatch(name) is None:
        raise _Unusable("row_uid", name=name[:_LONGEST_TEXT])
    arteries = {artery: value for artery in ARTERIES if (value := _read_value(row, artery, mark)) is not None}
    total = _read_value(row, "total", mark)
    added = sum(arteries.values())
    if total is None:
        if len(arteries) < len(ARTERIES):
            raise _Unusable("row_no_total")
        total = added
    elif len(arteries) == len(ARTERIES) and abs(total - added) > max(_SUM_LEAST, _SUM_SHARE * total):
        raise _Unusable("row_sum", total=total, added=round(added, 2))
    reader = " ".join(row.get("reader", "").split())[:_LONGEST_TEXT]
    return Row(line, column, name[:_LONGEST_TEXT], total, arteries, reader, _read_date(row.get("date", "").strip()))


def _read_value(row: Mapping[str, str], column: str, mark: Mark | None) -> float | None:
    text = row.get(column, "").strip()
    if not text:
        return None
    try:
        value = parse_number(text, mark)
    except Ambiguous:
        raise _Unusable("row_ambiguous", column=column, text=text[:_LONGEST_TEXT]) from None
    except NotANumber:
        raise _Unusable("row_number", column=column, text=text[:_LONGEST_TEXT]) from None
    if value > _MOST_AGATSTON:
        raise _Unusable("row_range", column=column, text=text[:_LONGEST_TEXT], most=int(_MOST_AGATSTON))
    return value


def _read_date(text: str) -> str:
    if not text:
        return ""
    day = format_date(text)
    if not day and (parts := _GERMAN_DATE.fullmatch(text)):
        try:
            day = date(int(parts[3]), int(parts[2]), int(parts[1])).isoformat()
        except ValueError:
            day = ""
    if not day:
        raise _Unusable("row_date", text=text[:_LONGEST_TEXT])
    return day
