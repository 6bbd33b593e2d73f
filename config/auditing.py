"""Settings: where audit messages go."""

from __future__ import annotations

from config.section import Section


class AuditSettings(Section):
    """Where audit messages go."""
