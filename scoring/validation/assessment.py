"""The whole assessment of pairs: all of them, each artery, each group of scans, the worst, and what is still needed."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from scoring.result import CATEGORIES
from scoring.validation.agreement import Agreement, ArteryAgreement, compare_arteries, compare_totals
from scoring.validation.pair import BY, ORIGINS, By, Origin, Pair
from scoring.validation.sample_size import ASSUMED_SHARES, cases_for_kappa, cases_for_share
from scoring.validation.worst import Worst, list_worst

SCHEMA: Final = "coronode.validation/1"

Why = Literal["not_scorable", "no_result", "other_reader", "no_longer_here"]
"""Why a reading has no part in the figures: the series was not scored; it has no result yet; another reading of the
same series counts; the series is not here any more."""

KAPPA_WIDTHS: Final = (0.1, 0.05)
SENSITIVITY_WIDTHS: Final = (0.05, 0.03)
_PLANNED_KAPPA: Final = 0.85
_PLANNED_SENSITIVITY: Final = 0.95
_LEAST_FOR_PLAN: Final = 30


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A reading that does not count, and why; `detail` is the code of the refusal of a series that was not scored."""

    series_instance_uid: str
    why: Why
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Stratum:
    """The scans that are alike in one respect; `name` is "" where the header does not say."""

    by: By
    name: str
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class Needed:
    """How many cases an interval of half width `half_width` needs; `have` counts those that there are.

    For the sensitivity only cases with calcium count.
    """

    figure: Literal["kappa", "sensitivity"]
    half_width: float
    needed: int
    have: int


@dataclass(frozen=True, slots=True)
class Assessment:
    """Readers' values against ours."""

    total: Agreement
    arteries: tuple[ArteryAgreement, ...]
    strata: tuple[Stratum, ...]
    worst: tuple[Worst, ...]
    needed: tuple[Needed, ...]
    origins: dict[Origin, int]
    left_out: tuple[LeftOut, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with the confidence of the intervals and the order of the categories."""
        return {"schema": SCHEMA, "level": 0.95, "categories": list(CATEGORIES), **dataclasses.asdict(self)}


def assess(
    pairs: Sequence[Pair], left_out: Sequence[LeftOut] = (), *, by: Sequence[By] = BY, most_worst: int | None = None
) -> Assessment:
    """Compute every figure; of no pairs at all, each says so."""
    total = compare_totals(pairs)
    origins = Counter(pair.origin for pair in pairs)
    return Assessment(
        total=total,
        arteries=compare_arteries(pairs),
        strata=tuple(stratum for one in by for stratum in _stratify(pairs, one)),
        worst=list_worst(pairs, most_worst),
        needed=tuple(_plan(total)),
        origins={origin: origins[origin] for origin in ORIGINS if origins[origin]},
        left_out=tuple(left_out),
    )


def _stratify(pairs: Sequence[Pair], by: By) -> list[Stratum]:
    groups: dict[str, list[Pair]] = {}
    for pair in pairs:
        groups.setdefault(getattr(pair.scan, by), []).append(pair)
    return [
        Stratum(by, name, compare_totals(groups[name])) for name in sorted(groups, key=lambda name: (not name, name))
    ]


def _plan(total: Agreement) -> list[Needed]:
    """Plan by what was seen so far, or by what is usual while that is too little."""
    shares: tuple[float, ...] = ASSUMED_SHARES
    kappa, sensitivity = _PLANNED_KAPPA, _PLANNED_SENSITIVITY
    seen = total.kappa_linear.value
    if total.n >= _LEAST_FOR_PLAN and seen is not None and 0 < seen < 1:
        shares = tuple(max(sum(row), 0.5) / total.n for row in total.matrix)
        kappa = min(seen, _PLANNED_SENSITIVITY)
        sensitivity = total.detection.sensitivity.value or sensitivity
    calcium = total.detection.both + total.detection.false_zeros
    plan = [Needed("kappa", width, cases_for_kappa(kappa, width, shares), total.n) for width in KAPPA_WIDTHS]
    plan += [Needed("sensitivity", width, cases_for_share(sensitivity, width), calcium) for width in SENSITIVITY_WIDTHS]
    return plan
