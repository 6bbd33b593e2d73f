"""Objects that were quarantined on their arrival, as the log and the metrics tell it."""

from __future__ import annotations

import threading
from collections import Counter
from weakref import WeakKeyDictionary

import structlog

from scp import metrics
from scp.reception.watch import Holder
from storage.intake.instances import Registered

log = structlog.get_logger(__name__)


class Contradictions:
    """Warns of the first object of an association and series that is quarantined, then of the 10th, the 100th ...

    A sender that repeats a whole study is a few lines in the log, not thousands. Thread-safe.
    """

    def __init__(self) -> None:
        self._counts: WeakKeyDictionary[Holder, Counter[str]] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def note(self, stored: Registered, calling_ae: str, holder: Holder | None) -> None:
        """Count an object that was quarantined; `holder` is the association on which it arrived."""
        metrics.QUARANTINED.labels(stored.reason or "").inc()
        count = self._count(stored.series_instance_uid, holder)
        if str(count).strip("0") != "1":
            return
        log.warning(
            "quarantined: the first object stays; see coronode quarantine list",
            count=count,
            reason=str(stored.reason),
            series=stored.series_instance_uid,
            instance=stored.sop_instance_uid,
            held_by=stored.held_by,
            calling=calling_ae,
        )

    def _count(self, series_instance_uid: str, holder: Holder | None) -> int:
        if holder is None:
            return 1
        with self._lock:
            counts = self._counts.setdefault(holder, Counter())
            counts[series_instance_uid] += 1
            return counts[series_instance_uid]
