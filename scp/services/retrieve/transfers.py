"""What a retrieval has sent, study by study: the events that it leaves in the audit log (PS3.15 A.5.3.7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from scp.outside_text import escape
from scp.peer_events import PeerEvent
from scp.reception.addresses import shorten_address
from scp.services.retrieve.progress import Outcome
from storage.auditing import statements
from storage.auditing.statements import MOST_SERIES, Retrieved
from storage.query.retrieval import StoredObject


@dataclass(slots=True)
class _Study:
    """The objects of one study."""

    series: dict[str, None] = field(default_factory=dict)
    classes: Counter[str] = field(default_factory=Counter)
    unsent: int = 0
    last: str = ""


class Transfers:
    """Counts the objects of one retrieval."""

    def __init__(self) -> None:
        self._studies: dict[str, _Study] = {}

    def note(self, item: StoredObject, outcome: Outcome) -> None:
        """Count an object that was sent, or could not be."""
        study = self._studies.setdefault(item.study_instance_uid, _Study())
        study.series[item.series_instance_uid] = None
        study.last = item.sop_instance_uid
        if outcome.kind == "failed":
            study.unsent += 1
        else:
            study.classes[item.sop_class_uid] += 1

    def list_events(self, operation: str, *, calling_ae: str, host: str, to: str = "") -> Iterator[PeerEvent]:
        """List the events, one for each study; `to` is the destination of a C-MOVE."""
        for uid, study in self._studies.items():
            series = tuple(study.series)
            retrieved = Retrieved(
                operation,
                uid,
                series[:MOST_SERIES],
                dict(study.classes),
                study.unsent,
                escape(to.strip()),
                shorten_address(host),
            )
            is_single = study.classes.total() + study.unsent == 1
            yield PeerEvent(
                statements.PEER_RETRIEVED,
                partial(_make_text, retrieved),
                peer_ae=escape(calling_ae.strip()),
                series_instance_uid=series[0],
                sop_instance_uid=study.last if is_single else "",
            )


def _make_text(retrieved: Retrieved, _: int) -> str:
    return statements.write(retrieved)
