"""Several scoring processes side by side: whoever asks gets one that is free."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Self

from config.settings import ScoringSettings, SelectionSettings
from scoring.report.common.document_file import DocumentFile
from scoring.result import Score
from scoring.risk.context import Context
from scp.work.requests import DocumentRequest
from scp.work.scoring_process import ScoringProcess


class ScoringPool:
    """Scoring processes, of which each works for one caller at a time; it raises what they raise."""

    def __init__(self, processes: Sequence[ScoringProcess]) -> None:
        self._processes = tuple(processes)
        self._free: SimpleQueue[ScoringProcess] = SimpleQueue()
        for process in self._processes:
            self._free.put(process)

    @classmethod
    def from_settings(cls, settings: ScoringSettings) -> Self:
        """Make as many scoring processes as the configuration says."""
        return cls([ScoringProcess.from_settings(settings) for _ in range(settings.workers)])

    @property
    def is_alive(self) -> bool:
        """True while one of the processes runs; one that has died is replaced when a series comes to it."""
        return any(process.is_alive for process in self._processes)

    def start(self) -> None:
        """Start the processes now, so that the first series do not wait for them."""
        for process in self._processes:
            process.start()

    def close(self) -> None:
        """End the processes, even in the middle of a series: the work resumes at the next start."""
        for process in self._processes:
            process.close()

    def score(
        self,
        files: Sequence[Path],
        scoring: ScoringSettings,
        selection: SelectionSettings,
        *,
        context: Context,
        calibration: str | None,
    ) -> Score:
        """Score one series, as `ScoringProcess.score` does."""
        with self._borrow() as process:
            return process.score(files, scoring, selection, context=context, calibration=calibration)

    def make_documents(self, request: DocumentRequest) -> list[DocumentFile]:
        """Make the documents of a score."""
        with self._borrow() as process:
            return process.make_documents(request)

    @contextmanager
    def _borrow(self) -> Iterator[ScoringProcess]:
        """Take a process that is free, waiting for one: a closed one answers at once that the node is stopping."""
        process = self._free.get()
        try:
            yield process
        finally:
            self._free.put(process)
