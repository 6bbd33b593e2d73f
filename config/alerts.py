"""Settings: who is told when something needs a person."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from config.section import Section

AlertEvent = Literal["dead_letter", "disk", "certificate", "stuck"]
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class AlertSettings(Section):
    """Where the node tells of what needs a person: a `webhook`; without one it calls nobody.

    `token_file` holds a bearer token that it is shown, `ca` the authorities to trust instead of the system's. `events`
    are those that are told; work is stuck after `stuck_minutes`.
    """

    webhook: str | None = None
    token_file: Path | None = None
    ca: Path | None = None
    events: tuple[AlertEvent, ...] = ("dead_letter", "disk", "certificate", "stuck")
    stuck_minutes: float = Field(default=60, gt=0, le=7 * 24 * 60)

    @model_validator(mode="after")
    def _check_webhook(self) -> Self:
        if self.webhook is None:
            given = [name for name in ("token_file", "ca") if getattr(self, name) is not None]
            if given:
                raise ValueError(f"alerts.{given[0]}: there is no alerts.webhook that it would be for; add one")
            return self
        parts = urlsplit(self.webhook)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment:
            raise ValueError("alerts.webhook: the address that is called, such as https://alerts.example/coronode")
        if parts.username is not None:
            raise ValueError("alerts.webhook: a user and password do not belong there; use alerts.token_file")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError("alerts.webhook: over http:// anybody on the way could read and forge it; use https://")
        return self
