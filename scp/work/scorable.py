"""What the index knows of a series and its images do not show: notes, procedure steps, images that are not here."""

from __future__ import annotations

from dataclasses import replace

from config.errors import NotScorable
from scoring.report.common.catalogue import sentence
from scoring.report.common.texts import load_english
from scoring.result import Flag, Score
from storage.database.engine import Database
from storage.reviews import reviews
from storage.series import expectations, refusals, rejections, steps


def check(database: Database, series_instance_uid: str, *, has_images: bool) -> None:
    """Raise NotScorable when the series must not be scored, whatever its images show.

    Its procedure step was discontinued, unless an operator overruled that; or rejection notes left no image of it.
    """
    step = steps.find_discontinued(database, series_instance_uid)
    if step is not None:
        if str(step.reason):
            raise NotScorable("acquisition_discontinued", variant="reason", reason=str(step.reason))
        raise NotScorable("acquisition_discontinued")
    notes = [note for note in rejections.list_rejected(database, series_instance_uid) if note.images]
    if notes and not has_images:
        latest = notes[0]
        count = rejections.count_rejected_images(database, series_instance_uid)
        raise NotScorable("rejected_by_note", variant=latest.title, count=count, by=latest.peer_ae)


def flag_known(database: Database, score: Score, series_instance_uid: str) -> Score:
    """Add flags for what the images do not show: that others are not here, and that a reader has signed before them."""
    flags = []
    if signed := reviews.find_signed(database, series_instance_uid):
        signed_on = signed.signed_at.date().isoformat()
        flags.append(
            Flag.build("signed_review", "warning", reader=signed.reader, date=signed_on, version=signed.signed_version)
        )
    if count := refusals.count_missing(database, series_instance_uid):
        flags.append(Flag.build("refused_images", "warning", count=count))
    if count := rejections.count_rejected_images(database, series_instance_uid):
        flags.append(Flag.build("rejected_images", "warning", count=count))
    announced = expectations.list_expectations(database, series_instance_uid)
    worst = max(announced, key=lambda item: item.missing, default=None)
    if worst is not None and worst.missing:
        flags.append(Flag.build("announced_images", "warning", count=worst.missing, expected=worst.expected))
    told = (replace(flag, message=sentence(flag, load_english())) for flag in flags)
    return replace(score, flags=(*score.flags, *told))
