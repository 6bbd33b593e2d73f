"""Completion of a series: it has been quiet long enough, nothing holds it open, and nothing is missing.

    instance --> quiet timer --> association open? --> step open? --> slices regular, all announced here? --> complete
                 ^   |                                 | until                | no
                 |   +-- restarted by each instance    +-- hold_seconds       +--> wait until gap_deadline_seconds, then
                 +----------------------------------------------------------------- complete, with what was found

    all that is announced has come, and the slices are regular --> complete at once

`Watch` keeps the timers in memory, on a given clock; `judge` checks the geometry; `weigh` compares the series with what
was announced of it. None of them performs input or output. `Completion` connects them to the tables and runs in its own
thread, in one process of a group at a time. Whatever process takes in images, announcements and associations: the
tables tell of them every three seconds. Those of the process itself are known at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import structlog

from config.errors import Permanent, Transient
from config.settings import CompletionSettings
from scp.group.duties import Duties, EveryDuty
from scp.reception.facts import Facts
from scp.reception.regularity import Gap, Regular, judge
from scp.reception.standing import weigh
from scp.reception.watch import Holder, Watch
from scp.trouble import Trouble
from storage.series.slices import SliceGeometry

log = structlog.get_logger(__name__)

TICK_SECONDS: Final = 0.25
_IDLE_SECONDS: Final = 1.0
"""Between ticks while no series is being received."""
_LOOK_SECONDS: Final = 3.0
"""After so long the tables are looked at for what other processes took in."""
NOTE_SECONDS: Final = 60.0
"""After so long the tables are told how long series have been waited for: a process that is killed loses no more."""
_HELD_SECONDS: Final = 1.0
"""After so long a series is looked at again that another process's association holds open."""
STEP_OPEN: Final = "the scanner's procedure step is still in progress"


class Completion:
    """Watches the series being received and passes on each complete one.

    `complete` takes a series, the number of objects that were checked, and what was found; it leaves the series alone
    when more objects have arrived meanwhile, since those restart the timer. `wait` records why a series still waits.
    `clock` is monotonic seconds, and deadlines count those in which somebody watches, also after a restart, whatever
    the time of day does. Who does not hold the duty leaves the series to the process that does.
    """

    def __init__(
        self,
        settings: CompletionSettings,
        *,
        clock: Callable[[], float],
        facts: Facts,
        complete: Callable[[str, int, Sequence[str]], None],
        wait: Callable[[str, float, str], None],
        duties: Duties | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._facts = facts
        self._complete = complete
        self._wait = wait
        self._duties = duties or EveryDuty()
        self._watch = Watch(settings)
        self._noted_at = clock()
        self._trouble = Trouble("completion check failed; will retry", "completion is checked again")
        self._failing: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="completion", daemon=True)

    def adopt(self, settings: CompletionSettings) -> None:
        """Go on by other times, also for the series that are being watched."""
        self._settings = settings
        self._watch.set_times(settings)

    def note_instance(self, series_instance_uid: str, holder: Holder | None = None) -> None:
        """Record that an instance of a series arrived on the association `holder`."""
        if self._is_mine():
            self._watch.note_instance(series_instance_uid, self._clock(), holder)

    def note_announcement(self, series_instance_uid: str) -> None:
        """Look at a series again because of what was just recorded: an announcement, or the end of a procedure step.

        The sender is alive: quiet time and deadlines begin anew.
        """
        if self._is_mine():
            self._watch.note_announcement(series_instance_uid, self._clock())

    def look(self) -> None:
        """Watch what is being received by the tables: after a start, a rescore, or by another process."""
        if not self._is_mine():
            return
        receiving = self._facts.list_receiving()
        marks = self._facts.list_marks() if receiving else {}
        now = self._clock()
        for series_instance_uid, last in receiving.items():
            self._watch.adopt(series_instance_uid, now, last)
            self._watch.note_mark(series_instance_uid, now, marks.get(series_instance_uid))
        if now - self._noted_at >= NOTE_SECONDS:
            self._note_silences(now)

    def start(self) -> None:
        """Start watching."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; incomplete series stay in receiving, and how long they have been waited for is kept."""
        self._stop.set()
        if self._thread.ident is None:
            return
        self._thread.join()
        with suppress(Transient):
            if self._is_mine():
                self._note_silences(self._clock())

    def tick(self) -> None:
        """Check every series that is due, and those with news of which all may have come, once."""
        if not self._is_mine():
            self._watch.clear()
            self._failing.clear()
            return
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
                self._failing.discard(series_instance_uid)
            except Permanent as error:
                self._failing.discard(series_instance_uid)
                log.info("series no longer watched", series=series_instance_uid, reason=str(error))
                self._watch.forget(series_instance_uid, now)
            except Transient as error:
                self._failing.add(series_instance_uid)
                self._trouble.note(error, series=series_instance_uid)
                self._watch.renew([series_instance_uid])
            except Exception:  # one series must not hold up the others
                log.exception("completion check failed; will retry", series=series_instance_uid)
                self._watch.renew([series_instance_uid])

    def _note_silences(self, now: float) -> None:
        self._facts.note_silences(self._watch.list_silences(now))
        self._noted_at = now

    def _look(self, series_instance_uid: str, now: float) -> None:
        """Look at a series that has been quiet: it is complete, or waits for what is missing."""
        silence = self._watch.measure_silence(series_instance_uid, now)
        if silence < self._settings.hold_seconds and self._facts.is_association_open(series_instance_uid):
            self._watch.put_off(series_instance_uid, now + _HELD_SECONDS)
            return
        slices, found = self._examine(series_instance_uid)
        limit = self._settings.gap_deadline_seconds if found else 0.0
        if self._facts.is_step_open(series_instance_uid):
            found = [*found, STEP_OPEN]
            limit = max(limit, self._settings.hold_seconds)
        left = limit - silence
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

    def _is_mine(self) -> bool:
        return self._duties.holds("completion")

    def _run(self) -> None:
        pause, waited = 0.0, _LOOK_SECONDS
        while not self._stop.wait(pause):
            waited += pause
            pause = _IDLE_SECONDS if self._watch.is_empty() else TICK_SECONDS
            try:
                if waited >= _LOOK_SECONDS:
                    waited = 0.0
                    self.look()
                    if not self._failing:  # the tables can be read, and what could not be written has been
                        self._trouble.end()
                self.tick()
            except Transient as error:
                self._trouble.note(error)
            except Exception:  # the edge of the thread: one failure must not end the watch
                log.exception("completion check failed; will retry")


def _describe_gap(verdict: Regular | Gap) -> str:
    return verdict.reason if isinstance(verdict, Gap) else ""


def _describe_refused(number: int) -> str:
    """Say that images were refused: at an edge of the scan they leave no gap."""
    return f"{number} image{'s' if number > 1 else ''} refused at receipt and not stored since" if number else ""
