"""Many studies, one after the other or a few at a time: waiting, trying again, and writing down what became of each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

import structlog

from config.errors import Permanent, Transient
from scp.fetching.archive import Archive, NotFromThere, NotNow
from scp.fetching.journal import Journal
from scp.fetching.limits import Hours, Stopped
from scp.fetching.outcome import Outcome
from scp.fetching.patience import GaveUp, Patience
from scp.fetching.study import StudyFetcher, Task
from scp.fetching.summary import Summary, Teller
from scp.fetching.wanted import Wanted

log = structlog.get_logger(__name__)

ATTEMPTS: Final = 3
"""Of one study: the first, and two more after all others have had theirs."""
PAUSE_SECONDS: Final = 10.0
"""Before what failed is tried again."""
_LOOK_SECONDS: Final = 60.0
_MOST_PUT_OFF: Final = 10_000
"""More studies than this are not tried again."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Bounds:
    """Hours of the day, most studies to fetch, and how long to wait for an archive that is away, seconds."""

    hours: Hours | None = None
    limit: int | None = None
    give_up_seconds: float = 3600.0


class Campaign:
    """Works through requests until they are done or `stop` is set, each study once; its line is written at its end."""

    def __init__(
        self,
        archive: Archive,
        fetcher: StudyFetcher,
        journal: Journal,
        bounds: Bounds,
        *,
        teller: Teller,
        stop: threading.Event,
        now: Callable[[], datetime],
    ) -> None:
        self._archive = archive
        self._fetcher = fetcher
        self._journal = journal
        self._bounds = bounds
        self._teller = teller
        self._stop = stop
        self._now = now
        self._patience = Patience(bounds.give_up_seconds, wait=stop.wait, tell=teller.waits)
        self._taking = threading.Lock()
        self._noting = threading.Lock()
        self._tasks: Iterator[Task] = iter(())
        self._put_off: list[Task] = []
        self._fault: BaseException | None = None
        self.summary = Summary()

    def run(self, requests: Iterable[Wanted], parallel: int = 1) -> Summary:
        """Fetch what is asked for, and what failed again at the end.

        Raises NotFromThere when the archive gives nothing at all, ConfigurationError when an outcome cannot be written.
        """
        self._tasks = self._find_all(requests)
        self._work(parallel)
        while self._put_off and not self._is_over() and not self._stop.wait(PAUSE_SECONDS):
            again, self._put_off = self._put_off, []
            self._tasks = iter(again)
            self._work(parallel)
        self.summary.is_cut = self._stop.is_set()
        if self._fault is not None:
            raise self._fault
        return self.summary

    def _work(self, parallel: int) -> None:
        threads = [threading.Thread(target=self._take, name=f"fetch {number}") for number in range(parallel)]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():  # a join without a limit would not let Ctrl-C through
                thread.join(1)

    def _take(self) -> None:
        try:
            while not self._is_over():
                with self._taking:
                    task = next(self._tasks, None)
                if task is None:
                    return
                self._attempt(task)
        except GaveUp as error:
            self.summary.given_up = str(error)
            self._stop.set()
        except Stopped:
            return
        except BaseException as error:  # noqa: BLE001  # the edge of the thread: `run` raises it
            self._fault = error
            self._stop.set()

    def _is_over(self) -> bool:
        limit = self._bounds.limit
        return self._stop.is_set() or (limit is not None and self.summary.endings["fetched"] >= limit)

    def _find_all(self, requests: Iterable[Wanted]) -> Iterator[Task]:
        """Turn requests into studies; a study that is named by its UID alone is not asked for first."""
        for wanted in requests:
            self._teller.took()
            if self._journal.is_done(wanted):
                self.summary.known += 1
            elif wanted == Wanted(study_instance_uid=wanted.study_instance_uid):
                yield Task(wanted, wanted.study_instance_uid, 1)
            else:
                yield from self._find(Task(wanted))

    def _find(self, task: Task) -> list[Task]:
        """Find the studies of a request that have no outcome yet; none where the request itself has ended."""
        wanted = task.wanted
        found = self._try(task, lambda: self._ask(wanted))
        if found is None:
            return []
        if not found:
            self._end(task.end("not_found", "the archive has no such study"))
        return [Task(wanted, uid, len(found)) for uid in found if not self._journal.has(wanted, uid)]

    def _ask(self, wanted: Wanted) -> list[str]:
        with self._archive.open(retrieving=False) as channel:
            return channel.find_studies(wanted)

    def _attempt(self, task: Task) -> None:
        if not task.study_instance_uid:
            for found in self._find(task):
                self._attempt(found)
            return
        outcome = self._try(task, lambda: self._fetcher.fetch(task))
        if outcome is None:
            return
        if outcome.ending == "failed":
            self._fail(task, outcome.message)
        else:
            self._end(outcome)

    def _try(self, task: Task, step: Callable[[], Result]) -> Result | None:
        """Do a step of a task within the hours, waiting for an archive that is away; None where the step failed.

        Raises Stopped and NotFromThere.
        """
        while True:
            self._keep_hours()
            try:
                result = step()
            except NotNow as error:
                self._patience.wait(str(error))
            except (NotFromThere, Stopped):
                raise
            except Transient as error:
                self._fail(task, str(error))
                self._patience.note_failure(str(error))
                return None
            except Permanent as error:
                self._end(task.end("refused", str(error)))
                return None
            except Exception:  # the edge of a study: one that is not understood must not keep the others
                log.exception("study not fetched", study=task.study_instance_uid)
                self._fail(task, "internal error, see the log")
                return None
            else:
                self._patience.note_success()
                return result

    def _fail(self, task: Task, reason: str) -> None:
        """Put a task off, or end it after its last attempt."""
        task.attempts += 1
        with self._noting:
            is_last = task.attempts >= ATTEMPTS or len(self._put_off) >= _MOST_PUT_OFF
            if not is_last:
                self._put_off.append(task)
        log.info("study not fetched", study=task.study_instance_uid, attempt=task.attempts, reason=reason)
        if is_last:
            self._end(task.end("failed", reason))

    def _end(self, outcome: Outcome) -> None:
        with self._noting:
            self._journal.write(outcome)
            self.summary.add(outcome)
        self._teller.ended(outcome)

    def _keep_hours(self) -> None:
        """Wait until the hours begin. Raises Stopped."""
        hours, told = self._bounds.hours, False
        while hours is not None and (left := hours.measure_wait(self._now())) > 0:
            if not told:
                self._teller.waits(f"it is outside of {hours.begin:%H:%M}-{hours.end:%H:%M}", left)
                told = True
            if self._stop.wait(min(left, _LOOK_SECONDS)):
                raise Stopped
        if self._stop.is_set():
            raise Stopped
