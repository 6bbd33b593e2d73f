"""What a retrieval sends, study by study: its events in the audit log (PS3.15 A.5.3.3, A.5.3.7).

One is entered before the first object leaves, with all that is to be sent, and one at the end, with what was sent: a
process that is killed in between leaves the first.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from scp.outside_text import escape
from scp.peer_events import PeerEvent
from scp.reception.addresses import shorten_address
from scp.services.retrieve.progress import Outcome
from storage.auditing import statements
from storage.auditing.statements import MOST_SERIES, Retrieved, Retrieving
from storage.query.retrieval import Part, StoredObject


@dataclass(slots=True)
class _Study:
    """The objects of one study: those wanted, how many were sent of each class, how many were not, or perhaps."""

    series: dict[str, None] = field(default_factory=dict)
    wanted: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    unsent: int = 0
    unsure: int = 0
    last: str = ""

    @property
    def tried(self) -> int:
        """How many were sent, or tried."""
        return self.sent.total() + self.unsent + self.unsure


class Transfers:
    """Counts the objects of one retrieval; `to` is the destination of a C-MOVE. Thread-safe."""

    def __init__(self, operation: str, *, calling_ae: str, host: str, to: str = "") -> None:
        self._operation: Final = operation
        self._peer_ae: Final = escape(calling_ae.strip())
        self._host: Final = shorten_address(host)
        self._to: Final = escape(to.strip())
        self._studies: dict[str, _Study] = {}
        self._is_told = False
        self._lock = threading.Lock()

    def begin(self, parts: Iterable[Part]) -> list[PeerEvent]:
        """Take note of what is to be sent, and return the events of its beginning, one for each study."""
        with self._lock:
            for part in parts:
                study = self._studies.setdefault(part.study_instance_uid, _Study())
                study.series[part.series_instance_uid] = None
                study.wanted[part.sop_class_uid] += part.count
            return [
                self._make_event(
                    statements.PEER_RETRIEVING,
                    study,
                    Retrieving(self._operation, uid, _cut(study), dict(study.wanted), self._to, self._host),
                )
                for uid, study in self._studies.items()
            ]

    def note(self, item: StoredObject, outcome: Outcome) -> None:
        """Count an object that was sent, or could not be, or of which nobody knows that."""
        with self._lock:
            if self._is_told:  # the node stops, and has not waited for this one
                return
            study = self._studies.setdefault(item.study_instance_uid, _Study())
            study.series[item.series_instance_uid] = None
            study.last = item.sop_instance_uid
            if outcome.is_unsure:
                study.unsure += 1
            elif outcome.kind == "failed":
                study.unsent += 1
            else:
                study.sent[item.sop_class_uid] += 1

    def take_end(self, end: str = "") -> list[PeerEvent]:
        """Return the events of the end, one for each study, for the first time that they are asked for.

        `end` is `CANCELLED` or `INTERRUPTED` where something ended it early. Objects left by a retrieval that was not
        ended were deleted meanwhile, and count as not sent.
        """
        with self._lock:
            studies, self._studies, self._is_told = self._studies, {}, True
            return [
                self._make_event(statements.PEER_RETRIEVED, study, self._state_end(uid, study, end))
                for uid, study in studies.items()
            ]

    def _state_end(self, uid: str, study: _Study, end: str) -> Retrieved:
        left = max(0, study.wanted.total() - study.tried)
        return Retrieved(
            self._operation,
            uid,
            _cut(study),
            dict(study.sent),
            study.unsent + (0 if end else left),
            self._to,
            self._host,
            unsure=study.unsure,
            end=end if left or study.unsure else "",
            left=left if end else 0,
        )

    def _make_event(self, kind: str, study: _Study, statement: Retrieving | Retrieved) -> PeerEvent:
        return PeerEvent(
            kind,
            partial(_make_text, statement),
            peer_ae=self._peer_ae,
            series_instance_uid=next(iter(study.series)),
            sop_instance_uid=study.last if study.tried == 1 and study.wanted.total() <= 1 else "",
        )


def _cut(study: _Study) -> tuple[str, ...]:
    return tuple(study.series)[:MOST_SERIES]


def _make_text(statement: Retrieving | Retrieved, _: int) -> str:
    return statements.write(statement)
