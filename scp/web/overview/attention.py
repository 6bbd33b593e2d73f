"""What needs a person, the most urgent first, each with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from urllib.parse import urlencode

from config.errors import Rejected
from config.settings import MIB
from scoring.report.common.texts import Texts
from scp.expiry import list_named
from scp.reception.incoming import check_room
from scp.web.link import NodeSilent
from scp.web.overview import words
from scp.web.services import Services
from scp.web.validation.attention import list_notices
from storage.commitments import commitments
from storage.commitments.commitments import CommitmentState
from storage.outbox.deliveries import DeliveryState
from storage.overview import errands, troubles
from storage.series.quarantine import count_quarantined
from storage.series.states import list_unfinished

Urgency = Literal["bad", "warn", "info"]
URGENCIES: Final[tuple[Urgency, ...]] = ("bad", "warn", "info")
RECENT: Final = timedelta(days=7)
LONG: Final = timedelta(hours=1)
"""A series that is received for longer is told of."""
MACHINE_REASONS: Final = frozenset({"crashed", "timeout", "internal", "out_of_memory"})
"""Reasons that lie with the machine: scoring again may help once it is repaired."""
EXPECTED_REASONS: Final = frozenset({"not_ct", "localizer", "projection", "not_hu", "not_axial", "emptied"})
"""Reasons of series that nobody expects a score of."""


@dataclass(frozen=True, slots=True)
class Matter:
    """Something that needs a person: what it is, what to do, a link to it, and a form that does it.

    `detail` is in the node's own English.
    """

    urgency: Urgency
    title: str
    advice: str
    detail: str = ""
    link: str = ""
    link_text: str = ""
    action: str = ""
    action_text: str = ""
    action_value: str = ""


def list_matters(services: Services, texts: Texts) -> list[Matter]:
    """List what needs a person now. Raises Transient when the database does not answer."""
    now = services.clock()
    matters = [
        *_look_at_machine(services, texts, now),
        *_look_at_destinations(services, texts, now),
        *_look_at_series(services, texts, now),
        *_look_at_reading(services, texts, now),
        *_look_at_configuration(services, texts),
        *_look_at_validation(services, texts),
    ]
    return sorted(matters, key=lambda matter: URGENCIES.index(matter.urgency))


def _look_at_validation(services: Services, texts: Texts) -> Iterator[Matter]:
    for notice in list_notices(services, texts):
        yield Matter(
            notice.urgency, notice.title, notice.advice, link=notice.link, link_text=texts("web.nav_validation")
        )


def _look_at_machine(services: Services, texts: Texts, now: datetime) -> Iterator[Matter]:
    settings = services.settings
    try:
        if not services.node.ask("scorer"):
            yield Matter("bad", texts("overview.no_scorer"), texts("overview.no_scorer_advice"))
    except NodeSilent as error:
        yield Matter("bad", texts("overview.no_node"), texts("overview.no_node_advice"), str(error))
    try:
        check_room(services.files, settings.node.reserve_mb * MIB)
    except Rejected as error:
        yield Matter("bad", texts("overview.disk_full"), texts("overview.disk_full_advice"), error.reason)
    waiting = [item for item in list_unfinished(services.database) if item.wait_until is not None]
    if waiting:
        title = words.format_count("work_waits", len(waiting), texts)
        yield Matter("bad", title, texts("overview.work_waits_advice"), waiting[0].wait_reason)
    for named in list_named(settings, now):
        if named.ends_soon(now) or not named.is_valid(now):
            urgency: Urgency = "warn" if named.is_valid(now) else "bad"
            title = texts("overview.certificate", setting=named.setting)
            yield Matter(urgency, title, texts("overview.certificate_advice"), named.describe(now))


def _look_at_destinations(services: Services, texts: Texts, now: datetime) -> Iterator[Matter]:
    for line in errands.list_lines(services.database):
        name, link = line.destination, f"/outbox?{urlencode({'destination': line.destination})}"
        to_outbox = texts("overview.to_outbox")
        age = "" if line.oldest is None else words.format_age((now - line.oldest).total_seconds(), texts)
        if line.paused_since is not None:
            since = words.format_moment(line.paused_since, texts)
            title = texts("overview.is_paused", destination=name, since=since)
            yield Matter(
                "warn", title, texts("overview.is_paused_advice"), "", link, to_outbox,
                "/outbox/resume", texts("overview.resume"), name,
            )  # fmt: skip
        elif line.failing:
            title = texts("overview.silent", destination=name, age=age)
            advice = words.format_count("silent_advice", line.failing, texts)
            yield Matter("bad", title, advice, line.error, link, to_outbox)
        if dead := line.counts.get(DeliveryState.DEAD, 0):
            title = words.format_count("owed_dead", dead, texts, destination=name)
            yield Matter(
                "bad", title, texts("overview.dead_advice"), "", f"{link}&state=dead", to_outbox,
                "/outbox/retry-all", texts("overview.send_all_again"), name,
            )  # fmt: skip
        if uncommitted := line.counts.get(DeliveryState.UNCOMMITTED, 0):
            title = words.format_count("not_committed", uncommitted, texts, destination=name)
            yield Matter(
                "warn", title, texts("overview.not_committed_advice"), "", f"{link}&state=uncommitted", to_outbox
            )
    owed = sum(commitments.count(services.database, state) for state in (CommitmentState.DEAD, CommitmentState.WAITING))
    if owed:
        title = words.format_count("commitments_owed", owed, texts)
        yield Matter("info", title, texts("overview.commitments_owed_advice"))


def _look_at_series(services: Services, texts: Texts, now: datetime) -> Iterator[Matter]:
    database, since = services.database, now - RECENT
    day = f"{since.astimezone():%Y-%m-%d}"
    show = texts("overview.show")
    for refused in troubles.list_refused(database, since):
        if refused.reason_code in EXPECTED_REASONS:
            continue
        is_machine = refused.reason_code in MACHINE_REASONS
        link = f"/?{urlencode({'state': 'not_scorable', 'reason': refused.reason_code})}"
        title = words.format_count(
            "refused", refused.count, texts, reason=words.name_reason(refused.reason_code, texts)
        )
        advice = texts("overview.machine_advice" if is_machine else "overview.refused_advice")
        yield Matter("bad" if is_machine else "warn", title, advice, "", link, show)
    if aside := count_quarantined(database):
        title = words.format_count("in_quarantine", aside, texts)
        yield Matter("warn", title, texts("overview.in_quarantine_advice"), "", "/quarantine", show)
    images, series = troubles.count_refused_images(database, since)
    if images:
        title = texts("overview.refused_images", images=images, series=series)
        link = f"/system/audit?{urlencode({'kind': 'refused'})}"
        yield Matter("warn", title, texts("overview.refused_images_advice"), "", link, show)
    waiting = troubles.count_waiting(database)
    if waiting.oldest is not None and now - waiting.oldest > LONG:
        age = words.format_age((now - waiting.oldest).total_seconds(), texts)
        title = words.format_count("long_waiting", waiting.count, texts, age=age)
        yield Matter("warn", title, texts("overview.long_waiting_advice"), "", f"/?state=receiving&since={day}", show)


def _look_at_reading(services: Services, texts: Texts, now: datetime) -> Iterator[Matter]:
    since = now - RECENT
    reading = troubles.count_reading(services.database, since)
    day = f"{since.astimezone():%Y-%m-%d}"
    show = texts("overview.show")
    if reading.wants_review:
        title = words.format_count("to_review", reading.wants_review, texts)
        yield Matter("info", title, texts("overview.to_review_advice"), "", f"/?wish=review&since={day}", show)
    # where no reader signs, no high score waits for one
    if reading.unsigned and reading.is_usual:
        title = words.format_count("to_sign", reading.unsigned, texts)
        yield Matter("info", title, texts("overview.to_sign_advice"), "", f"/?wish=unsigned&since={day}", show)


def _look_at_configuration(services: Services, texts: Texts) -> Iterator[Matter]:
    settings = services.settings
    if not settings.peers and not settings.node.accept_unknown_peers:
        yield Matter("warn", texts("overview.no_peers"), texts("overview.no_peers_advice"))
    if not settings.results.destinations:
        yield Matter("info", texts("overview.no_results"), texts("overview.no_results_advice"))
