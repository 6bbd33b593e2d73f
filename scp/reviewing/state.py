"""A review as plain values for the page: what is listed, what it adds up to, who changed what."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from scoring.report.common.catalogue import in_language, sentence
from scoring.report.common.context import band
from scoring.report.common.texts import Texts
from scoring.result import ArteryValues, Score
from scoring.review.correction import EARLIER_REVIEW
from scoring.review.region import Region
from scp.reviewing.desk import Seen
from storage.database.engine import Database
from storage.reviews.reviews import MadeEdit, Review
from storage.series import results
from storage.series.states import REPORTED

State = dict[str, Any]

_INDEX: Final = "index"
"""Origin of an earlier score that this node made itself."""


def describe(seen: Seen, database: Database, texts: Texts, *, may_review: bool) -> State:
    """Describe a review as it stands, in the language of `texts`.

    Slices are indices of images in the order of the scored stack, from the feet to the head; rows and columns are those
    of the stored pixels, from 0; positions are mm in patient coordinates (LPS), volumes mm3, masses mg.
    """
    automatic, review = seen.opened.automatic, seen.review
    series = automatic.series
    made = review.edits if review is not None else ()
    return {
        "series": {
            "study_instance_uid": series.study_instance_uid,
            "series_instance_uid": seen.series.series_instance_uid,
            "version": seen.series.version,
            "slices": series.slices,
            "rows": series.rows,
            "columns": series.columns,
            "spacing_mm": series.spacing_mm,
        },
        "revision": seen.revision,
        "images": list(_list_images(seen)),
        "lesions": [_describe_region(item, seen, texts) for item in seen.regions],
        "result": _describe_result(seen.score, texts),
        "automatic": _describe_result(automatic, texts),
        "edits": [_describe_edit(item, texts) for item in made],
        "can_undo": may_review and review is not None and bool(review.counting),
        "can_redo": may_review and review is not None and not seen.is_signed and review.can_redo,
        "signed": _describe_signature(review) if seen.is_signed else None,
        "warnings": list(_list_warnings(seen, texts)),
        "prior": _find_prior(automatic, database),
        "may_review": may_review,
        "may_sign": may_review and seen.can_be_signed,
    }


def _list_images(seen: Seen) -> Iterator[State]:
    source = seen.opened.scan.volume.source
    for item in source.images:
        offset = source.offsets_mm[item.slice] if source.offsets_mm is not None else item.slice * source.spacing_mm[0]
        position = source.origin_mm[2] + offset * float(source.axes[2, 0])
        yield {
            "slice": item.slice,
            "sop_instance_uid": item.sop_instance_uid,
            "frame": item.frame,
            "position_mm": round(position, 2),
        }


def _describe_region(region: Region, seen: Seen, texts: Texts) -> State:
    values = region.measured
    scan = seen.opened.scan
    images = sorted(image for z in region.trimmed for image in scan.volume.sources(z))
    return {
        "id": region.id,
        "origin": region.origin,
        "parent": region.parent or None,
        "counted": region.counted,
        "artery": region.artery,
        "confidence": region.confidence,
        "reason": None if region.reason is None else sentence(region.reason, texts),
        "acceptable": region.is_drawable,
        "agatston": values.agatston,
        "volume_mm3": values.volume_mm3,
        "mass_mg": values.mass_mg,
        "max_hu": values.max_hu,
        "mean_hu": values.mean_hu,
        "slices": values.slices,
        "trimmed": images,
        "centroid_mm": values.centroid_mm,
        "runs": values.runs,
    }


def _describe_result(score: Score, texts: Texts) -> State:
    told = in_language(score, texts)
    return {
        "agatston": _by_artery(score.agatston),
        "volume_mm3": _by_artery(score.volume_mm3),
        "mass_mg": _by_artery(score.mass_mg),
        "category": score.category,
        "cac_drs": score.cac_drs,
        "agatston_range": score.agatston_range,
        "percentile": None if told.percentile is None else band(told.percentile, texts),
        "change": _describe_change(told, texts),
        "lesions": len(score.lesions),
    }


def _by_artery(values: ArteryValues | None) -> State | None:
    if values is None:
        return None
    return {"total": values.total, "LM": values.LM, "LAD": values.LAD, "LCX": values.LCX, "RCA": values.RCA}


def _describe_change(score: Score, texts: Texts) -> str | None:
    change = score.change
    if change is None:
        return None
    return texts("review.change", absolute=change.agatston.absolute, date=texts.date(change.date))


def _describe_edit(item: MadeEdit, texts: Texts) -> State:
    words = json.loads(item.words_json)
    return {
        "number": item.number,
        "words": texts(f"review.{words['code']}", **words["values"]),
        "by": item.reader or item.account or texts("review.local"),
        "at": item.made_at.isoformat(timespec="seconds"),
        "undone": item.undone,
    }


def _describe_signature(review: Review | None) -> State | None:
    if review is None or review.signed_at is None:
        return None
    return {
        "by": review.reader,
        "at": review.signed_at.isoformat(timespec="seconds"),
        "version": review.signed_version,
    }


def _list_warnings(seen: Seen, texts: Texts) -> Iterator[str]:
    if seen.series.state not in REPORTED:
        yield texts("review.being_scored")
    if seen.overtaken is not None:
        count, who = len(seen.overtaken.counting), seen.overtaken.counting[-1].reader or texts("review.local")
        yield texts("review.overtaken", count=count, reader=who)
    nameless = [item.id for item in seen.regions if item.counted and item.artery is None]
    if nameless:
        yield texts("review.no_artery", lesions=nameless)
    left_out = seen.opened.automatic.rejected_left_out
    if left_out:
        yield texts("review.more_candidates", count=left_out)
    if seen.opened.scan.volume.slabs is not None:
        slabs = seen.opened.automatic.provenance
        yield texts("review.slabs", count=slabs.slab_slices, slab=slabs.slab_mm)
    lifted = [flag for flag in seen.opened.automatic.flags if flag.code == EARLIER_REVIEW and not seen.is_signed]
    # what the scan itself makes doubtful, whatever a reader does
    for flag in (*lifted, *seen.score.flags):
        if flag.severity == "warning":
            yield sentence(flag, texts)


def _find_prior(automatic: Score, database: Database) -> State | None:
    """Find the earlier scan that is compared with, where its images are in this node's index."""
    if automatic.change is None:
        return None
    earlier = automatic.change.history[-1]
    series = results.find_series(database, earlier.sop_instance_uid) if earlier.origin == _INDEX else None
    if series is None:
        return None
    return {"series_instance_uid": series, "date": earlier.date, "agatston": earlier.agatston}
