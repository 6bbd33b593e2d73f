"""Settings: who is told when something needs a person."""

from __future__ import annotations

from config.section import Section


class AlertSettings(Section):
    """Who is told when something needs a person."""
