"""Text from outside, made safe for a line of a log or a terminal.

Headers, peers and file names choose what we print: a control sequence would clear the screen or colour a warning away,
a line break would forge a line, a bidirectional override would show an identifier reversed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import MutableMapping
from typing import Any, Final

_JOINERS: Final = frozenset("\u200c\u200d")
"""Invisible, and part of correct spelling in Persian and Indian scripts."""

_SHOWN: Final = frozenset({"Zs", "Co"})
"""Categories that Python calls unprintable and that are harmless: spaces of other widths, private use."""

_INDENT: Final = "    "
_TRACES: Final = ("exception", "stack")
_UNPRINTABLE_IN_JSON: Final = re.compile(r"[^ -~\n]")


def escape(text: str) -> str:
    """Return a text as one line: control, format and unassigned characters are shown as their Python escapes."""
    return text if text.isprintable() else "".join(map(_escape_character, text))


def escape_json(text: str) -> str:
    """Escape the same characters in a JSON text, whose strings keep their values (RFC 8259 section 7)."""
    return text if text.isascii() and "\x7f" not in text else _UNPRINTABLE_IN_JSON.sub(_escape_for_json, text)


def escape_event(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape the texts of a log event: a processor of structlog.

    Numbers stay, other values are shown by their `repr`, which escapes by itself. A trace keeps its lines, indented, so
    that none can pass for an event.
    """
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = _escape_trace(value) if key in _TRACES else escape(value)
    return event


def _escape_trace(text: str) -> str:
    return f"\n{_INDENT}".join(escape(line.expandtabs()) for line in text.split("\n"))


def _escape_character(character: str) -> str:
    if character.isprintable() or character in _JOINERS or unicodedata.category(character) in _SHOWN:
        return character
    return character.encode("unicode_escape").decode("ascii")


def _escape_for_json(found: re.Match[str]) -> str:
    character = found[0]
    if _escape_character(character) == character:
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
