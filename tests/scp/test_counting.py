"""Counters of two processes as one."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from scp.counting import add_counters


def registry(objects: dict[str, int], queries: int, open_now: int) -> CollectorRegistry:
    made = CollectorRegistry()
    counter = Counter("objects", "Objects", ["status"], registry=made)
    for status, count in objects.items():
        counter.labels(status).inc(count)
    Counter("queries", "Queries", registry=made).inc(queries)
    Gauge("open", "Open", registry=made).set(open_now)
    return made


def lines(text: bytes) -> set[str]:
    return {line for line in text.decode().splitlines() if not line.startswith("#") and "_created" not in line}


def test_counters_add_up_by_their_labels_and_gauges_are_the_nodes():
    node = generate_latest(registry({"ok": 5, "full": 1}, queries=7, open_now=3))
    own = registry({"ok": 2, "bad": 4}, queries=0, open_now=99)
    assert lines(add_counters(node, own)) == {
        'objects_total{status="ok"} 7.0',
        'objects_total{status="full"} 1.0',
        'objects_total{status="bad"} 4.0',
        "queries_total 7.0",
        "open 3.0",
    }


def test_the_sum_is_read_as_what_it_was():
    node = generate_latest(registry({"ok": 1}, queries=1, open_now=1))
    once = add_counters(node, CollectorRegistry())
    assert lines(once) == lines(node)
    assert "# TYPE objects_total counter" in once.decode()
    assert "# HELP objects_total Objects" in once.decode()
