"""Settings: inputs of the risk tables that images do not carry."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from config.section import Section

PopulationGroup = Literal["white", "chinese", "black", "hispanic"]


class RiskSettings(Section):
    """Inputs of the risk tables that the images do not carry; none is ever guessed.

    `group` is the default for every patient; `groups` maps the text or code of Ethnic Group (0010,2160) to a
    group of the table; `table` is a site's own CSV in the form of the shipped one.
    """

    group: PopulationGroup | None = None
    groups: dict[str, PopulationGroup] = Field(default={})
    table: Path | None = None
    table_name: str = ""
    table_citation: str = ""
