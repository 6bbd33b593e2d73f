"""Tables of calcium scores by age, sex and population group, and how a site brings its own.

A table is a CSV file in the form of the shipped one: a header, then a row for each group, sex and age with the per
cent of people that have any calcium and the Agatston scores at the 25th, 50th, 75th and 90th percentile.
"""

from __future__ import annotations

import csv
import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final, get_args

from config.errors import ConfigurationError
from config.risk import RiskSettings
from scoring.result import GROUPS, Group, Sex, Statement

HEADER: Final = ("race", "sex", "age", "p_nonzero_pct", "p25", "p50", "p75", "p90")
PERCENTS: Final = (25, 50, 75, 90)
ALL: Final = "all"
"""The group of a table that does not distinguish groups."""

MESA_NAME: Final = "MESA"
MESA_CITATION: Final = "McClelland et al., Circulation 2006;113:30"
_SEXES: Final = get_args(Sex)
_OLDEST: Final = 120.0


@dataclass(frozen=True, slots=True)
class Level:
    """People of one age (years): per cent with any calcium, and the scores at `PERCENTS`."""

    age: float
    nonzero_percent: float
    scores: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Population:
    """A named table: levels, the youngest first, by group (or `ALL`) and sex. `caveats` accompany every result."""

    name: str
    citation: str
    levels: Mapping[tuple[str, Sex], tuple[Level, ...]]
    caveats: tuple[Statement, ...] = ()

    def of(self, group: Group | None, sex: Sex) -> tuple[str, tuple[Level, ...]] | None:
        """The group under which the table lists these people, and their levels; None when it has none."""
        for name in (group, ALL):
            if name is not None and (name, sex) in self.levels:
                return name, self.levels[name, sex]
        return None


@functools.cache
def load_mesa() -> Population:
    """The shipped table: 6,110 people of 45 to 84 years without clinical disease."""
    text = resources.files("scoring.risk").joinpath("populations/mesa.csv").read_text("utf-8")
    return Population(MESA_NAME, MESA_CITATION, _parse_levels(text, "mesa.csv"), (Statement.build("mesa_lesion_size"),))


def load_configured(settings: RiskSettings) -> Population:
    """The site's own table (`[risk] table`), else the shipped one.

    Raises ConfigurationError with file, line and what is allowed when the table cannot be used.
    """
    if settings.table is None:
        return load_mesa()
    for key, value in (("table_name", settings.table_name), ("table_citation", settings.table_citation)):
        if not value.strip():
            raise ConfigurationError(f"risk.{key}: is empty; reports name a site's table by both")
    return load(settings.table, settings.table_name, settings.table_citation)


def load(path: Path, name: str, citation: str) -> Population:
    """Read a table of the form of the shipped one.

    Raises ConfigurationError with file, line, value and what is allowed.
    """
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"risk.table: {path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"risk.table: {path}: is not UTF-8 text (byte {error.start})") from error
    return Population(name, citation, _parse_levels(text, f"risk.table: {path}"))


def _parse_levels(text: str, source: str) -> dict[tuple[str, Sex], tuple[Level, ...]]:
    lines = csv.reader(text.splitlines())
    if tuple(cell.strip() for cell in next(lines, [])) != HEADER:
        raise ConfigurationError(f"{source}, line 1: the header must be {','.join(HEADER)}")
    table: dict[tuple[str, Sex], dict[float, Level]] = {}
    for cells in lines:
        where = f"{source}, line {lines.line_num}"
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(HEADER):
            raise ConfigurationError(f"{where}: {len(cells)} values; allowed: {len(HEADER)} ({','.join(HEADER)})")
        group, sex, level = _parse_row([cell.strip() for cell in cells], where)
        if level.age in table.setdefault((group, sex), {}):
            raise ConfigurationError(f"{where}: {group} {sex} of {level.age:g} years is listed twice")
        table[group, sex][level.age] = level
    if not table:
        raise ConfigurationError(f"{source}: has no row under the header")
    for (group, sex), ages in table.items():
        if len(ages) < 2:
            raise ConfigurationError(f"{source}: {group} {sex} has one age; allowed: two or more, to read between")
    return {people: tuple(ages[age] for age in sorted(ages)) for people, ages in table.items()}


def _parse_row(cells: list[str], where: str) -> tuple[str, Sex, Level]:
    def number(index: int, allowed: str, fits: Callable[[float], bool]) -> float:
        try:
            value = float(cells[index])
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and fits(value)):
            raise ConfigurationError(f"{where}: {HEADER[index]} = {cells[index]!r}; allowed: {allowed}")
        return value

    group = cells[0]
    sex = next((sex for sex in _SEXES if sex == cells[1]), None)
    if group not in (*GROUPS, ALL):
        raise ConfigurationError(f"{where}: race = {group!r}; allowed: {', '.join((*GROUPS, ALL))}")
    if sex is None:
        raise ConfigurationError(f"{where}: sex = {cells[1]!r}; allowed: {', '.join(_SEXES)}")
    age = number(2, f"years, 0 to {_OLDEST:g}", lambda value: 0 <= value <= _OLDEST)
    nonzero = number(3, "per cent, 0 to 100", lambda value: 0 <= value <= 100)
    scores: list[float] = []
    for index, percent in enumerate(PERCENTS, start=4):
        below = scores[-1] if scores else 0.0
        score = number(
            index,
            f"an Agatston score of {below:g} or more",
            lambda value, below=below: value >= below,  # type: ignore[misc]
        )
        # a tolerance of one point for rounded values
        if score > 0 and percent < 100 - nonzero - 1:
            raise ConfigurationError(
                f"{where}: {HEADER[index]} = {cells[index]!r}, but only {nonzero:g} % have any calcium; allowed: 0"
            )
        scores.append(score)
    return group, sex, Level(age, nonzero, (scores[0], scores[1], scores[2], scores[3]))
