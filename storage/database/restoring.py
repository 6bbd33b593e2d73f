"""The mark of a restore that has not finished: no index is opened beside it."""

from __future__ import annotations

from typing import Final

from config.errors import ConfigurationError
from config.settings import Settings

MARK: Final = "restore.unfinished"
"""Name of the mark in the data folder."""


def refuse_unfinished(settings: Settings) -> None:
    """Raise ConfigurationError where a restore was broken off: objects would be missing, or the whole index."""
    mark = settings.node.data_dir.resolve() / MARK
    if mark.exists():
        raise ConfigurationError(
            f"node.data_dir: a restore into {mark.parent} has not finished; run the same coronode restore again"
        )
