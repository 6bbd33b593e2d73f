"""The work on a complete series: score it, then make its documents.

Each part first checks whether it has been done, so that all of it can be repeated after a crash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Protocol

import structlog

from config.errors import NotScorable, Transient, describe_fault
from config.settings import ScoringSettings, SelectionSettings, Settings
from scoring.report.common.catalogue import sentence
from scoring.report.common.texts import load_english
from scoring.result import Score
from scoring.risk.context import Context
from scp import metrics
from scp.installation import Installation
from scp.priors.comparison import History
from scp.work import scorable
from scp.work.documents import DocumentWork
from storage.calibrations.calibrations import find_adopted
from storage.database import audit
from storage.series import lifecycle, quarantine, results, slices, states, waits
from storage.series.quarantine import Contradiction
from storage.series.states import REPORTED, Finished, State
from storage.validation import decisions

log = structlog.get_logger(__name__)

_SHORTEST_PAUSE: Final = timedelta(seconds=5)
_LONGEST_PAUSE: Final = timedelta(minutes=15)
_TOLD: Final = {
    Finished.RECORDED: "scored",
    Finished.KNOWN: "another has scored the series first: its result stays",
    Finished.SUPERSEDED: "the result is out of date: a late slice has arrived",
    Finished.DISOWNED: "the refusal does not count: the others took this process for dead and score the series",
}


class SeriesScorer(Protocol):
    """Scores a series: the scoring process."""

    def score(
        self,
        files: Sequence[Path],
        scoring: ScoringSettings,
        selection: SelectionSettings,
        *,
        context: Context,
        calibration: str | None,
    ) -> Score:
        """Score one series. Raises NotScorable with the reason, or Transient when the node is stopping."""
        ...


class SeriesWork:
    """From a complete series to a result, and on to its documents."""

    def __init__(
        self, installation: Installation, scorer: SeriesScorer, history: History, reporting: DocumentWork
    ) -> None:
        self._installation = installation
        self._database = installation.database
        self._files = installation.files
        self._clock = installation.clock
        self._scorer = scorer
        self._history = history
        self._reporting = reporting

    @property
    def _settings(self) -> Settings:
        """The configuration in force; read once for what must agree."""
        return self._installation.settings

    def run(self, series_instance_uid: str, version: int) -> None:
        """Process one version of a series as far as possible; does nothing once a later version has replaced it.

        Raises Transient when the node is stopping, or disk or database fail: the version is processed again later.
        """
        try:
            self._process(series_instance_uid, version)
        except states.UnknownSeries:
            log.info("the series was deleted meanwhile", series=series_instance_uid, version=version)

    def _process(self, series_instance_uid: str, version: int) -> None:
        if lifecycle.start_scoring(self._database, series_instance_uid, version, self._clock()) and not self._score(
            series_instance_uid, version
        ):
            return
        state = states.get(self._database, series_instance_uid)
        result = results.get(self._database, series_instance_uid, version)
        if state.version == version and result is not None and self._reporting.is_owed(result):
            self._reporting.report(series_instance_uid, result)

    def postpone(self, series_instance_uid: str, version: int, reason: str) -> None:
        """Leave a version for later after a fault of disk, database or machine: the longer it lasts, the longer."""
        now = self._clock()
        state = states.get(self._database, series_instance_uid)
        lasting = now - (state.completed_at or now)
        pause = min(max(lasting / 2, _SHORTEST_PAUSE), _LONGEST_PAUSE)
        waits.postpone(self._database, series_instance_uid, version, now + pause, reason)

    def abandon(self, series_instance_uid: str, version: int, reason: str) -> None:
        """Give up on a version with a reason for the operator; `coronode series rescore` tries again.

        Not where another member of the group has finished and reported it meanwhile.
        """
        now = self._clock()
        result = results.get(self._database, series_instance_uid, version)
        if result is not None and result.report is not None:
            log.warning("failed, but done by another", series=series_instance_uid, version=version, reason=reason)
            return
        log.error("series abandoned", series=series_instance_uid, version=version, reason=reason)
        audit.record(self._database, now, "abandoned", reason, series_instance_uid=series_instance_uid)
        if states.get(self._database, series_instance_uid).state in REPORTED:
            lifecycle.deliver(self._database, series_instance_uid, version, State.UNDELIVERABLE, now)
        else:
            lifecycle.finish(
                self._database,
                series_instance_uid,
                version,
                "",
                "not_scorable",
                now=now,
                reason_code="internal",
                reason=reason,
                owner=self._installation.owner(),
            )

    def _score(self, series_instance_uid: str, version: int) -> bool:
        """Score and save; return False when there is nothing to report on.

        A score counts from whoever brings it first. A refusal without one may come of what befell this machine, as a
        time limit does that ran out while it stood still: it counts from a member of the group alone.
        """
        log.info("scoring", series=series_instance_uid, version=version)
        finish: dict[str, Any] = {}
        owner = self._installation.owner()
        try:
            paths = self._list_paths(series_instance_uid)
            scorable.check(self._database, series_instance_uid, has_images=bool(paths))
            adopted = find_adopted(self._database)
            with metrics.SCORING_SECONDS.time():
                score = self._scorer.score(
                    paths,
                    self._settings.scoring,
                    self._settings.selection,
                    context=Context(self._settings.risk),
                    calibration=None if adopted is None else adopted.fitted.calibration_json,
                )
        except NotScorable as verdict:
            finish |= {"result_json": "", "status": "not_scorable", "owner": owner}
            finish |= {"reason_code": verdict.code, "reason": sentence(verdict, load_english())}
            finish |= {"reason_values": verdict.values}
        else:
            score = scorable.flag_known(self._database, self._identify(score, series_instance_uid), series_instance_uid)
            score = self._history.compare(score, series_instance_uid)
            finish |= {"result_json": score.to_json(), "status": score.status}
            finish |= {"reason_code": score.reason_code or "", "reason": score.reason or ""}
        finish |= {"now": self._clock(), "held": self._is_in_shadow()}
        finished = lifecycle.finish(self._database, series_instance_uid, version, **finish)
        status, reason = finish["status"], finish["reason"]
        log.info(_TOLD[finished], series=series_instance_uid, version=version, status=status, reason=reason)
        if finished is Finished.RECORDED:
            metrics.SCORED.labels(status).inc()
            if status == "not_scorable":
                metrics.NOT_SCORABLE.labels(finish["reason_code"]).inc()
        return finished in (Finished.RECORDED, Finished.KNOWN)

    def _is_in_shadow(self) -> bool:
        """Return whether results are held back until a person decides to go live."""
        return self._settings.validation.shadow and not decisions.is_live(self._database)

    def _identify(self, score: Score, series_instance_uid: str) -> Score:
        """Add the UIDs under which the node knows a series whose images have none."""
        known = states.get(self._database, series_instance_uid)
        info = replace(
            score.series,
            study_instance_uid=score.series.study_instance_uid or known.study_instance_uid,
            series_instance_uid=score.series.series_instance_uid or series_instance_uid,
        )
        return replace(score, series=info)

    def _list_paths(self, series_instance_uid: str) -> list[Path]:
        """List the files of a series, and of other images that came under the UID of one: the scorer refuses them."""
        repeated = [
            item.path
            for item in quarantine.list_quarantined(self._database, series_instance_uid=series_instance_uid, limit=None)
            if item.reason == Contradiction.REPEATED_UID
        ]
        images = slices.list_files(self._database, self._files, series_instance_uid)
        try:
            return [*images, *self._files.fetch_all(repeated)]
        except OSError as error:
            raise Transient(describe_fault(error)) from error
