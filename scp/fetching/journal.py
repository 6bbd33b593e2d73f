"""The file of outcomes: one line for each study, on the disk before the next study is begun.

It is the memory of an interrupted run, too: what has a line there is not fetched again.
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import io
import os
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from config.errors import ConfigurationError
from scp.fetching.outcome import COLUMNS, Outcome
from scp.fetching.wanted import Wanted

_DIGEST_BYTES: Final = 16
_TEXT: Final = "'"
_MARKED: Final = ("=", "+", "-", "@", _TEXT)
"""A spreadsheet takes a cell that begins with one of these for a formula, or hides it: it gets a mark before it."""
_REQUESTED: Final = slice(COLUMNS.index("requested_study_instance_uid"), COLUMNS.index("studies"))
_STUDIES, _STUDY, _ENDING = (COLUMNS.index(name) for name in ("studies", "study_instance_uid", "outcome"))


class Journal:
    """The outcomes of the requests to one peer; thread-safe. Without a file it remembers those of this run alone.

    A line that an interruption cut off is dropped, with `again` those of failed studies, too. Raises ConfigurationError
    when the file is something else, cannot be written, or another process writes it.
    """

    def __init__(self, peer: str, file: Path | None, *, clock: Callable[[], datetime], again: bool = False) -> None:
        self._peer = peer
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[bytes, int] = {}  # requests with a line, and how many of their studies have none
        self._studies: set[bytes] = set()
        self._file: io.FileIO | None = None
        if file is not None:
            self._file = self._take(file, again=again)

    def is_done(self, wanted: Wanted) -> bool:
        """Return whether every study that a request found has its line."""
        return self._open.get(_digest(wanted), 1) <= 0

    def has(self, wanted: Wanted, study_instance_uid: str) -> bool:
        """Return whether this study of a request has its line."""
        return _digest(wanted, study_instance_uid) in self._studies

    def write(self, outcome: Outcome) -> None:
        """Add the line of an outcome; once this returns, it survives a power cut. Raises ConfigurationError."""
        row = outcome.to_row(self._peer, self._clock())
        with self._lock:
            if self._file is not None:
                try:
                    self._file.write(_format(row))
                    os.fsync(self._file.fileno())
                except OSError as error:
                    raise ConfigurationError(
                        f"{self._file.name}: cannot be written: {error.strerror or error}"
                    ) from error
            self._note(outcome.wanted, outcome.study_instance_uid, outcome.studies)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _take(self, file: Path, *, again: bool) -> io.FileIO:
        try:
            taken = _take(file, again=again)
            try:
                self._remember(file)
            except BaseException:
                taken.close()
                raise
        except OSError as error:
            raise ConfigurationError(f"{file}: cannot be written: {error.strerror or error}") from error
        return taken

    def _remember(self, file: Path) -> None:
        for row in _read(file):
            if row[0] == self._peer:
                self._note(Wanted(*row[_REQUESTED]), row[_STUDY], int(row[_STUDIES]))

    def _note(self, wanted: Wanted, study_instance_uid: str, studies: int) -> None:
        request, study = _digest(wanted), _digest(wanted, study_instance_uid)
        if study not in self._studies:
            self._open[request] = self._open.get(request, max(1, studies)) - 1
        if studies > 1 or not study_instance_uid:
            self._studies.add(study)


def _take(file: Path, *, again: bool) -> io.FileIO:
    """Open a file for this process alone, complete up to its last whole line."""
    opened = _lock(file)
    try:
        _repair(file, opened.fileno())
        if again and _drop_failed(file):
            opened.close()
            opened = _lock(file)
    except BaseException:
        opened.close()
        raise
    return opened


def _lock(file: Path) -> io.FileIO:
    opened = io.FileIO(os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "ab")
    try:
        fcntl.flock(opened.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        opened.close()
        raise ConfigurationError(f"{file}: another coronode fetch writes it; name another file") from error
    return opened


def _repair(file: Path, descriptor: int) -> None:
    """Cut off what follows the last line break, and write the head of an empty file."""
    head, end = _format(list(COLUMNS)), 0
    with file.open("rb") as content:
        for line in content:
            if end == 0 and line != head and not head.startswith(line):
                raise ConfigurationError(f"{file}: is not a file of outcomes of this version; name another file")
            end += len(line) if line.endswith(b"\n") else 0
    os.ftruncate(descriptor, end)
    if not end:
        os.write(descriptor, head)
    os.fsync(descriptor)


def _drop_failed(file: Path) -> bool:
    """Replace the file by one without the lines of studies that are not here, so that they are tried again."""
    rows = list(_read(file))
    kept = [_format(row) for row in rows if row[_ENDING] not in {"failed", "refused", "not_found"}]
    if len(kept) == len(rows):
        return False
    copy = file.with_name(f"{file.name}.new")
    with copy.open("wb") as content:
        content.writelines([_format(list(COLUMNS)), *kept])
        content.flush()
        os.fsync(content.fileno())
    copy.replace(file)
    return True


def _read(file: Path) -> Iterator[list[str]]:
    """Yield the rows after the head. Raises ConfigurationError where one is no line of outcomes."""
    with file.open(encoding="utf-8", newline="") as content:
        try:
            rows = csv.reader(content)
            next(rows, None)
            for row in rows:
                if len(row) != len(COLUMNS) or not row[_STUDIES].isdecimal():
                    raise ConfigurationError(f"{file}: line {rows.line_num}: is not a line of outcomes")
                yield [cell.removeprefix(_TEXT) for cell in row]
        except (csv.Error, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{file}: is not a file of outcomes: {error}") from error


def _format(row: list[str]) -> bytes:
    text = io.StringIO()
    cells = (f"{_TEXT}{cell}" if cell.startswith(_MARKED) else cell for cell in row)
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def _digest(wanted: Wanted, study_instance_uid: str = "") -> bytes:
    """Return a short name of a request, or of a study of it: a hundred thousand of them are kept in memory."""
    parts = (
        wanted.study_instance_uid,
        wanted.accession_number,
        wanted.patient_id,
        wanted.study_date,
        study_instance_uid,
    )
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=_DIGEST_BYTES).digest()
