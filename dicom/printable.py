"""Text in which every character can be seen; without a library, because status codes are named by every command."""

from __future__ import annotations


def make_printable(text: str, substitute: str = "?") -> str:
    """Put a substitute in the place of each character that has no visible form: controls, bidirectional overrides."""
    return "".join(character if character.isprintable() else substitute for character in text)
