"""The keeper: deletes in time, once every few minutes, where the clock can be trusted."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog

from scp import metrics
from scp.group.duties import Duties, EveryDuty
from scp.installation import Installation
from scp.retention.policy import make_policy
from scp.retention.steadiness import Steadiness
from scp.retention.sweep import Sweep, measure_use
from scp.rounds import Rounds
from storage.database.remains import empty_log
from storage.series import removals

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 300.0
_STOP_SECONDS: Final = 30.0


class Keeper:
    """Looks from `start` to `stop`. `measure` tells how full the store's disk is, percent."""

    def __init__(
        self,
        installation: Installation,
        *,
        duties: Duties | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        measure: Callable[[], float] | None = None,
    ) -> None:
        self._installation = installation
        self._duties = duties or EveryDuty()
        self._measure = measure or (lambda: measure_use(installation.files))
        self._steadiness = Steadiness(installation.database, clock=installation.clock, monotonic=monotonic)
        self._told = ""
        self._is_log_full = True  # an earlier process may not have come to it
        again = "deleting goes on"
        self._rounds = Rounds("retention", self.look, LOOK_SECONDS, failed="deleting failed for now", again=again)

    def start(self) -> None:
        """Begin to look."""
        self._rounds.start()

    def stop(self) -> None:
        """End after the series that is being deleted."""
        self._rounds.stop(_STOP_SECONDS)

    def look(self) -> None:
        """Delete what is due, and what an earlier process noted and did not remove. Raises Transient."""
        if not self._may_go_on():
            return
        there = self._installation
        if there.files.is_present():
            removals.carry_out(there.database, there.files, there.clock())
        if there.settings.retention.is_on and there.files.is_present():
            doubt = self._steadiness.find_doubt()
            self._tell(doubt)
            if not doubt:
                self._sweep()
                metrics.RETENTION_LAST.set(there.clock().timestamp())
        self._empty_log()

    def _empty_log(self) -> None:
        """Let the write-ahead log forget what was deleted, by this process or within the hour by a command."""
        database = self._installation.database
        if self._is_log_full or removals.are_remembered(database):
            self._is_log_full = not empty_log(database)

    def _sweep(self) -> None:
        there = self._installation
        settings, policy = there.settings.retention, make_policy(there.settings)
        sweep = Sweep(there.database, there.files, policy, clock=there.clock, may_go_on=self._may_go_on)
        self._is_log_full = True
        sweep.delete_old()
        high, low = settings.high_percent, settings.low_percent
        if high is not None and low is not None:
            use = sweep.make_room(high, low, self._measure)
            if use >= high and self._may_go_on():
                log.warning(
                    "the disk is fuller than retention.high_percent, and nothing more may be deleted; see "
                    "`coronode retention show`",
                    percent=round(use),
                )

    def _may_go_on(self) -> bool:
        return not self._rounds.is_stopping and self._duties.holds("retention")

    def _tell(self, doubt: str) -> None:
        metrics.RETENTION_HELD.set(bool(doubt))
        if doubt and doubt != self._told:
            log.warning("nothing is deleted for now", reason=doubt)
        self._told = doubt
