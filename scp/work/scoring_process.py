"""Scoring in a process of its own: a crash, a hang or a leak there does not touch the node.

The process is started anew (spawn), ends with its parent, and serves one request at a time.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

from config.errors import CoronodeError, NotScorable, Transient
from config.settings import Document, ScoringSettings, SelectionSettings, SrTemplate
from scoring.report.common.document_file import Made
from scoring.report.common.request import ReportRequest
from scoring.result import Score
from scoring.risk.context import Context

_CONTEXT: Final = multiprocessing.get_context("spawn")
_NO_CONTEXT: Final = Context()


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """Files of one series and how to score them."""

    files: tuple[Path, ...]
    scoring: ScoringSettings
    selection: SelectionSettings
    mask: Path | None = None
    context: Context = _NO_CONTEXT


@dataclass(frozen=True, slots=True)
class DocumentRequest:
    """A score (JSON), the files of its series, which documents to make of it, and in which forms the report."""

    score: str
    files: tuple[Path, ...]
    kinds: tuple[Document, ...]
    report: ReportRequest
    templates: tuple[SrTemplate, ...] = ("tid1500",)


class Scorer:
    """A worker process that scores. Calls from several threads wait for each other."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout = timeout_seconds
        self._lock = threading.Lock()
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._closed = False
        self._ending = ""

    def start(self) -> None:
        """Start the process now, so that the first series need not wait for it."""
        with self._lock:
            self._ensure()

    def score(
        self,
        files: Sequence[Path],
        scoring: ScoringSettings,
        selection: SelectionSettings,
        *,
        mask: Path | None = None,
        context: Context = _NO_CONTEXT,
    ) -> Score:
        """Score one series, inside `mask` when one is given; `context` is what images do not say of the patient.

        Raises NotScorable when the process dies on the series twice or takes longer than the timeout, Transient
        when the node is stopping.
        """
        return Score.from_json(self._ask(ScoreRequest(tuple(files), scoring, selection, mask, context)))

    def documents(self, request: DocumentRequest) -> list[Made]:
        """Make the documents of a score; raises as `score` does."""
        made: list[Made] = self._ask(request)
        return made

    def close(self) -> None:
        """End the process, also in the middle of a series: the work is taken up at the next start."""
        self._closed = True
        process = self._process
        if process is not None:
            with suppress(ValueError):  # another call has ended it at this moment
                process.kill()
        with self._lock:
            self._end()

    def _ask(self, request: ScoreRequest | DocumentRequest) -> Any:
        """The answer; a process that dies is given the request once more, for it may have been ended from outside."""
        with self._lock:
            try:
                answer = self._exchange(request)
            except (EOFError, OSError):
                try:
                    answer = self._exchange(request)
                except (EOFError, OSError) as error:
                    raise NotScorable(
                        "crashed", f"the scoring process died twice ({self._ending}); the images may be damaged"
                    ) from error
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _exchange(self, request: ScoreRequest | DocumentRequest) -> Any:
        process, pipe = self._ensure()
        try:
            pipe.send(request)
            if not pipe.poll(self._timeout):
                self._end()
                raise NotScorable("timeout", f"scoring took longer than {self._timeout:g} s (scoring.timeout_seconds)")
            return pipe.recv()
        except (EOFError, OSError) as error:
            process.join(5)
            self._ending = f"exit code {process.exitcode}"
            self._end()
            if self._closed:
                raise Transient("the node is stopping") from error
            raise

    def _ensure(self) -> tuple[BaseProcess, Connection]:
        if self._closed:
            raise Transient("the node is stopping")
        if self._process is None or self._pipe is None or not self._process.is_alive():
            self._end()
            ours, theirs = _CONTEXT.Pipe()
            process = _CONTEXT.Process(target=_serve, args=(theirs,), name="coronode-scorer", daemon=True)
            process.start()
            theirs.close()
            self._process, self._pipe = process, ours
        return self._process, self._pipe

    def _end(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
        self._process = self._pipe = None


def _serve(pipe: Connection) -> None:
    """The process's loop: a request in, an answer or an exception out, until the parent closes the pipe or dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the node, which ends this process
    threading.Thread(target=_die_with_parent, daemon=True).start()
    answer_to = _answering()
    with suppress(EOFError, OSError):
        while True:
            pipe.send(_answer(answer_to, pipe.recv()))


def _answer(answer_to: Callable[[ScoreRequest | DocumentRequest], Any], request: ScoreRequest | DocumentRequest) -> Any:
    """The answer, or the error that goes to the parent in its place."""
    try:
        return answer_to(request)
    except CoronodeError as error:
        return error
    except Exception as error:  # noqa: BLE001  # the process's edge: the reason travels to the parent
        return NotScorable("internal", f"scoring failed: {type(error).__name__}: {error}")


def _answering() -> Callable[[ScoreRequest | DocumentRequest], Any]:
    from dicom.process import configure_process  # noqa: PLC0415  # the heavy imports belong to this process alone
    from scoring import engine  # noqa: PLC0415
    from scoring.report import documents  # noqa: PLC0415

    configure_process()

    def answer(request: ScoreRequest | DocumentRequest) -> Any:
        if isinstance(request, ScoreRequest):
            scored = engine.score(
                request.files, request.scoring, request.selection, context=request.context, mask=request.mask
            )
            return scored.to_json()
        score = Score.from_json(request.score)
        return documents.make(score, request.files, request.kinds, request.report, templates=request.templates)

    return answer


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
