"""What of a series is not here, or was taken out, and what those say who should know."""

from __future__ import annotations

from collections.abc import Iterator

from scoring.report.common.texts import Texts
from scp.web.overview.words import Note, format_count, format_moment
from storage.database.engine import Database
from storage.overview.listing import Listed
from storage.series.expectations import list_expectations
from storage.series.quarantine import count_quarantined
from storage.series.refusals import count_missing
from storage.series.rejections import list_rejected
from storage.series.sources import find_answer
from storage.series.steps import list_steps


def list_missing_notes(database: Database, item: Listed, texts: Texts) -> list[Note]:
    """List a line for each source that knows something of the series beside its images."""
    return list(_describe(database, item, texts))


def _describe(database: Database, item: Listed, texts: Texts) -> Iterator[Note]:
    uid = item.series_instance_uid
    for step in list_steps(database, uid):
        scanner = step.station_ae or step.calling_ae
        yield Note(
            texts(f"overview.step_{step.state.lower().replace(' ', '_')}", scanner=scanner, why=str(step.reason))
        )
    for told in list_expectations(database, uid):
        values = {"expected": told.expected, "received": told.expected - told.missing}
        yield Note(texts(f"overview.announced_{told.source}", **values))
    if refused := count_missing(database, uid):
        yield Note(format_count("images_refused", refused, texts))
    for note in list_rejected(database, uid):
        yield Note(format_count(f"note_{note.title}", note.count, texts, by=note.peer_ae))
    if aside := count_quarantined(database, uid):
        yield Note(format_count("images_aside", aside, texts))
    if (answer := find_answer(database, uid)) is not None:
        at = format_moment(answer.asked_at, texts)
        if answer.count is None:
            yield Note(texts("overview.source_silent", peer=answer.peer, at=at))
            yield Note(answer.remark, "en")
        else:
            yield Note(texts("overview.source_count", peer=answer.peer, count=answer.count, at=at))
