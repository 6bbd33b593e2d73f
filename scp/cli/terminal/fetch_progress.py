"""How `coronode fetch` goes: a bar on a terminal, lines elsewhere, and one line at the end."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from scp.cli.terminal.output import say
from scp.fetching.outcome import Ending, Outcome
from scp.fetching.summary import Summary
from scp.outside_text import escape

_ORDER: Final[tuple[Ending, ...]] = ("fetched", "already_here", "skipped", "not_found", "refused", "failed")


class ProgressTeller:
    """Shows requests and studies done, objects, and what is waited for; thread-safe."""

    def __init__(self, requests: int) -> None:
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("asking", total=requests)
        self._lock = threading.Lock()
        self._objects = self._studies = 0
        self._last_reason = ""

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def took(self) -> None:
        """A request was taken."""
        self._bar.advance(self._task)

    def heard(self) -> None:
        """The archive sent an object, or told how many it has sent."""
        with self._lock:
            self._objects += 1
            self._last_reason = ""
        self._show()

    def ended(self, outcome: Outcome) -> None:
        """A study, or a request without one, has its outcome."""
        with self._lock:
            self._studies += 1
            self._last_reason = ""
        self._show()
        if not outcome.is_good:
            self._say(f"{outcome.study_instance_uid or outcome.wanted.describe()}: {outcome.ending}: {outcome.message}")

    def waits(self, reason: str, seconds: float) -> None:
        """Nothing is fetched for this time; the same reason is told once."""
        with self._lock:
            is_new, self._last_reason = reason != self._last_reason, reason
        self._bar.update(self._task, description=f"waiting {seconds:.0f} s")
        if is_new:
            self._say(f"waiting: {reason}")

    def _show(self) -> None:
        self._bar.update(self._task, description=f"{self._studies} studies, {self._objects} objects")

    def _say(self, line: str) -> None:
        if self._bar.disable:
            say(line, err=True)
        else:
            self._bar.console.print(escape(line), markup=False, highlight=False)


def describe_summary(summary: Summary) -> str:
    """Describe what became of all studies in one line."""
    counts = [f"{summary.endings[ending]} {ending.replace('_', ' ')}" for ending in _ORDER if summary.endings[ending]]
    parts = [
        f"studies: {', '.join(counts) or ('none' if summary.is_cut or summary.given_up else 'nothing to do')}",
        f"{summary.objects} objects, {summary.size / 1e6:.1f} MB",
    ]
    if summary.known:
        parts.append(f"{summary.known} requests done before")
    if summary.given_up:
        parts.append(f"given up: {summary.given_up}")
    elif summary.is_cut:
        parts.append("stopped before the end; the same command goes on")
    return "; ".join(parts)


def list_fields(summary: Summary) -> dict[str, object]:
    """List the numbers for a script."""
    return {
        "studies": sum(summary.endings.values()),
        **{ending: summary.endings[ending] for ending in _ORDER},
        "objects": summary.objects,
        "bytes": summary.size,
        "requests_done_before": summary.known,
        "finished": not summary.is_cut,
        "given_up": summary.given_up,
    }
