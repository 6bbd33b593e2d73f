"""The metrics at the configured address."""

from __future__ import annotations

import re
import socket
import urllib.request

from prometheus_client import generate_latest
from structlog.testing import capture_logs

from scp import metrics


def value(name: str) -> float:
    found = re.search(rf"^{re.escape(name)} ([0-9.e+]+)$", generate_latest(metrics.REGISTRY).decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_counts_are_served_at_the_configured_address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = metrics.serve("127.0.0.1", port)
    try:
        metrics.OBJECTS.labels("0x0000").inc()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            page = answer.read().decode()
        assert 'coronode_objects_total{status="0x0000"}' in page
    finally:
        server.close()


def test_a_port_that_is_taken_is_logged_and_harms_nothing():
    with socket.create_server(("127.0.0.1", 0)) as taken, capture_logs() as logged:
        assert metrics.serve("127.0.0.1", taken.getsockname()[1]) is None
    assert [entry["event"] for entry in logged] == ["no metrics: cannot listen on web.port"]


def test_port_0_turns_metrics_off():
    assert metrics.serve("127.0.0.1", 0) is None


def test_refusals_are_counted_by_their_reason():
    before = value('coronode_associations_refused_total{reason="limit"}')
    metrics.REFUSED.labels("limit").inc()
    assert value('coronode_associations_refused_total{reason="limit"}') == before + 1
