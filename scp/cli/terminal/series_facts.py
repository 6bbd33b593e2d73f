"""What `coronode series show` prints: facts, quarantine, deliveries, history and score of one series."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Final

from scp.cli.terminal.contradictions import describe_missing, format_count, format_reasons
from scp.cli.terminal.output import say

if TYPE_CHECKING:
    from storage.database.audit import Event
    from storage.database.engine import Database
    from storage.outbox.deliveries import Delivery
    from storage.series.quarantine import QuarantinedSeries
    from storage.series.rejections import Rejected
    from storage.series.sources import SourceCount
    from storage.series.states import SeriesState


_MOST_NAMED: Final = 3
_TITLES: Final = {
    "quality": "Rejected for Quality Reasons (113001, DCM)",
    "safety": "Rejected for Patient Safety Reasons (113037, DCM)",
    "worklist": "Incorrect Modality Worklist Entry (113038, DCM)",
    "retention": "Data Retention Policy Expired (113039, DCM)",
}


def show_facts(item: SeriesState) -> None:
    """Print the facts of a series that was stored."""
    facts = {
        "series": item.series_instance_uid,
        "study": item.study_instance_uid,
        "state": item.state,
        "reason": item.reason,
        "waits": f"{item.wait_reason} (until {item.wait_until:%H:%M:%S} UTC)" if item.wait_until else "",
        "found": "; ".join(item.flags),
        "version": str(item.version),
        "images": str(item.instance_count),
        "deleted": _say_deleted(item),
        "description": item.description,
        "sent by": item.calling_ae,
        "last image": f"{item.last_received_at:%Y-%m-%d %H:%M:%S} UTC",
    }
    _print_lines(facts)


def _say_deleted(item: SeriesState) -> str:
    if item.images_deleted_at is None:
        return ""
    again = f"; {item.instance_count} came again, `coronode series rescore` scores them" if item.instance_count else ""
    return f"its images, on {item.images_deleted_at:%Y-%m-%d}{again}"


def show_missing(entry: QuarantinedSeries) -> None:
    """Print what is known of a series that lies in quarantine as a whole."""
    facts = {
        "series": entry.series_instance_uid,
        "study": entry.study_instance_uid,
        "state": "quarantined",
        "reason": describe_missing(entry),
        "sent by": entry.calling_ae,
        "last image": f"{entry.last_received_at:%Y-%m-%d %H:%M:%S} UTC",
        "next": f"coronode quarantine list --series {entry.series_instance_uid}",
    }
    _print_lines(facts)


def show_quarantine(series_instance_uid: str, entries: Sequence[QuarantinedSeries]) -> None:
    """Print what lies in quarantine: objects of a series, and objects of others under its SOP Instance UIDs."""
    for entry in entries:
        number = format_count(entry.count)
        if entry.series_instance_uid == series_instance_uid:
            line = f"{number} of this series: {format_reasons(entry.reasons)}"
        else:
            line = f"{number} of series {entry.series_instance_uid}, whose SOP Instance UIDs this series holds"
        say(f"{'quarantine:':13}{line}")


def show_refused(sop_instance_uids: Sequence[str]) -> None:
    """Print which images of a series were refused at receipt and have not been stored since."""
    if sop_instance_uids:
        named = ", ".join(sop_instance_uids[:_MOST_NAMED])
        more = ", ..." if len(sop_instance_uids) > _MOST_NAMED else ""
        number = format_count(len(sop_instance_uids))
        say(f"{'refused:':13}{number} of this series at receipt, not stored since: {named}{more}")


def show_rejected(entries: Sequence[Rejected]) -> None:
    """Print which notes took objects of a series out."""
    for entry in entries:
        by = f"by {entry.peer_ae}, note {entry.note_sop_instance_uid}"
        say(f"{'rejected:':13}{format_count(entry.count)} of this series {by}: {_TITLES[entry.title]}")


def show_source(answer: SourceCount | None, stored: int) -> None:
    """Print what the peer that sent a series has said of it."""
    if answer is None:
        return
    when = f"asked {answer.asked_at:%H:%M:%S} UTC"
    if answer.count is None:
        say(f"{'source:':13}{answer.peer} gave no number ({when}): {answer.remark}")
        return
    come = "has" if stored == 1 else "have"
    remark = f": {answer.remark}" if answer.remark else ""
    say(f"{'source:':13}{answer.peer} has {format_count(answer.count)}, {stored} {come} come ({when}){remark}")


def _print_lines(facts: dict[str, str]) -> None:
    for name, value in facts.items():
        if value:
            say(f"{name + ':':13}{value}")


def format_history(database: Database, series_instance_uid: str) -> Iterator[str]:
    """List deliveries and events of a series; repeated lines are shown once, with their number."""
    from storage.database import audit
    from storage.outbox.deliveries import list_deliveries

    deliveries = list_deliveries(database, series_instance_uid=series_instance_uid)
    for line, count in Counter(map(_format_delivery, deliveries)).items():
        yield f"{'delivery:':13}{line}{_format_times(count)}"
    events = reversed(audit.list_events(database, series_instance_uid=series_instance_uid))
    for line, same in groupby(map(_format_event, events)):
        yield f"{'event:':13}{line}{_format_times(len(list(same)))}"


def _format_delivery(item: Delivery) -> str:
    error = f": {item.last_error}" if item.last_error else ""
    where = f"{item.kind} to {item.destination}, version {item.version}"
    return f"{where}: {item.state} after {item.attempts} attempt{'s' if item.attempts != 1 else ''}{error}"


def _format_event(event: Event) -> str:
    from storage.auditing.statements import describe

    who = f" by {event.person}" if event.person else ""
    return f"{event.at:%Y-%m-%d %H:%M} {event.kind} {describe(event.kind, event.text)}{who}"


def _format_times(count: int) -> str:
    return f" ({count} times)" if count > 1 else ""


def show_held() -> None:
    """Say that the result is held back."""
    say(f"{'held back:':13}nothing is sent until `coronode validate release`: validation.shadow")


def show_score(score_json: str) -> None:
    """Print the score with what it means, unless it has none."""
    from scoring.report.common import context
    from scoring.report.common.signature import changes, confirmation
    from scoring.report.common.texts import load_english
    from scoring.result import ARTERIES, Score

    score = Score.from_json(score_json)
    if score.agatston is None:
        return
    arteries = ", ".join(f"{artery} {score.agatston.of(artery):.1f}" for artery in ARTERIES)
    say(f"{'Agatston:':13}{score.agatston.total:.1f} ({arteries}); category {score.category}")
    if score.review is not None:
        texts = load_english()
        say(f"{'reviewed:':13}{confirmation(score, texts)} {changes(score.review, texts)}")
    say(f"{'percentile:':13}{context.standing(score)}")
    for number, line in enumerate(context.comparison(score)):
        name = "" if number else "change:"
        say(f"{name:13}{line}")
    for flag in score.flags:
        say(f"{'flag:':13}{flag.severity}: {flag.message}")
