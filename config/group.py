"""Settings: several processes or machines on one index."""

from __future__ import annotations

from config.section import Section


class GroupSettings(Section):
    """Several processes or machines on one index."""
