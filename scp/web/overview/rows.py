"""Series as the rows of the list, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from scoring.report.common.texts import Texts
from scp.web.overview import words
from scp.web.overview.words import STATE_KINDS, Note
from storage.outbox.deliveries import DeliveryState
from storage.overview.errands import Owed
from storage.overview.listing import Listed
from storage.series.states import State


@dataclass(frozen=True, slots=True)
class Row:
    """A row: the series, what its state is called, and what there is to say about it."""

    item: Listed
    name: str
    born: str
    study_day: str
    images: str
    hidden: str
    received: str
    state: str
    state_kind: str
    notes: tuple[Note, ...]
    score: str
    category: str


def make_rows(
    items: Iterable[Listed],
    owed: Mapping[str, Sequence[Owed]],
    paused: Iterable[str],
    texts: Texts,
    now: datetime,
) -> list[Row]:
    """Word every row; `owed` is what is still to be sent of each series."""
    halted = frozenset(paused)
    return [_make_row(item, owed.get(item.series_instance_uid, ()), halted, texts, now) for item in items]


def list_notes(item: Listed, owed: Sequence[Owed], paused: frozenset[str], texts: Texts, now: datetime) -> list[Note]:
    """Say why a series has no score, what it waits for and until when, and what keeps its documents here."""
    return [*_describe_state(item, texts, now), *_describe_owed(owed, paused, texts)]


def _make_row(item: Listed, owed: Sequence[Owed], paused: frozenset[str], texts: Texts, now: datetime) -> Row:
    return Row(
        item=item,
        name=words.format_name(item.patient.name),
        born=words.format_day(item.patient.birth_date, texts),
        study_day=words.format_day(item.patient.study_date, texts),
        images=words.format_count("images", item.instance_count, texts),
        hidden=words.format_count("images_rejected", item.hidden_count, texts),
        received=words.format_moment(item.last_received_at, texts),
        state=words.format_state(item.state, texts),
        state_kind=STATE_KINDS.get(item.state, ""),
        notes=tuple(list_notes(item, owed, paused, texts, now)),
        score=words.format_score(item.agatston, texts),
        category=words.format_category(item.category, texts),
    )


def _describe_state(item: Listed, texts: Texts, now: datetime) -> Iterator[Note]:
    if item.reason_code and item.state != State.KEPT:
        yield words.format_reason(item.reason_code, item.reason_values, item.reason, texts)
    elif item.state == State.KEPT:
        yield Note(item.reason, "en")
    if item.wait_until is not None:
        until = words.format_time(item.wait_until)
        yield Note(texts("overview.waits_until" if item.wait_until > now else "overview.waits", until=until))
        if item.wait_reason:
            yield Note(item.wait_reason, "en")
    elif item.state == State.RECEIVING:
        yield Note(texts("overview.waits_quiet"))
    if item.hidden_count and item.state != State.KEPT:
        yield Note(words.format_count("images_rejected", item.hidden_count, texts))


def _describe_owed(owed: Sequence[Owed], paused: frozenset[str], texts: Texts) -> Iterator[Note]:
    for one in owed:
        key, more = "owed", {}
        if one.state == DeliveryState.DEAD:
            key = "owed_dead"
        elif one.destination in paused:
            key = "owed_paused"
        elif one.error:
            key, more = "owed_failing", {"at": words.format_time(one.next_attempt_at)}
        yield Note(words.format_count(key, one.count, texts, destination=one.destination, **more))
        if one.error:
            yield Note(one.error, "en")
