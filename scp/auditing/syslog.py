"""Audit messages by syslog (RFC 5424), over TLS (RFC 5425): the transmission profile of DICOM PS3.15 A.6."""

from __future__ import annotations

import os
import re
import socket
import ssl
from datetime import UTC, datetime
from typing import Final

from config.auditing import AuditSettings
from config.errors import ConfigurationError, Transient

MSGID: Final = "DICOM+RFC3881"
_PRIORITY: Final = 10 * 8 + 5
"""Facility security/authorization, severity notice."""
_BOM: Final = "\ufeff"
_LONGEST_HOST: Final = 255
_SECONDS: Final = 15.0
_NOT_PRINTED: Final = re.compile(r"[^\x21-\x7e]")


def format_line(message: str, at: datetime, position: int, host: str) -> str:
    """Return a syslog message; its sequenceId is the place in the chain, by which a collector finds repeats."""
    time = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    name = _NOT_PRINTED.sub("-", host)[:_LONGEST_HOST] or "-"
    counted = (position - 1) % (2**31 - 1) + 1  # the highest sequenceId (RFC 5424 7.3.1)
    header = f'<{_PRIORITY}>1 {time} {name} coronode {os.getpid()} {MSGID} [meta sequenceId="{counted}"]'
    return f"{header} {_BOM}{message}"


class Collector:
    """A connection to the collector, opened when it is needed."""

    def __init__(self, settings: AuditSettings) -> None:
        self._settings = settings
        self._connection: socket.socket | None = None

    def send(self, lines: list[str]) -> None:
        """Send messages, each with its length in front. Raises Transient when the collector does not take them."""
        framed = b"".join(b"%d %s" % (len(data), data) for data in map(str.encode, lines))
        try:
            self._check_end()
            if self._connection is None:
                self._connection = self._open()
            self._connection.sendall(framed)
        except OSError as error:
            self.close()
            raise Transient(
                f"audit.collector: {self._settings.collector} takes no messages: {error.strerror or error}"
            ) from error

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _check_end(self) -> None:
        """Close a connection that the collector has ended: what is written to it would be lost without a word."""
        if self._connection is None:
            return
        self._connection.settimeout(0)
        try:
            ended = self._connection.recv(1) == b""
        except (BlockingIOError, ssl.SSLWantReadError):
            ended = False
        except OSError:
            ended = True
        if ended:
            self.close()
        else:
            self._connection.settimeout(_SECONDS)

    def _open(self) -> socket.socket:
        address = self._settings.address
        if address is None:
            raise ConfigurationError("audit.collector: there is none")
        connection = socket.create_connection(address, _SECONDS)
        if not self._settings.is_secure:
            return connection
        try:
            return make_context(self._settings).wrap_socket(connection, server_hostname=address[0])
        except BaseException:
            connection.close()
            raise


def make_context(settings: AuditSettings) -> ssl.SSLContext:
    """Return the TLS context for the collector. Raises ConfigurationError when a file cannot be used."""
    try:
        context = ssl.create_default_context(cafile=settings.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if settings.certificate is not None:
            context.load_cert_chain(settings.certificate, settings.key, password=lambda: "")
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"audit.ca, audit.certificate, audit.key: cannot be used: {error}") from error
    return context
