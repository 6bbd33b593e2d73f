"""Completion of a series: it has been quiet long enough, nothing holds it open, and nothing is missing.

    instance --> quiet timer --> association open? --> step open? --> slices regular, all announced here? --> complete
                 ^   |                                 | until                | no
                 |   +-- restarted by each instance    +-- hold_seconds       +--> wait until gap_deadline_seconds, then
                 +----------------------------------------------------------------- complete, with what was found

    all that is announced has come, and the slices are regular --> complete at once

`Watch` keeps the timers in memory, on a given clock; `judge` checks the geometry; `weigh` compares the series with what
was announced of it. None of them performs input or output. `Completion` connects them to the tables and runs in its own
thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from config.errors import Permanent
from config.settings import CompletionSettings
from scp.reception.facts import Facts
from scp.reception.regularity import Gap, Regular, judge
from scp.reception.standing import weigh
from scp.reception.watch import Holder, Last, Watch
from storage.series.slices import SliceGeometry

log = structlog.get_logger(__name__)

TICK_SECONDS: Final = 0.25
STEP_OPEN: Final = "the scanner's procedure step is still in progress"


class Completion:
    """Watches the series being received and passes on each complete one.

    `complete` takes a series, the number of objects that were checked, and what was found; it leaves the series alone
    when more objects have arrived meanwhile, since those restart the timer. `wait` records why a series still waits.
    `clock` is monotonic seconds.
    """

    def __init__(
        self,
        settings: CompletionSettings,
        *,
        clock: Callable[[], float],
        facts: Facts,
        complete: Callable[[str, int, Sequence[str]], None],
        wait: Callable[[str, float, str], None],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._facts = facts
        self._complete = complete
        self._wait = wait
        self._watch = Watch(settings)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="completion", daemon=True)

    def adopt(self, settings: CompletionSettings) -> None:
        """Go on by other times, also for the series that are being watched."""
        self._settings = settings
        self._watch.set_times(settings)

    def note_instance(self, series_instance_uid: str, holder: Holder | None = None) -> None:
        """Record that an instance of a series arrived on the association `holder`."""
        self._watch.note_instance(series_instance_uid, self._clock(), holder)

    def note_announcement(self, series_instance_uid: str) -> None:
        """Look at a series again because of what was just recorded: an announcement, or the end of a procedure step.

        The sender is alive: quiet time and deadlines begin anew.
        """
        self._watch.note_announcement(series_instance_uid, self._clock())

    def watch(self, series_instance_uid: str, last: Last | None = None) -> None:
        """Watch a series that is being received although no instance arrived here: after a start, or a rescore.

        `last` is its last instance by the tables, which another process may have stored; deadlines count from it.
        """
        self._watch.adopt(series_instance_uid, self._clock(), last)

    def start(self) -> None:
        """Start watching."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; incomplete series stay in receiving."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def tick(self) -> None:
        """Check every series that is due, and those with news of which all may have come, once."""
        now = self._clock()
        news = self._watch.take_news()
        try:
            announced = self._facts.find_announced(news) if news else set()
        except Exception:
            self._watch.renew(news)
            raise
        due = self._watch.list_due(now)
        for series_instance_uid in dict.fromkeys([*due, *announced]):
            try:
                if series_instance_uid in due:
                    self._look(series_instance_uid, now)
                else:
                    self._look_early(series_instance_uid, now)
            except Permanent as error:
                log.info("series no longer watched", series=series_instance_uid, reason=str(error))
                self._watch.forget(series_instance_uid, now)
            except Exception:  # one series must not hold up the others
                log.exception("completion check failed; will retry", series=series_instance_uid)
                self._watch.renew([series_instance_uid])

    def _look(self, series_instance_uid: str, now: float) -> None:
        """Look at a series that has been quiet: it is complete, or waits for what is missing."""
        slices, found = self._examine(series_instance_uid)
        limit = self._settings.gap_deadline_seconds if found else 0.0
        if self._facts.is_step_open(series_instance_uid):
            found = [*found, STEP_OPEN]
            limit = max(limit, self._settings.hold_seconds)
        left = limit - self._watch.measure_silence(series_instance_uid, now)
        if left > 0:
            reason = "; ".join(found)
            log.info("series waits", series=series_instance_uid, reason=reason, seconds=round(left))
            self._wait(series_instance_uid, left, reason)
            self._watch.put_off(series_instance_uid, now + left)
            return
        self._complete(series_instance_uid, len(slices), found)
        self._watch.forget(series_instance_uid, now)

    def _look_early(self, series_instance_uid: str, now: float) -> None:
        """Look at a series that has not been quiet: it is complete if all that is announced has come."""
        if not weigh(self._facts.list_expectations(series_instance_uid)).is_met:
            return
        slices, found = self._examine(series_instance_uid)
        if not found and not self._facts.is_step_open(series_instance_uid):
            self._complete(series_instance_uid, len(slices), found)
            self._watch.forget(series_instance_uid, now)

    def _examine(self, series_instance_uid: str) -> tuple[Sequence[SliceGeometry], list[str]]:
        """Return the slices of a series and what seems to be missing, in words for the operator."""
        slices = self._facts.list_slices(series_instance_uid)
        found = [
            _describe_gap(judge(slices)),
            _describe_refused(self._facts.count_refused(series_instance_uid)),
            weigh(self._facts.list_expectations(series_instance_uid)).missing,
        ]
        return slices, [words for words in found if words]

    def _run(self) -> None:
        while not self._stop.wait(TICK_SECONDS):
            try:
                self.tick()
            except Exception:  # the edge of the thread: one failure must not end the watch
                log.exception("completion check failed; will retry")


def _describe_gap(verdict: Regular | Gap) -> str:
    return verdict.reason if isinstance(verdict, Gap) else ""


def _describe_refused(count: int) -> str:
    """Say that images were refused: at an edge of the scan they leave no gap."""
    return f"{count} image{'s' if count > 1 else ''} refused at receipt and not stored since" if count else ""
