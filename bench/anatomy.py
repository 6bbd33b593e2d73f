"""Coronary anatomy of the generator against published anatomy: means, spreads, and whether they keep the limits.

Draws bodies as the training draws them, with their pose, and measures the courses of the arteries; nothing is painted.
Axes are left, posterior, head from the left main ostium (points of the RCA: from its own), in mm; azimuth 0 is straight
forward, 90 to the left. A mean keeps its limit within 5 mm or 10 degrees of the published one, a spread from 0.7 to 1.5
times the published one. References and their sources: `coronaries/reference.toml`.

    python bench/anatomy.py [--bodies 200] [--seed 0] [--json]
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

from coronaries import reference
from coronaries.body import Body
from coronaries.gap import Gap, compare, share_of_coordinates_beyond
from coronaries.reference import Reference, Spread
from evaluation.table import number, percent, share, table

FEWEST: Final = 2


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bodies", type=int, default=200, metavar="N", help="number of bodies [default: 200]")
    parser.add_argument("--seed", type=int, default=0, metavar="SEED", help="seed of the first body [default: 0]")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    if options.bodies < FEWEST:
        parser.error(f"a spread needs {FEWEST} bodies")
    references, sources = reference.read()
    bodies = [Body.draw(seed).measure() for seed in range(options.seed, options.seed + options.bodies)]
    gaps = compare(references, bodies)
    if options.json:
        print(json.dumps(as_json(gaps, options.bodies, options.seed), indent=2, allow_nan=False))
        return
    print(markdown(gaps, options.bodies, options.seed))
    for name, meaning in sources.items():
        print(f"- {name}: {meaning}")


def markdown(gaps: Sequence[Gap], bodies: int, seed: int) -> str:
    """Return the table, a row for each measure, and what it amounts to."""
    rows = [_row(measure, tuple(parts)) for measure, parts in groupby(gaps, lambda gap: gap.reference)]
    means = [kept for gap in gaps if (kept := gap.keeps_mean) is not None]
    spreads = [kept for gap in gaps if (kept := gap.keeps_spread) is not None]
    beyond = [percent(share_of_coordinates_beyond(gaps, deviations), 0) for deviations in (2, 3)]
    return f"""{bodies} bodies, seeds {seed} to {seed + bodies - 1}. Mean (SD); ! marks what does not keep its limit.

{table(["Measure", "Parts", "Real", "Generator", "Off by", "SD, generator / real", "Bodies", "Source"], rows)}
Means within their limits: {share(sum(means), len(means))}.
Spreads within their limits: {share(sum(spreads), len(spreads))}.
Real coordinates of points on arteries beyond 2 SD of the generator: {beyond[0]}; beyond 3 SD: {beyond[1]}
(from the published means and SDs, taken as normal).
"""


def as_json(gaps: Sequence[Gap], bodies: int, seed: int) -> dict[str, Any]:
    """Return everything that the table shows, unrounded; null for what is unknown."""
    return {
        "bodies": bodies,
        "seed": seed,
        "beyond_2_sd": share_of_coordinates_beyond(gaps, 2),
        "beyond_3_sd": share_of_coordinates_beyond(gaps, 3),
        "measures": [
            {
                "measure": gap.reference.name,
                "part": gap.part,
                "unit": gap.reference.unit,
                "real": _spread_as_json(gap.real),
                "generator": _spread_as_json(gap.generator),
                "bodies": gap.count,
                "difference": _finite(gap.difference),
                "ratio": _finite(gap.ratio),
                "keeps_mean": gap.keeps_mean,
                "keeps_spread": gap.keeps_spread,
            }
            for gap in gaps
        ],
    }


def _row(measure: Reference, gaps: tuple[Gap, ...]) -> list[str]:
    return [
        f"{measure.name}, {measure.unit}",
        ", ".join(measure.parts),
        "; ".join(_show(gap.real) for gap in gaps),
        "; ".join(_show(gap.generator) for gap in gaps),
        "; ".join(number(gap.difference, sign=True) + _mark(gap.keeps_mean) for gap in gaps),
        "; ".join(number(gap.ratio, 2) + _mark(gap.keeps_spread) for gap in gaps),
        str(min(gap.count for gap in gaps)),
        ", ".join(measure.sources),
    ]


def _show(spread: Spread) -> str:
    return number(spread.mean) + (f" ({number(spread.sd)})" if math.isfinite(spread.sd) else "")


def _mark(kept: bool | None) -> str:
    return "!" if kept is False else ""


def _spread_as_json(spread: Spread) -> dict[str, float | None]:
    return {"mean": _finite(spread.mean), "sd": _finite(spread.sd)}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


if __name__ == "__main__":
    main()
