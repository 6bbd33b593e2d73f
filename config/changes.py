"""What differs between two configurations, and what of it a running node takes up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel

from config.settings import Settings

LIVE: Final = (
    "peers",
    "completion",
    "selection",
    "scoring",
    "results",
    "risk",
    "priors",
    "validation",
    "alerts",
    "web",
    "node.accept_unknown_peers",
    "node.max_associations",
    "node.max_associations_per_peer",
    "node.max_pdu",
    "node.longest_pdu",
    "node.longest_object_mb",
    "node.slowest_bytes_per_second",
    "node.companions",
    "node.acse_timeout",
    "node.dimse_timeout",
    "node.network_timeout",
    "node.reserve_mb",
    "node.log_level",
    "node.tls",
)
"""Sections and keys that a running node takes up; all others count from its next start."""

AT_START: Final = (
    "node.tls.port",
    "node.tls.only",
    "scoring.timeout_seconds",
    "scoring.memory_mb",
    "web.host",
    "web.port",
)
"""Keys of those sections that count from the next start nevertheless."""


def list_changes(before: Settings, after: Settings) -> list[str]:
    """List the keys with another value, in the form `section.key`; a peer that is new or gone is one key."""
    return list(_compare(before, after, ()))


def needs_start(key: str) -> bool:
    """Return whether a change of a key takes effect at the next start of the node alone."""
    return _is_in(key, AT_START) or not _is_in(key, LIVE)


def _is_in(key: str, places: tuple[str, ...]) -> bool:
    return any(key == place or key.startswith(f"{place}.") for place in places)


def _compare(before: Any, after: Any, path: tuple[str, ...]) -> Iterator[str]:
    if before == after:
        return
    if isinstance(before, BaseModel) and isinstance(after, BaseModel):
        for key in type(after).model_fields:
            yield from _compare(getattr(before, key), getattr(after, key), (*path, key))
    elif path == ("peers",) and isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted({*before, *after}):
            yield from _compare(before.get(name), after.get(name), (*path, name))
    else:
        yield ".".join(path)
