"""Which series `coronode series rescore --all` takes: by state, reason, day and sender."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from storage.database.engine import Database
    from storage.series.states import SeriesState, State


def split(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...]:
    """Split a list with commas, as the callback of an option."""
    del ctx, param
    return tuple(part.strip() for part in value.split(",") if part.strip()) if value else ()


def check_states(names: Sequence[str]) -> tuple[State, ...]:
    """Return the states of these names, by default every state with a score or a reason. Raises BadParameter."""
    from storage.series.states import FINISHED, State

    for name in names:
        if name not in FINISHED:
            message = f"{name!r}; allowed: {', '.join(FINISHED)}, separated by commas"
            raise click.BadParameter(message, param_hint="--state")
    return tuple(State(name) for name in names) or FINISHED


def check_reasons(database: Database, names: Sequence[str]) -> None:
    """Check reason codes against the catalogue and the index. Raises BadParameter with those that there are."""
    from scoring.report.common.texts import load_english
    from storage.series.states import count_reasons

    there = count_reasons(database)
    keys = (key.partition(".") for key in load_english().words)
    known = {name.partition("-")[0] for section, _, name in keys if section == "refusals"} | there.keys()
    for name in names:
        if name not in known:
            listed = ", ".join(f"{code} ({count})" for code, count in there.items()) or "none"
            message = f"no series can have the reason {name!r}; reasons of series here: {listed}"
            raise click.BadParameter(message, param_hint="--reason")


def find(
    database: Database,
    states: Sequence[State],
    reasons: Sequence[str],
    since: datetime | None,
    calling_ae: str | None,
) -> list[SeriesState]:
    """Find the series that were received since a day (UTC) from a sender, oldest first, if they have any image."""
    from storage.series.states import find_series

    after = None if since is None else since.replace(tzinfo=UTC)
    return find_series(database, states, reason_codes=reasons, since=after, calling_ae=calling_ae)
