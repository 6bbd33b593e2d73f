"""Roles: what a process of the node does. One process may do all of it, or each machine of a group a part."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from config.errors import ConfigurationError
from config.group import EVERY_ROLE, Role
from config.settings import Settings
from scp.group.duties import Duty

_DUTIES: Final[dict[Role, tuple[Duty, ...]]] = {
    "receive": ("completion", "witness", "retention", "audit", "alerts"),
    "score": ("completion", "retention", "audit", "alerts"),
    "deliver": ("completion", "retention", "audit", "alerts"),
    "web": (),
}
"""What a process of a role may do for all: any may look after the tables; only one that receives asks for images."""


def read_roles(words: str) -> tuple[Role, ...]:
    """Read roles separated by commas, in any order. Raises ConfigurationError for one that does not exist, or none."""
    wanted = {word.strip().lower() for word in words.split(",") if word.strip()}
    unknown = sorted(wanted.difference(EVERY_ROLE))
    if unknown or not wanted:
        found = f"there is no role {', '.join(unknown)}" if unknown else "no role is named"
        raise ConfigurationError(f"--roles: {found}; allowed: {', '.join(EVERY_ROLE)}, separated by commas")
    return tuple(role for role in EVERY_ROLE if role in wanted)


def choose_roles(settings: Settings, words: str | None) -> Settings:
    """Return the settings with the roles that the command line names, if any. Raises ConfigurationError."""
    if words is None:
        return settings
    return settings.model_copy(update={"group": settings.group.model_copy(update={"roles": read_roles(words)})})


def list_duties(roles: Iterable[Role]) -> Collection[Duty]:
    """List the duties that a process of these roles may take."""
    return {duty for role in roles for duty in _DUTIES[role]}
