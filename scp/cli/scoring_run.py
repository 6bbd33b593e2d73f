"""Series on disk, scored one after the other or in parallel processes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

from config.errors import NotScorable, Transient
from config.settings import Settings
from scp.cli.terminal.requested_documents import RequestedDocuments
from scp.cli.terminal.score_table import Row

if TYPE_CHECKING:
    from scoring.images.series import SeriesFiles
    from scoring.report.common.document_file import DocumentFile
    from scoring.result import Score
    from scoring.risk.context import Context
    from scp.work.requests import DocumentRequest
    from scp.work.scoring_process import ScoringProcess


@dataclass(frozen=True, slots=True)
class ScoringRun:
    """One run of `coronode score`: rules and context of every series, and the documents to make.

    `calibration` is a site's own weights of the judgement, as JSON.
    """

    settings: Settings
    context: Context
    mask: Path | None = None
    jobs: int | None = None
    documents: RequestedDocuments | None = None
    calibration: str | None = None

    def rows(self, series: Sequence[SeriesFiles]) -> Iterator[Row]:
        """Score each series and yield rows as they are ready; a single series is scored in this process."""
        if len(series) == 1:
            yield self._score_here(series[0])
        else:
            yield from self._score_in_processes(series)

    def _score_here(self, item: SeriesFiles) -> Row:
        from scoring import engine
        from scoring.judgement.calibration import Calibration
        from scp.memory import limited_memory

        begun = time.perf_counter()
        with limited_memory(self.settings.scoring.memory_mb):
            score = engine.score(
                item.paths,
                self.settings.scoring,
                self.settings.selection,
                context=self.context,
                mask=self.mask,
                calibration=None if self.calibration is None else Calibration.from_json(self.calibration),
            )
        row = _make_row(item, score, begun)
        return row if self.documents is None else self.documents.add(row, item, _make_documents)

    def _score_in_processes(self, series: Sequence[SeriesFiles]) -> Iterator[Row]:
        """Score in as many processes as jobs; one that dies loses only its own series."""
        from scp.work.scoring_process import ScoringProcess

        jobs = min(self.jobs or os.cpu_count() or 1, len(series))
        idle: SimpleQueue[ScoringProcess] = SimpleQueue()
        with ExitStack() as stack:
            for _ in range(jobs):
                scorer = ScoringProcess.from_settings(self.settings.scoring)
                stack.callback(scorer.close)
                idle.put(scorer)
            pool = stack.enter_context(ThreadPoolExecutor(jobs))
            for future in as_completed([pool.submit(self._score_with_idle, idle, item) for item in series]):
                yield future.result()

    def _score_with_idle(self, idle: SimpleQueue[ScoringProcess], item: SeriesFiles) -> Row:
        from scoring.report.common.catalogue import sentence
        from scoring.report.common.texts import load_english

        begun = time.perf_counter()
        scorer = idle.get()
        try:
            score = scorer.score(
                item.paths,
                self.settings.scoring,
                self.settings.selection,
                context=self.context,
                calibration=self.calibration,
            )
            row = _make_row(item, score, begun)
            return row if self.documents is None else self.documents.add(row, item, scorer.make_documents)
        except NotScorable as error:
            why = sentence(error, load_english())
            return Row(_find_folder(item), item.study_instance_uid, item.series_instance_uid, None, why)
        except Transient as error:
            return Row(_find_folder(item), item.study_instance_uid, item.series_instance_uid, None, str(error))
        finally:
            idle.put(scorer)


def _make_documents(request: DocumentRequest) -> list[DocumentFile]:
    from scoring.report import documents
    from scoring.result import Score

    return documents.make(Score.from_json(request.score), request.files, request.kinds, request.report)


def _make_row(item: SeriesFiles, score: Score, begun: float) -> Row:
    seconds = time.perf_counter() - begun
    return Row(_find_folder(item), item.study_instance_uid, item.series_instance_uid, score, "", seconds)


def _find_folder(item: SeriesFiles) -> str:
    return os.path.commonpath([path.parent for path in item.paths])
