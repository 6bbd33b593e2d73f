"""What the node must know of a certificate: whose it is, how long it is valid, its fingerprint (RFC 5280)."""

from __future__ import annotations

import hashlib
import re
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from config.errors import ConfigurationError

_BLOCK: Final = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate of a PEM file; the times are UTC."""

    path: Path
    subject: str
    fingerprint: str
    not_before: datetime
    not_after: datetime

    def is_valid(self, now: datetime) -> bool:
        """Return whether `now` lies within its validity."""
        return self.not_before <= now <= self.not_after


def digest(certificate: bytes) -> str:
    """Return the fingerprint of a certificate in DER as the configuration writes it: `sha256:` and 64 hex digits."""
    return f"sha256:{hashlib.sha256(certificate).hexdigest()}"


def read_certificates(path: Path, key: str) -> list[Certificate]:
    """Read every certificate of a PEM file; `key` is the setting that names it.

    Raises ConfigurationError when the file cannot be read, or holds none that can be understood.
    """
    from cryptography import x509  # noqa: PLC0415  # only where TLS is configured: it takes 50 ms

    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise ConfigurationError(f"{key}: {path}: cannot be read: {error.strerror or error}") from error
    found = []
    for block in _BLOCK.findall(text):
        try:
            der = ssl.PEM_cert_to_DER_cert(block)
            parsed = x509.load_der_x509_certificate(der)
            found.append(
                Certificate(
                    path,
                    parsed.subject.rfc4514_string(),
                    digest(der),
                    parsed.not_valid_before_utc.astimezone(UTC),
                    parsed.not_valid_after_utc.astimezone(UTC),
                )
            )
        except ValueError as error:
            raise ConfigurationError(f"{key}: {path}: holds a damaged certificate: {error}") from error
    if not found:
        raise ConfigurationError(
            f"{key}: {path}: holds no certificate in PEM form (-----BEGIN CERTIFICATE-----); "
            f"convert one in DER form with: openssl x509 -inform der -in FILE -out {path.name}"
        )
    return found
