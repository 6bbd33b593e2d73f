"""The node's own certificate and key, and the authorities that it trusts: read from files, checked, kept up to date."""

from __future__ import annotations

import ssl
import stat
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from config.errors import ConfigurationError
from config.tls import FINGERPRINT, TlsSettings
from scp.network.tls.certificates import Certificate, read_certificates
from scp.network.tls.profiles import PROFILES, make_context
from scp.network.tls.watched import Watched

_OTHERS: Final = stat.S_IWGRP | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Credentials:
    """Contexts for callers, for peers known by the name in their certificate, and for peers known by the certificate.

    `certificates` are the node's, its own first; `authorities` those that it trusts.
    """

    server: ssl.SSLContext
    client: ssl.SSLContext
    client_of_pinned: ssl.SSLContext
    certificates: tuple[Certificate, ...]
    authorities: tuple[Certificate, ...]


@lru_cache(maxsize=8)
def watch_credentials(tls: TlsSettings) -> Watched[Credentials]:
    """Return the credentials of `[node.tls]`, the same for the whole process.

    Raises ConfigurationError when they cannot be used.
    """
    files = [path for path in (tls.certificate, tls.key, tls.key_password_file, tls.ca) if path is not None]
    return Watched(files, lambda: load_credentials(tls))


@lru_cache(maxsize=1024)
def watch_fingerprints(pins: tuple[str, ...], key: str) -> Watched[frozenset[str]]:
    """Return the fingerprints that fingerprints and files stand for; `key` is the setting that names them.

    Raises ConfigurationError when a file cannot be used.
    """
    files = [Path(pin) for pin in pins if not pin.startswith(FINGERPRINT)]
    named = frozenset(pin for pin in pins if pin.startswith(FINGERPRINT))

    def read() -> frozenset[str]:
        return named.union(certificate.fingerprint for file in files for certificate in read_certificates(file, key))

    return Watched(files, read)


def load_credentials(tls: TlsSettings) -> Credentials:
    """Read the files of `[node.tls]`. Raises ConfigurationError with the key, the file, and what to do."""
    if tls.certificate is None or tls.key is None or tls.ca is None:
        raise ConfigurationError("node.tls: certificate, key and ca are needed for TLS")
    certificates = read_certificates(tls.certificate, "node.tls.certificate")
    authorities = read_certificates(tls.ca, "node.tls.ca")
    _check_key_file(tls.key)
    password = None if tls.key_password_file is None else _read_password(tls.key_password_file)

    def make(*, server_side: bool) -> ssl.SSLContext:
        context = make_context(PROFILES[tls.profile], server_side=server_side)
        _load(context, tls, password)
        return context

    server, client, client_of_pinned = make(server_side=True), make(server_side=False), make(server_side=False)
    server.verify_mode = ssl.CERT_REQUIRED if tls.require_certificate else ssl.CERT_OPTIONAL
    client_of_pinned.check_hostname = False  # the fingerprint says who it is
    return Credentials(server, client, client_of_pinned, tuple(certificates), tuple(authorities))


def _load(context: ssl.SSLContext, tls: TlsSettings, password: bytes | None) -> None:
    """Load certificate, key and authorities into a context."""
    try:
        context.load_verify_locations(cafile=str(tls.ca))
    except (ssl.SSLError, OSError) as error:
        raise ConfigurationError(f"node.tls.ca: {tls.ca}: cannot be used: {error}") from error
    asked = False

    def ask() -> bytes:
        nonlocal asked
        asked = True
        return password or b""

    try:
        context.load_cert_chain(str(tls.certificate), str(tls.key), ask)
    except ssl.SSLError as error:
        raise ConfigurationError(_explain(error, tls, is_encrypted=asked)) from error
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"node.tls.key: {tls.key}: cannot be read: {error}") from error


def _explain(error: ssl.SSLError, tls: TlsSettings, *, is_encrypted: bool) -> str:
    if error.reason in {"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"}:
        return f"node.tls.key: {tls.key}: is not the key of the certificate {tls.certificate} (node.tls.certificate)"
    if error.reason in {"EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK"}:
        return (
            f"node.tls.certificate: {tls.certificate}: is too weak for the profile; RSA keys need 2048 bits, "
            "elliptic curves 256, signatures SHA-256"
        )
    if is_encrypted and tls.key_password_file is None:
        return f"node.tls.key: {tls.key}: is encrypted; name a file with its password in node.tls.key_password_file"
    if is_encrypted:
        return f"node.tls.key_password_file: {tls.key_password_file}: does not open the key {tls.key}"
    return f"node.tls.key: {tls.key}: is no private key in PEM form ({error.reason or error})"


def _check_key_file(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise ConfigurationError(f"node.tls.key: {path}: cannot be read: {error.strerror or error}") from error
    if mode & _OTHERS:
        raise ConfigurationError(
            f"node.tls.key: {path}: other users can read or change it (mode {stat.S_IMODE(mode):04o}); chmod 600 {path}"
        )


def _read_password(path: Path) -> bytes:
    """Read the first line of the file."""
    try:
        return path.read_bytes().splitlines()[0]
    except (OSError, IndexError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is empty"
        raise ConfigurationError(f"node.tls.key_password_file: {path}: cannot be read: {reason}") from error
