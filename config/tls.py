"""Settings of DICOM over TLS: `[node.tls]`, and what a peer's section says of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, model_validator

from config.host import Host, PeerHost
from config.section import AeTitle, ListenPort, Port, Section

ProfileName = Literal["bcp195", "bcp195-modified"]

FINGERPRINT: Final = "sha256:"
_DIGITS: Final = re.compile(r"[0-9a-f]{64}")


class TlsSettings(Section):
    """How the node speaks TLS: its certificate, whom it trusts, and where it listens. All files are PEM.

    A `port` of None opens no port for TLS, 0 lets the system choose one; with `only` no port is open without TLS.
    """

    port: ListenPort | None = None
    only: bool = False
    certificate: Path | None = None
    key: Path | None = None
    key_password_file: Path | None = None
    ca: Path | None = None
    require_certificate: bool = True
    profile: ProfileName = "bcp195"

    @property
    def is_configured(self) -> bool:
        """Whether the node can speak TLS."""
        return self.certificate is not None

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        parts = {"certificate": self.certificate, "key": self.key, "ca": self.ca}
        missing = [f"node.tls.{name}" for name, value in parts.items() if value is None]
        if missing and (len(missing) < len(parts) or self.port is not None):
            raise ValueError(
                f"TLS needs a certificate, its key and the authorities to trust; add {' and '.join(missing)}, "
                "or make all three for a trial with: coronode config tls init"
            )
        if self.only and self.port is None:
            raise ValueError("node.tls.only closes the port without TLS, and there is no node.tls.port; add one")
        if self.key_password_file is not None and self.key is None:
            raise ValueError("node.tls.key_password_file: there is no node.tls.key to open with it")
        return self


def _check_pin(value: str) -> str:
    """Return a fingerprint in the form `sha256:` and 64 lower-case digits, or the name of a file as it is."""
    if not value.lower().startswith(FINGERPRINT):
        return value
    digits = value[len(FINGERPRINT) :].replace(":", "").strip().lower()
    if not _DIGITS.fullmatch(digits):
        raise ValueError(
            "a fingerprint is sha256: and 64 hexadecimal digits; see: openssl x509 -noout -fingerprint -sha256 -in FILE"
        )
    return FINGERPRINT + digits


def _as_list(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Pins = Annotated[tuple[Annotated[str, AfterValidator(_check_pin)], ...], BeforeValidator(_as_list)]
"""The certificates that a peer may have: fingerprints, or PEM files; a single one needs no list."""


class CalledPeer(Section):
    """Who a peer is: how the node calls it, and what it must show when it calls.

    A `port` of None marks a peer that only calls. With `tls` both sides call each other over TLS. The peer has one of
    the certificates named in `certificate`, if any; else, where the node calls it, one that is valid for `tls_name`
    (None: for its host).
    """

    ae_title: AeTitle
    host: PeerHost
    port: Port | None = None
    tls: bool = False
    tls_name: Host | None = None
    certificate: Pins = ()

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        for key, value in (("certificate", self.certificate), ("tls_name", self.tls_name)):
            if value and not self.tls:
                raise ValueError(f"{key} is for TLS; add tls = true to this peer, or remove {key}")
        return self


def list_contradictions(tls: TlsSettings, peers: Mapping[str, CalledPeer]) -> Iterator[str]:
    """Say which peers cannot have TLS, because `[node.tls]` lacks something."""
    for name, peer in peers.items():
        if not peer.tls:
            continue
        if not tls.is_configured:
            yield (
                f"peers.{name}.tls = true needs node.tls.certificate, node.tls.key and node.tls.ca; "
                "make them for a trial with: coronode config tls init"
            )
        elif peer.port is None and tls.port is None:
            yield f"peers.{name}.tls = true: it only calls, and there is no node.tls.port that it could call; add one"
