"""The gap between published anatomy and the bodies of the generator."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from coronaries.reference import Reference, Spread, Unit

MEAN_LIMIT: Final[dict[Unit, float]] = {"mm": 5.0, "deg": 10.0, "%": math.nan}
"""How far a mean may lie from the published one."""

RATIO_LIMITS: Final = (0.7, 1.5)
"""The generator's SD as a multiple of the published one."""


@dataclass(frozen=True, slots=True)
class Gap:
    """One number of a measure: published, and of the generator on `count` bodies that have it."""

    reference: Reference
    part: str
    real: Spread
    generator: Spread
    count: int

    @property
    def difference(self) -> float:
        """Mean of the generator less the published one."""
        return self.generator.mean - self.real.mean

    @property
    def ratio(self) -> float:
        """SD of the generator as a multiple of the published one."""
        return self.generator.sd / self.real.sd

    @property
    def keeps_mean(self) -> bool | None:
        """Whether the mean is within its limit; None where there is none, or nothing to compare."""
        limit = MEAN_LIMIT[self.reference.unit]
        if math.isnan(limit) or math.isnan(self.difference):
            return None
        return abs(self.difference) <= limit

    @property
    def keeps_spread(self) -> bool | None:
        """Whether the spread is within its limits; None where no SD is published, or fewer than two bodies have it."""
        low, high = RATIO_LIMITS
        return None if math.isnan(self.ratio) else low <= self.ratio <= high

    def share_beyond(self, deviations: float) -> float:
        """Return the share of patients beyond so many SD of the generator's mean, with a normal distribution."""
        patients = statistics.NormalDist(self.real.mean, self.real.sd)
        reach = deviations * self.generator.sd
        return 1 - patients.cdf(self.generator.mean + reach) + patients.cdf(self.generator.mean - reach)


def compare(references: Sequence[Reference], bodies: Sequence[Mapping[str, tuple[float, ...]]]) -> tuple[Gap, ...]:
    """Return a gap for each part of each reference; raises KeyError for one that the bodies do not measure."""
    gaps = []
    for reference in references:
        drawn = zip(*(body[reference.name] for body in bodies), strict=True)
        for part, real, values in zip(reference.parts, reference.spreads, drawn, strict=True):
            known = [_unwrap(v, real.mean) if reference.unit == "deg" else v for v in values if math.isfinite(v)]
            gaps.append(Gap(reference, part, real, describe(known, reference.unit), len(known)))
    return tuple(gaps)


def describe(values: Sequence[float], unit: Unit) -> Spread:
    """Return mean and sample standard deviation; NaN for too few values, and for the SD of a share of the bodies."""
    has_spread = len(values) > 1 and unit != "%"
    return Spread(
        statistics.fmean(values) if values else math.nan, statistics.stdev(values) if has_spread else math.nan
    )


def share_of_coordinates_beyond(gaps: Sequence[Gap], deviations: float) -> float:
    """Return the share of the patients' coordinates of points beyond so many SD of the generator's mean."""
    points = (gap for gap in gaps if gap.reference.is_point and math.isfinite(gap.ratio))
    return statistics.fmean(gap.share_beyond(deviations) for gap in points)


def _unwrap(degrees: float, around: float) -> float:
    """Return the same angle within 180 degrees of another one, so that a mean does not fall apart at the back."""
    return degrees if math.isnan(around) else around + (degrees - around + 180) % 360 - 180
