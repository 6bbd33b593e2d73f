"""Our own result as far as it is compared, read from its JSON without the outlines that make it long to check."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scoring.judgement.category import categorise
from scoring.result import ARTERIES, SCHEMA, Artery
from scoring.validation.pair import Scan, Values


@dataclass(frozen=True, slots=True)
class Automatic:
    """An automatic result; `values` None where the series was not scored, for the reason `reason_code`."""

    series_instance_uid: str
    study_instance_uid: str
    values: Values | None
    range: tuple[float, float]
    reason_code: str
    scan: Scan
    flags: tuple[str, ...]
    is_signed: bool


def read_automatic(text: str | bytes) -> Automatic:
    """Read a result of the schema `coronode.score/1`. Raises ValueError, which says what is wrong with it."""
    try:
        score = json.loads(text)
    except ValueError as error:
        raise ValueError(f"it is not JSON: {error}") from None
    if not isinstance(score, dict) or score.get("schema") != SCHEMA:
        raise ValueError(f"it is not a score: {SCHEMA} is read")
    try:
        return _read(score)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"it is not a complete score: {error!r}") from error


def judge(total: float, arteries: Mapping[Artery, float] | None = None) -> Values:
    """Make values of a total: any calcium at all is in the second category."""
    return Values(total, categorise(total, any_lesion=total > 0), dict(arteries or {}))


def _read(score: Mapping[str, Any]) -> Automatic:
    series = score["series"]
    agatston = score["agatston"] if score["status"] == "scored" else None
    values, span = None, (0.0, 0.0)
    if agatston is not None:
        arteries: dict[Artery, float] = {artery: float(agatston[artery]) for artery in ARTERIES}
        # ours says by its category whether a lesion counts, however small its score
        values = Values(float(agatston["total"]), score["category"], arteries)
        _ = values.level  # a category that there is
        low, high = score["agatston_range"]
        span = (float(low), float(high))
    return Automatic(
        series_instance_uid=str(series["series_instance_uid"]),
        study_instance_uid=str(series["study_instance_uid"]),
        values=values,
        range=span,
        reason_code=str(score.get("reason_code") or ""),
        scan=_read_scan(series),
        flags=tuple(str(flag["code"]) for flag in score["flags"] if flag["severity"] == "warning"),
        is_signed=score.get("review") is not None,
    )


def _read_scan(series: Mapping[str, Any]) -> Scan:
    thickness, kvp = series.get("slice_thickness_mm"), series.get("kvp")
    return Scan(
        scanner=" ".join(str(part) for part in (series.get("manufacturer"), series.get("model")) if part),
        kernel=str(series.get("kernel") or ""),
        kvp="" if kvp is None else f"{float(kvp):g}",
        thickness="" if thickness is None else f"{float(thickness):g}",
        month=str(series.get("date") or "")[:7],
    )
