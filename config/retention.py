"""Settings: how long objects and results are kept."""

from __future__ import annotations

from config.section import Section


class RetentionSettings(Section):
    """How long objects and results are kept."""
