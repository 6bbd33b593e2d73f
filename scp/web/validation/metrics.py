"""Metrics of validation, which the web process adds to those of the node: counts and states, no patient data."""

from __future__ import annotations

from collections import Counter
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from scoring.validation.drift import Sign
from scp.validating.standing import find_standing
from scp.web.services import Services
from scp.web.validation.watching import find_drift

_SIGNS: Final[tuple[Sign, ...]] = get_args(Sign)


def render_metrics(services: Services) -> bytes:
    """Return the metrics in the text format of Prometheus. Raises Transient when the database does not answer."""
    registry = CollectorRegistry()
    standing = find_standing(services.installation)
    held = Gauge("coronode_results_held", "Results that are held back (validation.shadow)", registry=registry)
    held.set(standing.held)
    shadow = Gauge("coronode_shadow", "1 while what is scored is held back, else 0", registry=registry)
    shadow.set(standing.holds_back)
    drift = Gauge(
        "coronode_drift_alarms",
        "Signs that figures are no longer those of the decision to go live: kappa, zeros, not_scorable",
        ["sign"],
        registry=registry,
    )
    counts = Counter(alarm.sign for alarm in find_drift(services).alarms)
    for sign in _SIGNS:
        drift.labels(sign).set(counts[sign])
    return generate_latest(registry)
