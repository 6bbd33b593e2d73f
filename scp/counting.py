"""The counters of several processes of the node as one: an object counts, whichever of them received it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from scp.metrics import REGISTRY


class _Fixed(Collector):
    """Families as they were collected."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterator[Metric]:
        """Return them."""
        yield from self._families


def add_counters(node: bytes, own: CollectorRegistry = REGISTRY) -> bytes:
    """Add the counters of this process to the node's metrics, in the text format of Prometheus.

    Gauges are the node's alone.
    """
    return _sum(node, own.collect())


def sum_counters(node: bytes, other: bytes) -> bytes:
    """Add the counters of another process to the node's metrics; both in the text format of Prometheus."""
    return _sum(node, text_string_to_metric_families(other.decode()))


def _sum(node: bytes, others: Iterable[Metric]) -> bytes:
    families = {family.name: family for family in text_string_to_metric_families(node.decode())}
    for other in others:
        if other.type == "counter":
            families[other.name] = _add(families.get(other.name), other)
    registry = CollectorRegistry()
    registry.register(_Fixed(families.values()))
    return generate_latest(registry)


def _add(theirs: Metric | None, mine: Metric) -> Metric:
    """The sums of the samples with the same labels; when a counter began, as the text format tells it, is left out."""
    total = Metric(mine.name, mine.documentation, "counter")
    sums: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for family in (theirs, mine):
        for sample in () if family is None else family.samples:
            if sample.name.endswith("_total"):
                key = sample.name, tuple(sorted(sample.labels.items()))
                sums[key] = sums.get(key, 0.0) + sample.value
    for (name, labels), value in sums.items():
        total.add_sample(name, dict(labels), value)
    return total
