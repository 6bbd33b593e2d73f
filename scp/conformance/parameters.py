"""The parameters of the configuration that matter to a peer: keys and defaults from the settings."""

from __future__ import annotations

import re
from typing import Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from config.load import read_defaults
from config.results import ResultsSettings
from config.settings import CompletionSettings, NodeSettings, PeerSettings, PriorsSettings
from config.tls import TlsSettings
from scp.conformance.table import code, format_table

_LINE: Final = re.compile(r"(?:# )?(\w+) = .*?  *# +(.*)")
_SECTION: Final = re.compile(r"(?:# )?\[([\w.]+)\]")

_SECTIONS: Final[tuple[tuple[str, type[BaseModel], str], ...]] = (
    ("node", NodeSettings, ""),
    ("node.tls", TlsSettings, ""),
    ("peers.PACS", PeerSettings, ""),
    ("completion", CompletionSettings, ""),
    ("results", ResultsSettings, "retry_"),
    ("priors", PriorsSettings, ""),
)
"""Sections of the defaults, their settings, and how the keys begin that are told."""


def format_parameters() -> str:
    """Format the keys of the network: default and meaning. Raises KeyError for a key without a meaning."""
    meanings = _read_meanings()
    rows = [
        (code(f"{section.replace('PACS', 'NAME')}.{key}"), _name_default(field), meanings[section, key])
        for section, settings, start in _SECTIONS
        for key, field in settings.model_fields.items()
        if key.startswith(start) and not _is_section(field)
    ]
    return format_table(("Parameter", "Default", "Meaning"), rows)


def _read_meanings() -> dict[tuple[str, str], str]:
    """Read what the file of defaults says about each key, by section and key."""
    meanings: dict[tuple[str, str], str] = {}
    section = ""
    for line in read_defaults().splitlines():
        if named := _SECTION.match(line):
            section = named[1]
        elif said := _LINE.match(line):
            meanings[section, said[1]] = said[2]
    return meanings


def _name_default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required"
    if field.default is None:
        return "none"
    if isinstance(field.default, bool):
        return code(str(field.default).lower())
    if isinstance(field.default, tuple):
        return ", ".join(code(value) for value in field.default) or "empty"
    return code(field.default)


def _is_section(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
