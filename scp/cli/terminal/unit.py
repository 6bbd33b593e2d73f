"""A systemd unit for the configured node."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from config.errors import ConfigurationError

if TYPE_CHECKING:
    from config.settings import Settings

_LAST_PRIVILEGED_PORT: Final = 1023
_UNSAFE: Final = frozenset(" \t\"'\\%$")
"""Characters that systemd reads as something else than part of a word."""


def format_unit(settings: Settings, *, executable: Path, config_file: Path, user: str) -> str:
    """Return the unit file of a node that runs as `user`, whose state folder is /var/lib/USER.

    What else the configuration writes to is made writable; a port below 1024 brings the one capability that it needs.
    Raises ConfigurationError for a path that a unit cannot name.
    """
    template = resources.files("scp.cli").joinpath("files/coronode.service").read_text(encoding="utf-8")
    return template.format(
        user=_check(user),
        name=_check(user),
        executable=_check(str(executable)),
        config=_check(str(config_file)),
        more="\n".join([*_list_rights(settings), *_list_writable(settings, Path("/var/lib") / user)]),
    )


def _list_rights(settings: Settings) -> Iterator[str]:
    ports = [settings.web.port, settings.node.tls.port or 0, 0 if settings.node.tls.only else settings.node.port]
    if any(0 < port <= _LAST_PRIVILEGED_PORT for port in ports):
        yield "CapabilityBoundingSet=CAP_NET_BIND_SERVICE"
        yield "AmbientCapabilities=CAP_NET_BIND_SERVICE"
    else:
        yield "CapabilityBoundingSet="
        yield "PrivateUsers=true"


def _list_writable(settings: Settings, state: Path) -> Iterator[str]:
    from storage.database.engine import find_file
    from storage.objects.opening import find_folder

    folders = [settings.node.data_dir]
    if (settings.storage.blobs_url or "").startswith("file:"):
        folders.append(find_folder(settings))
    if settings.storage.database_url and (file := find_file(settings.storage.database_url)):
        folders.append(file.parent)
    for folder in dict.fromkeys(folders):
        # a relative path lies in the working folder, which is the state folder
        if folder.is_absolute() and not folder.is_relative_to(state):
            yield f"ReadWritePaths={_check(str(folder))}"


def _check(word: str) -> str:
    if _UNSAFE.intersection(word):
        raise ConfigurationError(f"{word!r}: a systemd unit cannot name it; use a path without spaces and quotes")
    return word
