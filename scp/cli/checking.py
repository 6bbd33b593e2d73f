"""Whether the files and engines that a configuration names can be used: before a start, and before a reload."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from config.errors import ConfigurationError
from config.secrets import list_secret_files, read_secret
from config.settings import Settings
from config.tls import FINGERPRINT

_OF_TLS: Final = "node.tls.key_password_file"


def check_named(settings: Settings) -> None:
    """Raise ConfigurationError for the first that cannot be used, with key, file, and what to do."""
    from scoring import plugins
    from scoring.report.typeset import site
    from scoring.risk import population
    from scp.network.tls.certificates import read_certificates
    from scp.network.tls.credentials import load_credentials
    from scp.web.certificate import check_certificate

    plugins.check(settings.scoring.engine)
    population.load_configured(settings.risk)
    site.check(settings.results)
    if settings.node.tls.is_configured:
        load_credentials(settings.node.tls)
    check_certificate(settings.web)
    for key, file in _list_certificates(settings):
        read_certificates(file, key)
    for key, file in list_secret_files(settings):
        if key != _OF_TLS:  # of which the first line counts, and which was read above
            read_secret(None, file, key)
    _check_folder(settings)


def _list_certificates(settings: Settings) -> Iterator[tuple[str, Path]]:
    """Yield the files of certificates that sections of peers name."""
    for name, peer in settings.peers.items():
        for pin in peer.certificate:
            if not pin.startswith(FINGERPRINT):
                yield f"peers.{name}.certificate", Path(pin)
        if peer.ca is not None:
            yield f"peers.{name}.ca", peer.ca


def _check_folder(settings: Settings) -> None:
    """Refuse a data folder that is a file, or lies in one."""
    folder = settings.node.data_dir.absolute()
    places = [str(place) for place in (folder, *folder.parents)]
    wrong = next((place for place in places if os.path.exists(place) and not os.path.isdir(place)), None)  # noqa: PTH110, PTH112  # those of Path raise
    if wrong is not None:
        raise ConfigurationError(f"node.data_dir = {str(folder)!r}: {wrong} is no folder; choose another place")
