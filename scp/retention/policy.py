"""The rules of retention as the configuration states them."""

from __future__ import annotations

from datetime import timedelta

from config.settings import Settings
from storage.retention.rules import Policy


def make_policy(settings: Settings) -> Policy:
    """Return the policy of a configuration."""
    retention, destinations = settings.retention, settings.results.destinations
    promised = retention.promised_days
    return Policy(
        **retention.list_ages(),
        promised=None if promised is None else timedelta(days=promised),
        committing=tuple(name for name in destinations if settings.peers[name].commit),
        has_destinations=bool(destinations),
    )
