"""Options shared by several commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from config.errors import ConfigurationError

if TYPE_CHECKING:
    from config.settings import PeerSettings, Settings

F = TypeVar("F", bound=Callable[..., object])


def config_option(function: F) -> F:
    """Add --config FILE as `config_file`."""
    return click.option(
        "--config",
        "config_file",
        type=click.Path(path_type=Path),
        help="Configuration file; else $CORONODE_CONFIG, else coronode.toml in this folder, else built-in defaults.",
    )(function)


def json_option(function: F) -> F:
    """Add --json as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")(function)


def find_peer(settings: Settings, name: str) -> PeerSettings:
    """Find the configured peer of this name (in any case). Raises ConfigurationError, listing the known peers."""
    for key, peer in settings.peers.items():
        if key.lower() == name.lower():
            return peer
    known = ", ".join(sorted(settings.peers)) or "none is configured"
    raise ConfigurationError(f"no peer is named {name!r}; configured peers: {known}")
