"""Elements of an answer, made from indexed text that may break the rules; no warning repeats a patient's name."""

from __future__ import annotations

import math

from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.sequence import Sequence

_WHOLE = frozenset({"IS", "US", "SS", "UL", "SL"})


def element(tag: int, vr: str, value: str | int | None) -> DataElement:
    """An element of the dictionary's `vr`; zero length for None, "" and for numbers that are none."""
    if vr == "SQ":
        return DataElement(tag, vr, Sequence())
    text = "" if value is None else str(value)
    if vr in _WHOLE and not all(_is_whole(part) for part in text.split("\\")):
        text = ""
    if vr == "DS" and not all(_is_decimal(part) for part in text.split("\\")):
        text = ""
    if not text:
        return DataElement(tag, vr, None)
    parts = text.split("\\")
    content: object = parts if len(parts) > 1 else text
    if vr in _WHOLE:
        numbers = [int(part) for part in parts]
        content = numbers if len(numbers) > 1 else numbers[0]
    return DataElement(tag, vr, content, validation_mode=IGNORE)


def _is_whole(part: str) -> bool:
    return part.removeprefix("-").removeprefix("+").isdecimal() and part.isascii()


def _is_decimal(part: str) -> bool:
    try:
        return math.isfinite(float(part)) and part.isascii()
    except ValueError:
        return False
