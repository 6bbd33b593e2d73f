"""The certificate of the pages: checked before it is used, and taken up when its files change."""

from __future__ import annotations

import ssl
import threading
from pathlib import Path
from typing import Final

import structlog

from config.errors import ConfigurationError
from config.web import WebSettings

log = structlog.get_logger(__name__)

_LOOK_SECONDS: Final = 60.0


def check_certificate(web: WebSettings) -> None:
    """Raise ConfigurationError where HTTPS cannot be spoken with the files of the configuration."""
    if web.certificate is None or web.private_key is None:
        return
    for key, file in (("certificate", web.certificate), ("private_key", web.private_key)):
        try:
            file.read_bytes()
        except OSError as error:
            raise ConfigurationError(f"web.{key}: {file} cannot be read ({error.strerror})") from error
    _load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), web.certificate, web.private_key)


def watch_certificate(context: ssl.SSLContext, web: WebSettings, stop: threading.Event) -> None:
    """Load the files again whenever one has changed, until `stop`; files that do not fit are logged and not used."""
    if web.certificate is None or web.private_key is None:
        return
    known = _read_times(web.certificate, web.private_key)
    while not stop.wait(_LOOK_SECONDS):
        now = _read_times(web.certificate, web.private_key)
        if now == known or not now:
            continue
        try:
            check_certificate(web)
            _load(context, web.certificate, web.private_key)
        except ConfigurationError as error:
            log.error("the certificate of the pages stays as it was", reason=str(error))
        else:
            log.info("the certificate of the pages was read again")
        known = now


def _load(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        # with a password that is wrong, where otherwise the terminal would be asked for one
        context.load_cert_chain(certificate, key, password=lambda: b"")
    except (ssl.SSLError, OSError, ValueError) as error:
        raise ConfigurationError(
            f"web.certificate, web.private_key: {certificate} and {key} are not a certificate and its key without a "
            f"password, both PEM ({getattr(error, 'reason', None) or error})"
        ) from error


def _read_times(*files: Path) -> tuple[int, ...]:
    try:
        return tuple(file.stat().st_mtime_ns for file in files)
    except OSError:
        return ()
