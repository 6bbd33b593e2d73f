"""The metrics of the node."""

from __future__ import annotations

import re

from prometheus_client import generate_latest

from scp import metrics


def value(name: str) -> float:
    found = re.search(rf"^{re.escape(name)} ([0-9.e+]+)$", generate_latest(metrics.REGISTRY).decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_metrics_are_rendered_for_prometheus():
    metrics.OBJECTS.labels("0x0000").inc()
    assert 'coronode_objects_total{status="0x0000"}' in metrics.render().decode()


def test_refusals_are_counted_by_their_reason():
    before = value('coronode_associations_refused_total{reason="limit"}')
    metrics.REFUSED.labels("limit").inc()
    assert value('coronode_associations_refused_total{reason="limit"}') == before + 1
