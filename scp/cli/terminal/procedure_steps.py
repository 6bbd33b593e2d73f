"""Procedure steps of a series and what was announced of its images, as `coronode series show` prints them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from storage.series.expectations import Expectation
    from storage.series.steps import Step

_SOURCES = {"mpps": "the scanner", "commitment": "a request for storage commitment", "witness": "the source"}


def describe(performed: Sequence[Step], announced: Sequence[Expectation]) -> Iterator[str]:
    """Describe each procedure step, then each announcement, a line each."""
    for step in performed:
        times = " to ".join(filter(None, (step.started, step.ended)))
        reason = f" ({step.reason})" if str(step.reason) else ""
        parts = (f"{step.state}{reason}", times, step.station_ae or step.calling_ae, step.sop_instance_uid)
        yield f"{'step:':13}{', '.join(filter(None, parts))}"
    for item in announced:
        source = _SOURCES[item.source]
        yield f"{'announced:':13}{item.expected} images by {source}, {item.expected - item.missing} of them received"


def add_to_score(score_json: str, performed: Sequence[Step], announced: Sequence[Expectation]) -> str:
    """Add `procedure_steps` and `announced` to the stored score, which stays as it is where there are none."""
    if not performed and not announced:
        return score_json
    steps = [_list_fields(step) for step in performed]
    told = [
        {
            "source": item.source,
            "origin": item.origin,
            "images": item.expected,
            "received": item.expected - item.missing,
        }
        for item in announced
    ]
    return json.dumps(json.loads(score_json) | {"procedure_steps": steps, "announced": told})


def _list_fields(step: Step) -> dict[str, Any]:
    return {
        "sop_instance_uid": step.sop_instance_uid,
        "state": step.state,
        "started": step.started,
        "ended": step.ended,
        "station": step.station_ae,
        "reason": str(step.reason),
    }
