"""The run of `coronode fetch`: its parts put together."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import FrameType

from config.settings import PeerSettings, Settings
from scp import logs
from scp.cli.fetch_requests import Requests
from scp.cli.terminal.fetch_progress import ProgressTeller, describe_summary, list_fields
from scp.cli.terminal.listing import print_json
from scp.cli.terminal.output import say
from scp.fetching.archive import Archive, Method
from scp.fetching.campaign import Bounds, Campaign
from scp.fetching.journal import Journal
from scp.fetching.limits import Hours, RateLimit, Stopped, Throttle
from scp.fetching.receiver import Receiver
from scp.fetching.selection import Rules
from scp.fetching.store import NodeStore
from scp.fetching.study import Choice, StudyFetcher, choose
from scp.installation import utc_now
from scp.lock import DataLock
from scp.network.command import C_MOVE_RQ, RESPONSE, Command
from scp.privacy import create_closed
from scp.services.storage import StorageScp
from scp.services.storage_rules import StorageRules
from storage.database.opening import open_database
from storage.series.store import open_store


@dataclass(frozen=True, slots=True)
class Plan:
    """From where, which series, and within which limits."""

    settings: Settings
    name: str
    peer: PeerSettings
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    minimum_slices: int
    maximum_slices: int
    method: Method | None
    rate: RateLimit | None
    hours: Hours | None
    limit: int | None
    parallel: int
    timeout: float
    give_up_after: float
    out: Path | None
    retry_failed: bool

    @property
    def archive(self) -> Archive:
        """The peer, with the patience asked for."""
        node = self.settings.node.model_copy(update={"dimse_timeout": self.timeout})
        return Archive(node, self.peer, self.method or self.peer.retrieve)

    @property
    def rules(self) -> Rules:
        """Which series are fetched."""
        selection = self.settings.selection
        return Rules(
            self.include,
            self.exclude,
            self.minimum_slices,
            self.maximum_slices,
            selection.minimum_thickness_mm,
            selection.maximum_thickness_mm,
        )


def run(plan: Plan, requests: Requests, *, as_json: bool) -> bool:
    """Fetch what is asked for, say what became of it, and return whether all of it is here."""
    stop = threading.Event()
    with (
        _open_store(plan.settings) as store,
        _stopping_on_signals(stop),
        ProgressTeller(requests.count) as teller,
    ):
        throttle = Throttle(plan.rate, wait=stop.wait)

        def hear(answer: Command | None = None) -> None:
            if stop.is_set():
                raise Stopped
            is_moved = answer is not None and answer.field == C_MOVE_RQ | RESPONSE  # to the node, past this process
            if is_moved:
                throttle.spend("objects", 1)
            if answer is None or is_moved:
                teller.heard()

        receiver = Receiver(store.storage, plan.peer.ae_title, throttle, hear)
        journal = Journal(plan.name, plan.out, clock=utc_now, again=plan.retry_failed)
        try:
            campaign = Campaign(
                plan.archive,
                StudyFetcher(plan.archive, store, plan.rules, receiver, hear),
                journal,
                Bounds(plan.hours, plan.limit, plan.give_up_after),
                teller=teller,
                stop=stop,
                now=lambda: datetime.now().astimezone(),
            )
            summary = campaign.run(requests.make(), plan.parallel)
        finally:
            journal.close()
        is_scored = store.lock.is_held()
    if as_json:
        say(json.dumps(list_fields(summary)))
    else:
        say(describe_summary(summary))
    if summary.objects and not is_scored:
        say("no node runs here: coronode serve scores what was fetched", err=True)
    return summary.is_good


def show_choices(plan: Plan, requests: Requests, *, as_json: bool) -> bool:
    """List the series of the studies that are asked for, with what would be done, and return whether all were found."""
    lost: list[str] = []
    with _open_store(plan.settings) as store:
        rows = _list_choices(plan, requests, store, lost)
        if as_json:
            print_json(rows)
        else:
            for row in rows:
                say("  ".join(str(cell) for cell in row.values() if cell is not None))
    for line in lost:
        say(line, err=True)
    return not lost


def _list_choices(plan: Plan, requests: Requests, store: NodeStore, lost: list[str]) -> Iterator[dict[str, object]]:
    """List the series with their verdicts as they are found; requests without a study are added to `lost`."""
    left = plan.limit
    for wanted in requests.make():
        with plan.archive.open() as channel:
            studies = channel.find_studies(wanted)
            if not studies:
                lost.append(f"{wanted.describe()}: the archive has no such study")
            for study in studies:
                choices = choose(channel, study, plan.rules)
                yield from (_describe_choice(study, choice, store) for choice in choices)
                if left is not None and any(not choice.objection for choice in choices):
                    left -= 1
                    if not left:
                        return


def _describe_choice(study_instance_uid: str, choice: Choice, store: NodeStore) -> dict[str, object]:
    offer = choice.offer
    held = store.list_held(offer.series_instance_uid)
    is_here = bool(held) and len(held) >= (offer.images or len(held))
    return {
        "study_instance_uid": study_instance_uid,
        "series_instance_uid": offer.series_instance_uid,
        "images": offer.images,
        "description": offer.description,
        "verdict": choice.objection or ("is here" if is_here else "would be fetched"),
    }


@contextmanager
def _open_store(settings: Settings) -> Iterator[NodeStore]:
    """Open the node's store, and make it where no node has run yet."""
    create_closed()
    logs.configure("warning", settings.node.log_format)
    database = open_database(settings)
    try:
        storage = StorageScp(
            database,
            open_store(settings, database),
            clock=utc_now,
            received=lambda *_: None,
            rules=StorageRules.from_settings(settings.node),
        )
        lock = DataLock(settings.node.data_dir)
        yield NodeStore(database, storage, lock, keeps_companions=settings.node.companions == "keep")
    finally:
        database.close()


@contextmanager
def _stopping_on_signals(stop: threading.Event) -> Iterator[None]:
    """Stop after the object under way on SIGINT and SIGTERM; a second one ends the process as usual."""
    before = {int(number): signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def handle(number: int, _: FrameType | None) -> None:
        stop.set()
        signal.signal(number, before[number])

    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, usual in before.items():
            signal.signal(number, usual)
