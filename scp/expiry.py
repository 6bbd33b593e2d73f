"""How long the certificates of the configuration are valid: for metrics, log, `doctor` and `config check`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from config.errors import ConfigurationError
from config.settings import Settings
from config.tls import FINGERPRINT
from scp import metrics
from scp.network.tls.certificates import Certificate, read_certificates
from scp.network.tls.credentials import watch_credentials, watch_fingerprints
from scp.rounds import Rounds

log = structlog.get_logger(__name__)

WARN_BEFORE: Final = timedelta(days=30)
_LOG_EVERY: Final = timedelta(days=1)
_LOOK_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Named:
    """A file of certificates and the setting that names it; `first_to_end` is the one of them that expires first."""

    setting: str
    path: Path
    first_to_end: Certificate

    def describe(self, now: datetime) -> str:
        """Say in words how long it is valid, and what to do when that is not long."""
        certificate = self.first_to_end
        if certificate.not_before > now:
            return f"{self.path}: {certificate.subject} is not valid before {_format(certificate.not_before)}"
        end = _format(certificate.not_after)
        if certificate.not_after < now:
            return f"{self.path}: {certificate.subject} has expired on {end}; replace the file, no restart is needed"
        days = (certificate.not_after - now).days
        words = f"{self.path}: {certificate.subject} is valid until {end}, {days} day{'' if days == 1 else 's'}"
        return f"{words}; replace the file, no restart is needed" if self.ends_soon(now) else words

    def is_valid(self, now: datetime) -> bool:
        """Return whether all of its certificates that matter are valid."""
        return self.first_to_end.is_valid(now)

    def ends_soon(self, now: datetime) -> bool:
        """Return whether it is time to warn."""
        return self.first_to_end.not_after - now < WARN_BEFORE


def list_named(settings: Settings, now: datetime) -> Iterator[Named]:
    """Yield the files of certificates that the configuration names.

    The node's own chain ends with its first certificate. Of authorities, and of a peer's certificates, those that have
    expired are left out as long as others are there: while one is renewed, both stand in the file. Raises
    ConfigurationError when a file cannot be read.
    """
    tls = settings.node.tls
    if tls.certificate is not None:
        found = read_certificates(tls.certificate, "node.tls.certificate")
        yield Named("node.tls.certificate", tls.certificate, _find_first_to_end(found))
    trusted = [] if tls.ca is None else [("node.tls.ca", tls.ca)]
    for name, peer in settings.peers.items():
        files = [Path(pin) for pin in peer.certificate if not pin.startswith(FINGERPRINT)]
        trusted += [(f"peers.{name}.certificate", file) for file in files]
    for setting, path in trusted:
        found = read_certificates(path, setting)
        yield Named(setting, path, _find_first_to_end([one for one in found if one.not_after >= now] or found))


def _find_first_to_end(certificates: Sequence[Certificate]) -> Certificate:
    return min(certificates, key=lambda one: one.not_after)


class ExpiryWatch:
    """Looks once a minute: sets the metric, warns in the log once a day, and takes up changed files."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        """Raises ConfigurationError when files of TLS cannot be used."""
        self._settings = settings
        self._clock = clock
        self._warned: dict[Path, datetime] = {}
        failed, again = "looking at the certificates failed", "the certificates are looked at again"
        self._rounds = Rounds("certificates", self._look_if_needed, _LOOK_SECONDS, failed=failed, again=again)
        self.is_needed = settings.node.tls.is_configured
        if self.is_needed:
            watch_credentials(settings.node.tls)

    def adopt(self, settings: Settings) -> None:
        """Look after the files of another configuration, now and from now on."""
        self._settings = settings
        self.is_needed = settings.node.tls.is_configured
        self.start()
        if self.is_needed:
            self.look()

    def start(self) -> None:
        """Begin to look, where TLS is configured."""
        if self.is_needed:
            self._rounds.start()

    def stop(self) -> None:
        """End."""
        self._rounds.stop()

    def look(self) -> None:
        """Look now."""
        watch_credentials(self._settings.node.tls).get()
        for name, peer in self._settings.peers.items():
            watch_fingerprints(peer.certificate, f"peers.{name}.certificate").get()
        now = self._clock()
        try:
            for named in list_named(self._settings, now):
                metrics.CERTIFICATE_END.labels(str(named.path)).set(named.first_to_end.not_after.timestamp())
                self._warn(named, now)
        except ConfigurationError as error:  # whoever uses the file has logged it, and keeps its earlier contents
            log.debug("a certificate cannot be read", reason=str(error))

    def _warn(self, named: Named, now: datetime) -> None:
        warned = self._warned.get(named.path)
        if named.is_valid(now) and not named.ends_soon(now):
            self._warned.pop(named.path, None)
        elif warned is None or now - warned >= _LOG_EVERY:
            self._warned[named.path] = now
            log.warning("a certificate ends soon, or is not valid", setting=named.setting, reason=named.describe(now))

    def _look_if_needed(self) -> None:
        if self.is_needed:
            self.look()


def _format(time: datetime) -> str:
    return f"{time:%Y-%m-%d}"
