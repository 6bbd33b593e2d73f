"""What is done with a complete series: score it, make its documents, enter them in the outbox.

Each part looks first whether it was done, so that the whole can be repeated after a crash.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import structlog
from pydicom import dcmread

from config.errors import NotScorable
from config.settings import Settings
from scoring.report.made import Made
from scoring.report.request import Predecessor, ReportRequest
from scoring.result import Score
from scp.scorer import DocumentRequest, Scorer
from storage import audit, outbox, results, series
from storage.database import Database
from storage.files import Files
from storage.header import InstanceHeader
from storage.instances import register

log = structlog.get_logger(__name__)


class Processing:
    """From a complete series to documents in the outbox."""

    def __init__(
        self, settings: Settings, database: Database, files: Files, scorer: Scorer, *, clock: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._database = database
        self._files = files
        self._scorer = scorer
        self._clock = clock

    def run(self, series_uid: str, version: int) -> None:
        """Bring one version of a series as far as it goes; nothing happens when a later one replaced it.

        Raises Transient when the node stops meanwhile: the version is taken up at the next start.
        """
        if series.start_scoring(self._database, series_uid, version, self._clock()) and not self._score(
            series_uid, version
        ):
            log.info("result is out of date, a late slice came", series=series_uid, version=version)
            return
        state = series.get(self._database, series_uid)
        result = results.get(self._database, series_uid, version)
        if state.version == version and result is not None and result.status == "scored" and result.report is None:
            self._report(series_uid, result)

    def abandon(self, series_uid: str, version: int, reason: str) -> None:
        """Give up on a version with a reason that an operator sees; `coronode series rescore` tries again."""
        now = self._clock()
        log.error("series abandoned", series=series_uid, version=version, reason=reason)
        audit.record(self._database, now, "abandoned", reason, series_uid=series_uid)
        if series.get(self._database, series_uid).state in series.REPORTED:
            series.deliver(self._database, series_uid, version, series.State.UNDELIVERABLE, now)
        else:
            series.finish(
                self._database, series_uid, version, "", "not_scorable", now=now, reason_code="internal", reason=reason
            )

    def _score(self, series_uid: str, version: int) -> bool:
        """Score and save; False when the version was superseded."""
        log.info("scoring", series=series_uid, version=version)
        finish: dict[str, Any] = {}
        try:
            score = self._scorer.score(self._paths(series_uid), self._settings.scoring, self._settings.selection)
        except NotScorable as verdict:
            finish |= {"result_json": "", "status": "not_scorable"}
            finish |= {"reason_code": verdict.code, "reason": verdict.reason}
        else:
            score = self._identified(score, series_uid)
            rejecting = next((flag.code for flag in score.flags if flag.severity == "reject"), "")
            finish |= {"result_json": score.to_json(), "status": score.status}
            finish |= {"reason_code": rejecting, "reason": score.reason or ""}
        finish["now"] = self._clock()
        log.info("scored", series=series_uid, version=version, status=finish["status"], reason=finish["reason"])
        return series.finish(self._database, series_uid, version, **finish)

    def _identified(self, score: Score, series_uid: str) -> Score:
        """The score under the UIDs by which the node knows a series whose images have none."""
        known = series.get(self._database, series_uid)
        info = replace(
            score.series,
            study_instance_uid=score.series.study_instance_uid or known.study_uid,
            series_instance_uid=score.series.series_instance_uid or series_uid,
        )
        return replace(score, series=info)

    def _report(self, series_uid: str, result: results.Result) -> None:
        """Make, store and enter the documents; a document that cannot be made leaves its reason on the series."""
        before = results.predecessor(self._database, series_uid, result.version)
        study_uid = series.get(self._database, series_uid).study_uid
        settings = self._settings.results
        request = ReportRequest(
            version=result.version,
            created=result.created_at,
            predecessor=None
            if before is None
            else Predecessor(before.sop_class_uid, before.sop_instance_uid, before.series_instance_uid, study_uid),
            series_number=settings.series_number,
            series_description=settings.series_description,
            warning_text=settings.warning_text,
        )
        made = self._scorer.documents(
            DocumentRequest(result.score_json, tuple(self._paths(series_uid)), settings.documents, request)
        )
        documents = [self._keep(item, series_uid, result.version) for item in made]
        with self._database.session() as session:
            report = next((item for item in made if item.kind == "sr"), made[0])
            results.set_report(
                session,
                series_uid,
                result.version,
                results.Report(report.sop_class_uid, report.sop_instance_uid, report.series_instance_uid),
            )
            outbox.add(session, documents, settings.destinations, self._clock())
        log.info("documents made", series=series_uid, version=result.version, documents=len(documents))

    def _keep(self, made: Made, series_uid: str, version: int) -> outbox.Document:
        """Store a document like a received one, so that queries find it."""
        header = InstanceHeader.from_dataset(
            dcmread(BytesIO(made.content), stop_before_pixels=True), made.transfer_syntax_uid
        )
        with self._files.incoming(made.transfer_syntax_uid) as file:
            file.write(made.content)
            stored = file.commit(header.file_name(file.sha256))
        registered = register(self._database, self._files, header, stored, now=self._clock(), origin="made")
        return outbox.Document(series_uid, version, made.sop_instance_uid, made.kind, registered.path)

    def _paths(self, series_uid: str) -> list[Path]:
        return series.files_of(self._database, self._files, series_uid)
