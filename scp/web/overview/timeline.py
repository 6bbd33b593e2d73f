"""The audit log as pages show it: what happened, when, and who did it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from scoring.report.common.texts import Texts
from scp.web.overview.words import format_moment
from storage.auditing.statements import describe
from storage.database.audit import Event


@dataclass(frozen=True, slots=True)
class Entry:
    """Events of one kind and text that follow each other, `count` of them; `text` is in the node's own English."""

    at: datetime
    moment: str
    what: str
    text: str
    who: str
    count: int
    series_instance_uid: str


def make_entries(events: Iterable[Event], texts: Texts) -> list[Entry]:
    """Word events in their order, the same ones that follow each other as one."""
    entries = []
    for _, group in groupby(events, key=_identify):
        same = list(group)
        entries.append(_make_entry(same[0], len(same), texts))
    return entries


def name_kind(kind: str, texts: Texts) -> str:
    """Name a kind of event; its own name where there are no words for it."""
    key = f"overview.event_{kind.replace('-', '_')}"
    return texts(key) if key in texts.words else kind.replace("-", " ").replace("_", " ")


def _make_entry(event: Event, count: int, texts: Texts) -> Entry:
    return Entry(
        at=event.at,
        moment=format_moment(event.at, texts),
        what=name_kind(event.kind, texts),
        text=describe(event.kind, event.text),
        who=event.person or event.peer_ae,
        count=count,
        series_instance_uid=event.series_instance_uid,
    )


def _identify(event: Event) -> tuple[str, ...]:
    return event.kind, event.text, event.person, event.peer_ae, event.series_instance_uid
