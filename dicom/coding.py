"""Coded entries (PS3.3 8.8): a code, its scheme and its meaning."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydicom.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Code:
    """A concept as Code Value, Coding Scheme Designator and Code Meaning; the meaning is not compared (PS3.3 8.3)."""

    value: str
    scheme_designator: str
    meaning: str = field(compare=False)


def code_item(code: Code) -> Dataset:
    """Make the item of a code sequence for a code (PS3.3 8.8)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme_designator, code.meaning
    return item
