"""Comparison of a score with the patient's earlier scores from all sources.

index (own scores) + received reports + reports of the peer `priors.peer` -> Change, or why there is none
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from typing import Final

import structlog
from pydicom.dataset import Dataset

from config.settings import Settings
from dicom import elements
from dicom.dates import parse_date
from scoring.report.common.catalogue import in_language
from scoring.report.common.texts import load_english
from scoring.report.sr import reading
from scoring.result import Earlier, Risk, Score, Statement
from scoring.risk.comparison import compare, earlier_of
from scp.installation import Installation
from scp.priors.retrieve import Fetched, Wanted, fetch
from storage.intake.instances import find_instance
from storage.series import priors
from storage.series.priors import Person, Priors

log = structlog.get_logger(__name__)

INDEX: Final = "index"
RECEIVED: Final = "received SR"

_Report = tuple[Dataset, str]


class History:
    """Compares a score with the patient's earlier scores; a failure never prevents a score."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._database = installation.database
        self._files = installation.files

    @property
    def _settings(self) -> Settings:
        """The configuration in force; read once for what must agree."""
        return self._installation.settings

    def compare(self, score: Score, series_instance_uid: str) -> Score:
        """Return the score with its change, or the reason for none; unchanged if it has no score."""
        if score.status != "scored":
            return score
        try:
            return in_language(self._compare(score, series_instance_uid), load_english())
        except Exception:  # the edge of the comparison: the score is sent with or without it
            log.exception("comparison failed", series=series_instance_uid)
            return in_language(_note_reason(score, Statement.build("history_failed")), load_english())

    def _compare(self, score: Score, series_instance_uid: str) -> Score:
        known = priors.find(self._database, series_instance_uid, reading.REPORT_CLASSES)
        scanned = parse_date(score.series.date) or parse_date(known.study_date)
        if not known.person.patient_id:
            return _note_reason(score, Statement.build("no_patient_id"))
        if scanned is None:
            return _note_reason(score, Statement.build("no_scan_date"))
        score = replace(score, series=replace(score.series, date=scanned.isoformat()))
        fetched = self._fetch(known.person, scanned, score.series.study_instance_uid)
        reports = [(dataset, self._settings.priors.peer or "") for dataset in fetched.reports]
        earlier = [*_read_scores(known), *_read_reports([*self._read_received(known), *reports])]
        notes = [*_note_contradictions(known), *fetched.notes]
        bmi = None if score.patient is None else score.patient.bmi
        change = compare(score, _drop_repeats(earlier), bmi=bmi, notes=notes)
        log.info(
            "compared", series=series_instance_uid, earlier=len(earlier), since=None if change is None else change.date
        )
        if change is None:
            return _note_reason(score, Statement.build("no_earlier_score"), *notes)
        return replace(score, change=change)

    def _fetch(self, person: Person, scanned: date, study_instance_uid: str) -> Fetched:
        settings = self._settings
        name = settings.priors.peer
        if name is None:
            return Fetched((), ())
        wanted = Wanted(person, scanned, study_instance_uid, lambda uid: find_instance(self._database, uid) is not None)
        return fetch(settings.node, name, settings.peers[name], wanted, seconds=settings.priors.timeout_seconds)

    def _read_received(self, known: Priors) -> Iterator[_Report]:
        """Read received reports, each with its own patient, as the index knows only that of a study's first object."""
        for item in known.reports:
            dataset = elements.opened(self._files.fetch(item.path))
            if dataset is None:
                continue
            person = Person.from_dataset(dataset)
            if person.is_same(known.person) and not person.contradicts(known.person):
                yield dataset, RECEIVED


def _read_scores(known: Priors) -> Iterator[Earlier]:
    for item in known.results:
        try:
            score = Score.from_json(item.score_json)
        except ValueError:
            log.warning("an earlier result cannot be read", series=item.series_instance_uid)
            continue
        scanned = parse_date(score.series.date) or parse_date(item.study_date)
        if scanned is not None:
            earlier = earlier_of(score, scanned, origin=INDEX, sop_instance_uid=item.report_uid)
            if earlier is not None:
                yield replace(earlier, study_instance_uid=item.study_instance_uid)


def _read_reports(reports: Iterable[_Report]) -> Iterator[Earlier]:
    """Read the reports that are readable and not replaced by another."""
    known = list(reports)
    replaced = frozenset[str]().union(*(reading.replaced(dataset) for dataset, _ in known))
    for dataset, origin in known:
        earlier = reading.read(dataset, origin)
        if earlier is not None and earlier.sop_instance_uid not in replaced:
            yield earlier


def _drop_repeats(known: Iterable[Earlier]) -> list[Earlier]:
    """Keep the first of several copies of one document."""
    kept: dict[str, Earlier] = {}
    for number, item in enumerate(known):
        kept.setdefault(item.sop_instance_uid or f"#{number}", item)
    return list(kept.values())


def _note_contradictions(known: Priors) -> list[Statement]:
    count = len(known.contradicting)
    return [Statement.build("other_patients", count=count)] if count else []


def _note_reason(score: Score, *reasons: Statement) -> Score:
    return replace(score, risk=replace(score.risk or Risk(), change_reason=reasons))
