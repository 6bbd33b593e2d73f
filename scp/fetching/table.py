"""A CSV file of requests, as a spreadsheet or a database writes it, read line by line."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TextIO

from config.errors import ConfigurationError
from scp.fetching.wanted import Wanted, parse_days, parse_identifier, parse_uid

COLUMNS: Final[Mapping[str, Callable[[str], str]]] = {
    "study_instance_uid": parse_uid,
    "accession_number": parse_identifier,
    "patient_id": parse_identifier,
    "study_date": parse_days,
}
"""Columns that are read, in any order and case; others are allowed and not read."""

_DELIMITERS: Final = ",;\t"
_LONGEST_LINE: Final = 65536


def read_table(path: Path) -> Iterator[Wanted]:
    """Yield the request of each line that is not blank, reading as it goes.

    A byte order mark, quotes, and semicolons or tabs in place of commas are understood. Raises ConfigurationError with
    line and column when the file cannot be used.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline(_LONGEST_LINE)
            file.seek(0)
            yield from _parse_lines(path, _split(path, file, _find_delimiter(head)))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: is not UTF-8 text; save it as CSV UTF-8") from error


def count_requests(path: Path) -> int:
    """Check every line and return the number of requests. Raises as `read_table` does."""
    return sum(1 for _ in read_table(path))


def _find_delimiter(head: str) -> str:
    return max(_DELIMITERS, key=head.count)


def _split(path: Path, file: TextIO, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each line with its number."""
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise ConfigurationError(f"{path}: line {reader.line_num}: {error}") from error


def _parse_lines(path: Path, lines: Iterator[tuple[int, list[str]]]) -> Iterator[Wanted]:
    _, head = next(lines, (1, []))
    places = _find_columns(path, [name.strip().casefold().replace(" ", "_") for name in head])
    for line, cells in lines:
        texts = {name: cells[at].strip() if at < len(cells) else "" for name, at in places.items()}
        if any(texts.values()):
            yield _parse(path, line, texts)
        elif any(cell.strip() for cell in cells):
            raise ConfigurationError(f"{path}: line {line}: nothing in {' or '.join(places)}")


def _find_columns(path: Path, names: Sequence[str]) -> dict[str, int]:
    """Find the columns that are read. Raises ConfigurationError when there is none, or one twice."""
    allowed = ", ".join(COLUMNS)
    beside = ", ".join(name for name in COLUMNS if name != "study_date")
    for name in COLUMNS:
        if names.count(name) > 1:
            raise ConfigurationError(f"{path}: line 1: the column {name} stands there twice")
    places = {name: names.index(name) for name in COLUMNS if name in names}
    if not places:
        raise ConfigurationError(f"{path}: line 1 must name the columns, at least one of {allowed}")
    if list(places) == ["study_date"]:
        raise ConfigurationError(f"{path}: line 1: a study_date needs another column beside it ({beside})")
    return places


def _parse(path: Path, line: int, texts: Mapping[str, str]) -> Wanted:
    values = {}
    for name, text in texts.items():
        try:
            values[name] = COLUMNS[name](text) if text else ""
        except ValueError as error:
            raise ConfigurationError(f"{path}: line {line}, column {name}: {error}") from error
    wanted = Wanted(**values)
    if not (wanted.names_study or wanted.patient_id):
        raise ConfigurationError(f"{path}: line {line}: a study_date alone would ask for every study of the archive")
    return wanted
