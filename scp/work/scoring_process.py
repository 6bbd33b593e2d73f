"""Scoring in a separate process: a crash, hang or leak there does not affect the node."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Self

import structlog

from config.errors import NotScorable, Transient
from config.settings import ScoringSettings, SelectionSettings
from scoring.report.common.document_file import DocumentFile
from scoring.result import Score
from scoring.risk.context import Context
from scp.work.requests import NO_CONTEXT, DocumentRequest, Request, ScoreRequest
from scp.work.worker import Died, Failed, TookTooLong, Worker, spawn

log = structlog.get_logger(__name__)

MOST_DEATHS: Final = 2
"""Processes that may die on one series at one try."""


class ScoringProcess:
    """One worker process that scores; calls from several threads are serialised.

    `start_worker` starts a process; the scorer replaces one that has died or takes longer than `timeout_seconds`.
    """

    def __init__(self, timeout_seconds: float, *, start_worker: Callable[[], Worker] = spawn) -> None:
        self._timeout = timeout_seconds
        self._start_worker = start_worker
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._closed = False

    @classmethod
    def from_settings(cls, settings: ScoringSettings) -> Self:
        """Make a scorer with the time and the memory of the configuration."""
        return cls(settings.timeout_seconds, start_worker=functools.partial(spawn, settings.memory_mb))

    @property
    def is_alive(self) -> bool:
        """True while the process runs; one that has died is replaced when the next series comes."""
        worker = self._worker
        return worker is not None and worker.is_alive

    def start(self) -> None:
        """Start the process now, so that the first series does not wait for it."""
        with self._lock:
            self._ensure()

    def score(
        self,
        files: Sequence[Path],
        scoring: ScoringSettings,
        selection: SelectionSettings,
        *,
        mask: Path | None = None,
        context: Context = NO_CONTEXT,
        calibration: str | None = None,
    ) -> Score:
        """Score one series, inside `mask` when one is given; `context` is the patient data that images lack.

        `calibration` is the site's own weights of the judgement, as JSON.

        Raises NotScorable when the process crashes on the series twice or takes longer than the timeout, Transient
        when it is killed from outside twice, which says nothing of the series, when the node is stopping, or when the
        calibration cannot be read.
        """
        return Score.from_json(self._ask(ScoreRequest(tuple(files), scoring, selection, mask, context, calibration)))

    def make_documents(self, request: DocumentRequest) -> list[DocumentFile]:
        """Make the documents of a score; raises as `score` does."""
        documents: list[DocumentFile] = self._ask(request)
        return documents

    def close(self) -> None:
        """End the process, even in the middle of a series: the work resumes at the next start."""
        self._closed = True
        worker = self._worker
        if worker is not None:
            worker.kill()
        with self._lock:
            self._end()

    def _ask(self, request: Request) -> Any:
        """Return the answer; a process that dies is replaced, since it may have been killed from outside."""
        with self._lock:
            answer = self._exchange_until_answered(request)
        if isinstance(answer, Failed):
            log.error("scoring process failed", reason=answer.words, exception=answer.trace)
            raise NotScorable("internal", error=answer.words)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _exchange_until_answered(self, request: Request) -> Any:
        deaths: list[Died] = []
        while len(deaths) < MOST_DEATHS:
            try:
                return self._exchange(request)
            except Died as error:
                deaths.append(error)
        if any(death.is_killed for death in deaths):
            raise Transient(
                "the scoring process was killed from outside: by a person, or by the system for want of memory "
                "(scoring.memory_mb limits what it takes)"
            )
        raise NotScorable("crashed", ending=str(deaths[-1]))

    def _exchange(self, request: Request) -> Any:
        worker = self._ensure()
        try:
            return worker.ask(request, self._timeout)
        except TookTooLong as error:
            self._end()
            raise NotScorable("timeout", seconds=self._timeout) from error
        except Died as error:
            self._end()
            if self._closed:
                raise Transient("the node is stopping") from error
            raise

    def _ensure(self) -> Worker:
        if self._closed:
            raise Transient("the node is stopping")
        if self._worker is None or not self._worker.is_alive:
            self._end()
            self._worker = self._start_worker()
        return self._worker

    def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()
