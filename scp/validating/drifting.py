"""The figures after going live, month by month, and the signs that they are no longer those of the decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from scoring.validation.agreement import compare_totals
from scoring.validation.drift import (
    Alarm,
    Baseline,
    Traffic,
    count_refused,
    count_zeros,
    find_alarms,
    sum_traffic,
)
from scoring.validation.estimate import Estimate
from scp.installation import Installation
from scp.validating.pairing import pair_stored
from scp.validating.standing import read_baseline
from scp.validating.traffic import list_traffic
from storage.validation import decisions

_DAYS_A_MONTH = 30.4375


@dataclass(frozen=True, slots=True)
class Month:
    """One month of what was scored, all scanners together."""

    month: str
    scored: int
    zeros: Estimate
    not_scorable: Estimate


@dataclass(frozen=True, slots=True)
class Drift:
    """What became of the figures; `recent` is the kappa of the last months' readings; `alarms` are of them, too."""

    baseline: Baseline | None
    recent: Estimate
    months: tuple[Month, ...]
    alarms: tuple[Alarm, ...]


def watch_drift(installation: Installation) -> Drift:
    """Compare what came since the decision to go live with it; without one there are months and no alarm."""
    now, kept = installation.clock(), installation.settings.validation.drift_months
    decision = decisions.find_current(installation.database)
    since = now - timedelta(days=kept * _DAYS_A_MONTH)
    if decision is not None:
        since = max(since, decision.decided_at + timedelta(microseconds=1))  # without the readings of the decision
    recent = compare_totals(pair_stored(installation.database, since=since).pairs).kappa_linear
    traffic = list_traffic(installation.database)
    months = tuple(_sum_month(traffic, month) for month in sorted({one.month for one in traffic}))
    baseline = None if decision is None else read_baseline(decision)
    if decision is None or baseline is None:
        return Drift(None, recent, months, ())
    start, running = f"{decision.decided_at:%Y-%m}", f"{now:%Y-%m}"
    before = [one for one in traffic if one.month <= start]
    after = [one for one in traffic if start < one.month < running]
    alarms = find_alarms(baseline, after, recent, before=before)
    shown = _list_months(now, kept)
    return Drift(baseline, recent, months, tuple(one for one in alarms if not one.month or one.month in shown))


def _sum_month(traffic: list[Traffic], month: str) -> Month:
    total = sum_traffic(traffic, month=month)
    return Month(month, total.scored, count_zeros(total).estimate, count_refused(total).estimate)


def _list_months(now: datetime, count: int) -> frozenset[str]:
    """The last whole months."""
    months, day = set(), now.replace(day=1)
    for _ in range(count):
        day = (day - timedelta(days=1)).replace(day=1)
        months.add(f"{day:%Y-%m}")
    return frozenset(months)
