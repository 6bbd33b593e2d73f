"""Anatomy engines by name: the built-in one, and plug-ins (entry point group `coronode.anatomy`)."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from config.errors import ConfigurationError

if TYPE_CHECKING:
    from scoring.anatomy import Anatomy
    from scoring.images.volume import Volume

GROUP: Final = "coronode.anatomy"
OURS: Final = "default"


def check(name: str) -> None:
    """Raise ConfigurationError when no engine of that name is installed; nothing is loaded."""
    known = importlib.metadata.entry_points(group=GROUP).names
    if name != OURS and name not in known:
        installed = ", ".join(sorted({OURS, *known}))
        raise ConfigurationError(f"scoring.engine: there is no engine named {name!r}; installed: {installed}")


def finder(name: str) -> Callable[[Volume], Anatomy]:
    """Load the function that finds the anatomy in a volume.

    Raises ConfigurationError when there is none of that name or it cannot be loaded.
    """
    check(name)
    if name == OURS:
        # imported here: scoring with a mask needs neither anatomy nor its runtime
        find: Callable[[Volume], Anatomy] = importlib.import_module("scoring.anatomy").find
        return find
    try:
        plugin: Callable[[Volume], Anatomy] = importlib.metadata.entry_points(group=GROUP)[name].load()
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"scoring.engine: engine {name!r} cannot be loaded: {error}") from error
    return plugin
