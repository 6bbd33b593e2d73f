"""Readers' answers and the images that belong to them: signed reviews and readings of the node, results, and totals."""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.errors import CoronodeError
from scoring.calibration.case import Case
from scoring.calibration.truth import Truth, compare
from scoring.images import series
from scoring.result import ARTERIES, Artery, Score
from storage.calibrations import patients
from storage.database.engine import Database
from storage.objects.files import Files
from storage.reviews.reviews import list_signed
from storage.series import results, slices
from storage.validation import readings

UID: Final = "series_instance_uid"
TOTAL: Final = "total"
_MOST: Final = 100_000.0


@dataclass(frozen=True, slots=True)
class Totals:
    """A reader's Agatston scores where nothing more is known; `arteries` names all four or none."""

    total: float
    arteries: Mapping[Artery, float]


@dataclass(frozen=True, slots=True)
class Source:
    """One series with a reader's answer.

    `version` is that of the reader's result, 0 where the node does not know it; `patient` identifies whoever it is of
    without naming them.
    """

    series_instance_uid: str
    version: int
    patient: str
    files: tuple[Path, ...]
    answer: Score | Totals

    def judge(self, case: Case) -> Truth:
        """What the reader says of the candidates. Raises NotScorable when the answer does not fit them."""
        if isinstance(self.answer, Score):
            return compare(case, self.answer)
        return Truth(self.answer.total, self.answer.arteries)


def list_reviews(database: Database, files: Files) -> list[Source]:
    """List the signed reviews of the node whose images are here."""
    signed = list_signed(database)
    people = patients.identify(database, [item.series_instance_uid for item in signed])
    sources = []
    for item in signed:
        uid, found = item.series_instance_uid, results.get(database, item.series_instance_uid, item.signed_version)
        if found is not None and found.score_json and uid in people:
            paths = tuple(slices.list_files(database, files, uid))
            sources.append(Source(uid, item.signed_version, people[uid], paths, Score.from_json(found.score_json)))
    return sources


def list_readings(database: Database) -> dict[str, Totals]:
    """List the readings recorded for validation, by series: of several readers the first, as it was corrected last.

    Arteries of which a reader names some alone say nothing of the others, and are left aside.
    """
    answers: dict[str, Totals] = {}
    for one in readings.keep_corrected(readings.list_readings(database)):
        given = {artery: value for artery in ARTERIES if (value := getattr(one, artery)) is not None}
        arteries = given if len(given) == len(ARTERIES) else {}
        answers.setdefault(one.series_instance_uid, Totals(one.total, arteries))
    return answers


def find_here(database: Database, files: Files, answers: Mapping[str, Score | Totals]) -> list[Source]:
    """Find the series of answers among those of the node."""
    people = patients.identify(database, list(answers))
    return [
        Source(uid, 0, people[uid], tuple(slices.list_files(database, files, uid)), answer)
        for uid, answer in answers.items()
        if uid in people
    ]


def find_on_disk(images: Sequence[Path], answers: Mapping[str, Score | Totals]) -> list[Source]:
    """Find the series of answers among files and folders; each study counts as a patient."""
    return [
        Source(item.series_instance_uid, 0, _digest(item.study_instance_uid), item.paths, answers[uid])
        for item in series.group(images)
        if (uid := item.series_instance_uid) in answers
    ]


def read_results(folder: Path) -> dict[str, Score]:
    """Read a folder of readers' results (JSON), by series. Raises CoronodeError for one that is no result."""
    answers = {}
    for path in sorted(folder.glob("*.json")):
        try:
            score = Score.from_json(path.read_bytes())
        except ValueError as error:
            raise CoronodeError(f"{path}: {error}") from error
        answers[score.series.series_instance_uid] = score
    if not answers:
        raise CoronodeError(f"{folder}: contains no result (*.json)")
    return answers


def read_totals(path: Path) -> dict[str, Totals]:
    """Read a table of totals (CSV), by series. Raises CoronodeError, naming the line, for one that is none."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        missing = {UID, TOTAL} - set(rows.fieldnames or ())
        if missing:
            raise CoronodeError(f"{path}: lacks the column {', '.join(sorted(missing))}; needed are {UID} and {TOTAL}")
        return dict(_read_rows(path, rows))


def _read_rows(path: Path, rows: csv.DictReader[str]) -> Iterator[tuple[str, Totals]]:
    for row in rows:
        place = f"{path}, line {rows.line_num}"
        given = {name: _read_number(row[name], place, name) for name in ARTERIES if (row.get(name) or "").strip()}
        if given and len(given) < len(ARTERIES):
            raise CoronodeError(f"{place}: give all of {', '.join(ARTERIES)}, or none of them")
        yield (row[UID] or "").strip(), Totals(_read_number(row[TOTAL] or "", place, TOTAL), given)


def _read_number(text: str, place: str, name: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= _MOST:
        raise CoronodeError(f"{place}: {name} is {text!r}, an Agatston score is a number from 0 to {_MOST:.0f}")
    return value


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
