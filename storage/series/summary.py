"""What lists of series show of a result, taken out of its JSON once, so that no list has to read results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

NOTHING: Final[Mapping[str, Any]] = {
    "agatston": None,
    "category": "",
    "wants_review": False,
    "reader": "",
    "reason_values": "",
}
"""The columns of a series without a result."""


def summarise(score_json: str) -> dict[str, Any]:
    """Return the columns of a series for its result; what cannot be read counts as not there.

    `reason_values` is a JSON object: what the sentence of the reason is made of, beside its code.
    """
    columns = dict(NOTHING)
    try:
        score = json.loads(score_json) if score_json else {}
    except ValueError:
        return columns
    if not isinstance(score, dict):
        return columns
    flags = [flag for flag in score.get("flags") or () if isinstance(flag, dict)]
    values = next((flag.get("values") for flag in reversed(flags) if flag.get("severity") == "reject"), None)
    if isinstance(values, dict):
        columns["reason_values"] = json.dumps(values)
    agatston = score.get("agatston")
    if isinstance(agatston, dict) and isinstance(agatston.get("total"), int | float):
        columns["agatston"] = float(agatston["total"])
        columns["category"] = str(score.get("category") or "")
    columns["reader"] = _find_reader(score.get("review"))
    # a reader has seen what the flag is about
    columns["wants_review"] = not columns["reader"] and any(
        flag.get("code") == "review" and flag.get("severity") == "warning" for flag in flags
    )
    return columns


def _find_reader(review: object) -> str:
    return str(review.get("reader") or "") if isinstance(review, dict) else ""
