"""Whether the figures after going live are still those on which it was decided.

Two kinds of signs. The agreement with readers of the last months lies below that of the decision: its whole interval
under the other one. And what is scored changes without any reader: the share of zeros, or of series that cannot be
scored, differs from that at the decision by Fisher's exact test, two-sided (J R Stat Soc 1922;85:87).

Who looks every month finds something by chance sooner or later. The m-th month is tested at 0.05 / (m (m + 1)), which
adds up to 0.05 over all months to come, and that is divided among everything that is tested in the month (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from scoring.validation.estimate import Estimate, share

ERROR: Final = 0.05
"""The chance of any false alarm about zeros and refusals, ever."""

Sign = Literal["kappa", "zeros", "not_scorable"]


@dataclass(frozen=True, slots=True)
class Traffic:
    """What was scored in a month (YYYY-MM) on a scanner; `zeros` are part of `scored`."""

    month: str
    scanner: str
    scored: int
    zeros: int
    not_scorable: int


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    count: int
    of: int

    @property
    def estimate(self) -> Estimate:
        """The proportion with its interval."""
        return share(self.count, self.of)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What was known when it was decided to go live; `scanner` "" is all of them together."""

    kappa: Estimate
    zeros: Share
    not_scorable: Share


@dataclass(frozen=True, slots=True)
class Alarm:
    """A sign of drift: in which month and on which scanner ("" for all), what it was and what it is now."""

    sign: Sign
    month: str
    scanner: str
    before: Estimate
    now: Estimate
    p_value: float | None = None


def sum_traffic(traffic: Sequence[Traffic], *, month: str | None = None, scanner: str | None = None) -> Traffic:
    """Add up the traffic of a month, of a scanner, or all."""
    chosen = [one for one in traffic if month in {None, one.month} and scanner in {None, one.scanner}]
    return Traffic(
        month or "",
        scanner or "",
        sum(one.scored for one in chosen),
        sum(one.zeros for one in chosen),
        sum(one.not_scorable for one in chosen),
    )


def count_zeros(traffic: Traffic) -> Share:
    """The zeros among what was scored."""
    return Share(traffic.zeros, traffic.scored)


def count_refused(traffic: Traffic) -> Share:
    """The series that could not be scored among all."""
    return Share(traffic.not_scorable, traffic.scored + traffic.not_scorable)


def find_alarms(
    baseline: Baseline, traffic: Sequence[Traffic], recent: Estimate, *, before: Sequence[Traffic] = ()
) -> tuple[Alarm, ...]:
    """Find the signs of drift.

    Args:
        baseline: the figures of the decision, of all scanners.
        traffic: whole months since then, in any order; a month that is not over must not be among them.
        recent: linearly weighted kappa of the last months' readings.
        before: the traffic before the decision by scanner, with which each scanner is compared with itself.
    """
    found = []
    if recent.high is not None and baseline.kappa.low is not None and recent.high < baseline.kappa.low:
        found.append(Alarm("kappa", "", "", baseline.kappa, recent))
    scanners = sorted({one.scanner for one in before} & {one.scanner for one in traffic})
    scanners = scanners if len(scanners) > 1 else []
    tests = 2 * (1 + len(scanners))
    for number, month in enumerate(sorted({one.month for one in traffic}), start=1):
        level = ERROR / (number * (number + 1)) / tests
        for scanner in (None, *scanners):
            now = sum_traffic(traffic, month=month, scanner=scanner)
            then = sum_traffic(before, scanner=scanner)
            zeros = count_zeros(then) if scanner is not None else baseline.zeros
            refused = count_refused(then) if scanner is not None else baseline.not_scorable
            signs: tuple[tuple[Sign, Share, Share], ...] = (
                ("zeros", zeros, count_zeros(now)),
                ("not_scorable", refused, count_refused(now)),
            )
            for sign, one, other in signs:
                p_value = compare_shares(one, other)
                if p_value is not None and p_value < level:
                    found.append(Alarm(sign, month, scanner or "", one.estimate, other.estimate, p_value))
    return tuple(found)


def compare_shares(one: Share, other: Share) -> float | None:
    """The two-sided p of Fisher's exact test that two shares are the same; None where one of them is of nothing."""
    if not one.of or not other.of:
        return None
    from scipy import stats  # noqa: PLC0415  # as in correlation.py

    table = np.array([[one.count, one.of - one.count], [other.count, other.of - other.count]])
    return float(stats.fisher_exact(table)[1])
