"""The few figures of the node's metrics that its page shows."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from scp.web.link import Link, NodeSilent


@dataclass(frozen=True, slots=True)
class Figures:
    """Associations open now; since the node started those accepted, refused and broken, and what was received."""

    open: int = 0
    accepted: int = 0
    refused: int = 0
    broken: int = 0
    objects: int = 0
    gigabytes: float = 0.0


def read_metrics(node: Link) -> Figures | None:
    """Read the figures; None when there is no node to ask, or it does not answer."""
    try:
        text = bytes(node.ask("metrics")).decode()
    except NodeSilent:
        return None
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
    return Figures(
        open=int(sums.get("coronode_associations", 0)),
        accepted=int(sums.get("coronode_associations_accepted_total", 0)),
        refused=int(sums.get("coronode_associations_refused_total", 0)),
        broken=int(sums.get("coronode_associations_broken_total", 0)),
        objects=int(sums.get("coronode_objects_total", 0)),
        gigabytes=sums.get("coronode_object_bytes_total", 0) / 1e9,
    )
