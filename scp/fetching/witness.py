"""The source as a witness: the peer that sent a series is asked how many objects it has of it.

It is asked when the series has been quiet for half of the quiet time, in a thread of its own for each peer. What it
says stands in the tables, where the completion check finds it; a peer that says nothing holds nothing up.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Final

import structlog

from config.errors import CoronodeError, Transient
from config.settings import PeerSettings
from dicom.sop_classes import is_companion
from scp import metrics
from scp.fetching.archive import Archive, Channel
from scp.fetching.limits import RateLimit, Stopped, Throttle
from scp.fetching.receiver import Receiver
from scp.group.duties import Duties, EveryDuty
from scp.installation import Installation
from scp.network.command import Command
from scp.services.storage import StorageScp
from scp.trouble import Trouble
from storage.series import expectations, holdings, sources
from storage.series.expectations import Announcement
from storage.series.sources import Question

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 1.0
_ASKING_SECONDS: Final = 60.0
_FETCHING_SECONDS: Final = 900.0
_AWAY_SECONDS: Final = 30.0
"""For which a peer is left alone after it could not be asked."""
_STOP_SECONDS: Final = 10.0


class Witness:
    """Asks the configured peers, from `start` to `stop`, in one process of a group.

    `announced` is told of each series of which a peer has said something.
    """

    def __init__(
        self,
        installation: Installation,
        storage: StorageScp,
        announced: Callable[[str], None],
        *,
        duties: Duties | None = None,
    ) -> None:
        self._duties = duties or EveryDuty()
        self._installation = installation
        self._storage = storage
        self._announced = announced
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start asking."""
        self._stop = threading.Event()
        installation = self._installation.still()
        self._threads = [
            threading.Thread(
                target=_Questioner(
                    installation, self._storage, self._announced, name, peer, self._stop, self._duties
                ).run,
                name=f"witness {name}",
                daemon=True,
            )
            for name, peer in _choose_peers(installation.settings.peers).items()
        ]
        for thread in self._threads:
            thread.start()

    def adopt(self) -> None:
        """Ask the peers of the configuration in force; a question under way to another ends by its own time limit."""
        if self._threads or _choose_peers(self._installation.settings.peers):
            self._stop.set()
            self.start()

    def stop(self) -> None:
        """Stop asking; a question under way ends by its own time limit."""
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(_STOP_SECONDS)


def _choose_peers(peers: Mapping[str, PeerSettings]) -> dict[str, PeerSettings]:
    """Choose the peers to ask, one for each AE title: that is all that a series knows of its sender."""
    chosen: dict[str, tuple[str, PeerSettings]] = {}
    for name, peer in peers.items():
        if peer.witness != "off" and peer.port is not None:
            chosen.setdefault(peer.ae_title, (name, peer))
    return dict(chosen.values())


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a peer says of a series: its objects by UID, or their number; None when it says neither."""

    objects: frozenset[str] | int | None

    @property
    def count(self) -> int | None:
        """The number of objects."""
        return len(self.objects) if isinstance(self.objects, frozenset) else self.objects


class _Questioner:
    """Asks one peer about the series that it sent, one after the other."""

    def __init__(
        self,
        installation: Installation,
        storage: StorageScp,
        announced: Callable[[str], None],
        name: str,
        peer: PeerSettings,
        stop: threading.Event,
        duties: Duties,
    ) -> None:
        self._duties = duties
        settings = installation.settings
        self._database = installation.database
        self._clock = installation.clock
        self._keeps_companions = settings.node.companions == "keep"
        self._quiet = timedelta(seconds=settings.completion.quiet_seconds / 2)
        self._announced = announced
        self._name = name
        self._fetches = peer.witness == "fetch"
        seconds = _FETCHING_SECONDS if self._fetches else _ASKING_SECONDS
        self._archive = Archive(settings.node, peer, peer.retrieve, seconds)
        self._stop = stop
        self._throttle = Throttle(RateLimit(peer.witness_per_minute / 60, "objects"), wait=stop.wait)
        self._receiver = Receiver(storage, peer.ae_title, Throttle(None, wait=stop.wait), self._go_on)
        self._away_until = 0.0
        self._trouble = Trouble("no series to ask the source about for now", "the source is asked again")

    def run(self) -> None:
        """Ask until it is time to stop."""
        while not self._stop.wait(LOOK_SECONDS):
            try:
                if self._duties.holds("witness"):
                    self._look()
                    self._trouble.end()
            except Stopped:
                return
            except Transient as error:
                self._trouble.note(error, peer=self._name)
            except Exception:  # the edge of the thread: the other series must not go without their witness
                log.exception("the source could not be asked", peer=self._name)

    def _look(self) -> None:
        if monotonic() < self._away_until:
            return
        for question in sources.list_questions(
            self._database, self._archive.peer.ae_title, self._clock() - self._quiet
        ):
            self._throttle.spend("objects", 1)
            try:
                self._ask(question)
            except CoronodeError as error:
                self._note(question, None, str(error))
                if isinstance(error, Transient):
                    self._away_until = monotonic() + _AWAY_SECONDS
                    return

    def _ask(self, question: Question) -> None:
        with self._archive.open(retrieving=self._fetches) as channel:
            answer = self._hear(channel, question)
            self._note(question, answer.count, "" if answer.count is not None else "it says no number")
            if answer.objects is None or answer.count is None or answer.count < question.stored:
                return  # a source that has fewer is still receiving, or answers for another series
            announcement = Announcement(question.series_instance_uid, "witness", self._name, answer.objects)
            expectations.announce(self._database, announcement, self._clock())
            self._announced(question.series_instance_uid)
            if self._fetches:
                self._fetch(channel, question, answer.objects)

    def _hear(self, channel: Channel, question: Question) -> _Answer:
        """Hear the number of objects; where that is not the number here, which they are."""
        study, series = question.study_instance_uid, question.series_instance_uid
        count = channel.find_count(study, series)
        if count == question.stored:
            return _Answer(count)
        images = channel.list_images(study, series)
        named = frozenset(
            image.sop_instance_uid
            for image in images
            if self._keeps_companions or not image.sop_class_uid or not is_companion(image.sop_class_uid)
        )
        return _Answer(named or count)

    def _fetch(self, channel: Channel, question: Question, objects: frozenset[str] | int) -> None:
        """Fetch what has not come; that this fails is noted, and leaves the series waiting."""
        study, series = question.study_instance_uid, question.series_instance_uid
        held = holdings.list_held(self._database, series)
        missing = sorted(objects - held.keys()) if isinstance(objects, frozenset) else []
        count = len(missing) if isinstance(objects, frozenset) else objects - len(held)
        if count <= 0:
            return
        log.info("fetching what has not come", series=series, peer=self._name, count=count)
        try:
            channel.fetch(study, series, missing, self._receiver, self._go_on)
        except CoronodeError as error:
            total = len(objects) if isinstance(objects, frozenset) else objects
            sources.note_answer(self._database, question, self._name, total, str(error), self._clock())
            log.warning("what has not come could not be fetched", series=series, peer=self._name, reason=str(error))

    def _note(self, question: Question, count: int | None, remark: str) -> None:
        """Record an answer, for the operator and for the next question. Raises Stopped."""
        self._go_on()
        kind = "none" if count is None else "equal" if count == question.stored else "other"
        metrics.SOURCE_ANSWERS.labels(kind).inc()
        log.info(
            "source asked",
            series=question.series_instance_uid,
            peer=self._name,
            there=count,
            here=question.stored,
            remark=remark,
        )
        sources.note_answer(self._database, question, self._name, count, remark, self._clock())

    def _go_on(self, _: Command | None = None) -> None:
        if self._stop.is_set():
            raise Stopped
