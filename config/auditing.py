"""Settings: where audit messages go."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, Self

from pydantic import Field, model_validator

from config.section import Section

_COLLECTOR: Final = re.compile(r"(tls|tcp)://(\[[0-9a-fA-F:]+\]|[^\s/:@\[\]]+)(?::(\d{1,5}))?/?")
_PORTS: Final = {"tls": 6514, "tcp": 601}
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class AuditSettings(Section):
    """Audit messages of DICOM PS3.15 A.5: to a `collector` by syslog, to files in `folder`, or to both.

    `collector` is tls://HOST:PORT, or tcp://HOST:PORT on this machine alone. `ca` are the authorities that its
    certificate is checked by (those of the system without), `certificate` and `key` what this node shows it. With
    `patient_ids` messages name the patient by ID, and queries keep the values that do. Without `peers` nothing is
    recorded of what peers ask for and are sent, and of peers that are refused. `keep_days` is how long events stay in
    the index; None: always.
    """

    collector: str | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    folder: Path | None = None
    patient_ids: bool = False
    peers: bool = True
    source_id: str = Field(default="", max_length=48)
    keep_days: int | None = Field(default=None, ge=30, le=36500)

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port of the collector; None without one."""
        return None if self.collector is None else _split(self.collector)[1:]

    @property
    def is_secure(self) -> bool:
        """Whether messages go to the collector over TLS."""
        return self.collector is not None and self.collector.startswith("tls:")

    @model_validator(mode="after")
    def _check_collector(self) -> Self:
        if self.collector is None:
            given = [name for name in ("ca", "certificate", "key") if getattr(self, name) is not None]
            if given:
                raise ValueError(f"audit.{given[0]}: there is no audit.collector that it would be for; add one")
            return self
        scheme, host, port = _split(self.collector)
        if not 1 <= port <= 65535:  # noqa: PLR2004  # the ports that there are
            raise ValueError(f"audit.collector: {port} is no port; allowed: 1 to 65535")
        if scheme == "tcp" and host not in _LOOPBACK:
            raise ValueError(
                f"audit.collector: tcp:// would send to {host} what everybody on the way can read and change; write "
                "tls://, or send to a syslog server on this machine that passes it on"
            )
        if (self.certificate is None) != (self.key is None):
            raise ValueError("audit.certificate and audit.key belong together; add the other one")
        return self


def _split(collector: str) -> tuple[str, str, int]:
    found = _COLLECTOR.fullmatch(collector)
    if found is None:
        raise ValueError(
            f"audit.collector = {collector!r}: write tls://HOST or tls://HOST:PORT, or tcp://localhost:PORT"
        )
    scheme, host, port = found.groups()
    return scheme, host.strip("[]"), int(port) if port else _PORTS[scheme]
