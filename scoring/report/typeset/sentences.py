"""The node's own sentences in the language of a document, with a capital at the front and a full stop at the end."""

from __future__ import annotations

from scoring.report.common.texts import Texts


def sentence(words: str) -> str:
    """A whole sentence of words that may lack the capital or the full stop."""
    words = words.strip()
    return f"{words[:1].upper()}{words[1:]}{'' if words.endswith(('.', '!', '?')) else '.'}" if words else ""


def sentences(texts: Texts, reason: str) -> str:
    """A reason of one or more sentences; "" for none."""
    return "" if not reason else sentence(". ".join(map(texts.said, reason.split(". "))))
