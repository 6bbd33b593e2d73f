"""Text without what no one can read: one rule for what is indexed, matched, copied and printed (PS3.5 6.1.3)."""

from __future__ import annotations

import re
from typing import Final

from dicom.character_sets import CODED_VRS

_BREAKS: Final = re.compile(r"[\t-\r\x85]+")
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROLS_OF_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")

# text that may have tabs, line feeds, form feeds and carriage returns (PS3.5 6.2)
_PARAGRAPHS: Final = frozenset({"ST", "LT", "UT"})


def clean_text(value: str, vr: str) -> str:
    """Return one value as it is compared and shown: without padding, and where it is text, without control characters.

    What is no text (a code, a UID, a number) keeps them, because there they make the value another one.
    """
    if vr in _PARAGRAPHS:
        return clean_paragraphs(value).strip(" ")
    return clean_line(value).strip() if vr in CODED_VRS else value.strip(" \0")


def clean_line(text: str) -> str:
    """Remove control characters; a run of those that break a line or separate words becomes a space.

    A lone surrogate, which no encoding can write, becomes a question mark.
    """
    return _encodable(_CONTROLS.sub("", _BREAKS.sub(" ", text)))


def clean_paragraphs(text: str) -> str:
    """As `clean_line`, but tabs, line feeds, form feeds and carriage returns stay."""
    return _encodable(_CONTROLS_OF_TEXT.sub("", text))


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
