"""Formatting settings as a configuration file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")


def format_toml(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """Format nested tables of strings, numbers, booleans and lists as TOML 1.0; keys without a value are left out."""
    return "\n".join(line for name, table in sections.items() for line in _format_table((name,), table)).lstrip("\n")


def _format_table(path: tuple[str, ...], table: Mapping[str, Any]) -> Iterator[str]:
    values = {key: value for key, value in table.items() if value is not None and not isinstance(value, Mapping)}
    if values:
        yield f"\n[{'.'.join(map(_format_key, path))}]"
    for key, value in values.items():
        yield f"{_format_key(key)} = {_format_value(value)}"
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _format_table((*path, key), value)


def _format_key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _format_text(name)


def _format_value(value: object) -> str:
    if isinstance(value, str):
        return _format_text(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_format_value, value))}]"
    return json.dumps(value)


def _format_text(text: str) -> str:
    """Format a basic string: JSON's escapes are valid TOML, which also wants DEL escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
