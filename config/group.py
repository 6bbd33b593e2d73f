"""Settings: several processes or machines on one index."""

from __future__ import annotations

from typing import Final, Literal, get_args

from pydantic import Field

from config.section import Section

Role = Literal["receive", "score", "deliver", "web"]

EVERY_ROLE: Final[tuple[Role, ...]] = get_args(Role)


class GroupSettings(Section):
    """Several processes or machines on one index: `roles` are what this one does, unless `--roles` says otherwise."""

    roles: tuple[Role, ...] = Field(default=EVERY_ROLE, min_length=1)
