"""One study: what the archive has of it, what of that is selected, and how much of it is here."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from dicom.sop_classes import IMAGE_STORAGE, is_companion
from scp.fetching.archive import Archive, Channel, ImageOffer
from scp.fetching.outcome import Ending, Outcome
from scp.fetching.selection import Rules, SeriesOffer
from scp.fetching.wanted import Wanted
from scp.scu.retrieve import Receive, Tell

_TRIES: Final = 2
"""Requests for a series within one association: the second one names the objects that the first did not bring."""


class Store(Protocol):
    """Where the objects go; its methods raise Transient."""

    @property
    def keeps_companions(self) -> bool:
        """Whether it keeps what accompanies the images of a series."""
        ...

    def list_held(self, series_instance_uid: str) -> dict[str, int]:
        """List the objects of a series that are here, with their sizes in bytes."""
        ...

    def check_ready(self, method: str) -> None:
        """Raise NotNow where objects that come by C-GET ("get") or C-MOVE ("move") could not be stored."""
        ...


@dataclass(slots=True)
class Task:
    """A study that a request found, or the request itself while `study_instance_uid` is empty.

    It is kept between attempts, with what was here before the first of them, and what is known of its outcome.
    """

    wanted: Wanted
    study_instance_uid: str = ""
    studies: int = 0
    attempts: int = 0
    seconds: float = 0.0
    before: dict[str, frozenset[str]] = field(default_factory=dict)
    known: Outcome | None = None

    def end(self, ending: Ending, message: str = "") -> Outcome:
        """Make the outcome from what is known so far."""
        known = self.known or Outcome(self.wanted, ending, self.studies, self.study_instance_uid)
        return replace(known, ending=ending, seconds=self.seconds, message=message)


@dataclass(frozen=True, slots=True)
class Choice:
    """A series of a study, with the reason why it is not fetched; empty if it is."""

    offer: SeriesOffer
    objection: str


def choose(channel: Channel, study_instance_uid: str, rules: Rules) -> list[Choice]:
    """Decide about each series of a study; a short one may hold multi-frame images, whose frames count."""
    choices = []
    for offer in channel.list_series(study_instance_uid):
        counted = offer
        if rules.may_be_multiframe(offer):
            images = channel.list_images(study_instance_uid, offer.series_instance_uid)
            counted = replace(offer, slices=max(offer.slices or 0, _count_slices(images, rules)))
        choices.append(Choice(counted, rules.find_objection(counted)))
    return choices


class StudyFetcher:
    """Fetches studies from an archive into the store.

    `receive` takes what comes by C-GET, `tell` is told each response to a retrieval.
    """

    def __init__(self, archive: Archive, store: Store, rules: Rules, receive: Receive, tell: Tell) -> None:
        self._archive = archive
        self._store = store
        self._rules = rules
        self._receive = receive
        self._tell = tell

    def fetch(self, task: Task) -> Outcome:
        """Bring what is selected of a study and is not here, and return what became of it.

        Raises Transient when that may succeed later, Permanent when it never will.
        """
        begun = time.monotonic()
        try:
            with self._archive.open() as channel:
                choices = choose(channel, task.study_instance_uid, self._rules)
                if not choices:
                    return task.end("not_found", "the archive has no such study")
                return self._fetch_selected(channel, task, choices)
        finally:
            task.seconds += time.monotonic() - begun
            if task.known is not None:
                task.known = replace(task.known, seconds=task.seconds)

    def _fetch_selected(self, channel: Channel, task: Task, choices: Sequence[Choice]) -> Outcome:
        selected = [choice.offer for choice in choices if not choice.objection]
        known = Outcome(
            task.wanted,
            "skipped",
            task.studies,
            task.study_instance_uid,
            series_found=len(choices),
            series_selected=tuple(offer.series_instance_uid for offer in selected),
            skipped=_describe_skipped(choice.objection for choice in choices if choice.objection),
        )
        task.known = known
        for offer in selected:
            task.known = known = self._fetch_series(channel, task, known, offer)
        if not selected:
            return replace(known, message="no series was selected")
        if known.missing:
            words = f"{known.missing} of {known.expected} objects did not come"
            return replace(known, ending="failed", message=words)
        return replace(known, ending="fetched" if known.received else "already_here")

    def _fetch_series(self, channel: Channel, task: Task, known: Outcome, offer: SeriesOffer) -> Outcome:
        uid = offer.series_instance_uid
        held = self._store.list_held(uid)
        before = task.before.setdefault(uid, frozenset(held))
        targets: frozenset[str] = frozenset()
        for _ in range(_TRIES):
            if _is_whole(offer, held):
                break
            if held or offer.images is None:
                targets = self._list_targets(channel, task.study_instance_uid, uid)
                if targets and targets <= held.keys():
                    break
            self._store.check_ready(channel.choose_method())
            named = sorted(targets - held.keys()) if targets & held.keys() else ()
            channel.fetch(task.study_instance_uid, uid, named, self._receive, self._tell)
            held = self._store.list_held(uid)
        expected = len(targets) or offer.images or max(1, len(held))
        came = held.keys() - before
        return replace(
            known,
            expected=known.expected + expected,
            before=known.before + len(before),
            received=known.received + len(came),
            missing=known.missing + (len(targets - held.keys()) if targets else max(0, expected - len(held))),
            size=known.size + sum(held[uid] for uid in came),
        )

    def _list_targets(self, channel: Channel, study_instance_uid: str, series_instance_uid: str) -> frozenset[str]:
        """List the objects that the store would keep; none where the archive does not list them."""
        return frozenset(
            image.sop_instance_uid
            for image in channel.list_images(study_instance_uid, series_instance_uid)
            if self._store.keeps_companions or not image.sop_class_uid or not is_companion(image.sop_class_uid)
        )


def _is_whole(offer: SeriesOffer, held: dict[str, int]) -> bool:
    return offer.images is not None and len(held) >= max(1, offer.images)


def _count_slices(images: Iterable[ImageOffer], rules: Rules) -> int:
    """Count frames; a multi-frame image of unknown length is taken for long enough."""
    single = {IMAGE_STORAGE[0], ""}
    return sum(
        1
        if image.sop_class_uid in single or image.sop_class_uid not in IMAGE_STORAGE
        else image.frames or rules.fewest_slices
        for image in images
    )


def _describe_skipped(objections: Iterable[str]) -> tuple[str, ...]:
    counted = Counter(objections)
    return tuple(f"{words} ({count})" if count > 1 else words for words, count in counted.most_common())
