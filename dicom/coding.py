"""Coded entries (PS3.3 8.8): a code, the scheme that it is from, and what it means."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Code:
    """A concept as Code Value, Coding Scheme Designator and Code Meaning; the meaning is not compared (PS3.3 8.3)."""

    value: str
    scheme_designator: str
    meaning: str = field(compare=False)
