"""Values of a query response, made from indexed text that may be invalid; no warning repeats a patient's name."""

from __future__ import annotations

import math
import re

# Representations to which Specific Character Set applies (PS3.5 6.1.2.3).
CODED = frozenset({"SH", "LO", "ST", "LT", "UC", "UT", "PN"})
# Binary numbers, with their width in bits.
BINARY = {"US": 16, "SS": 16, "UL": 32, "SL": 32}
_SIGNED = frozenset({"SS", "SL"})
_WHOLE = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def clean_values(vr: str, value: object) -> list[str]:
    """Return the values as text that is valid in an element of `vr`; none for None, "" and invalid numbers."""
    text = "" if value is None else str(value)
    if not text or vr == "SQ":
        return []
    parts = text.split("\\")
    if vr == "IS" or vr in BINARY:
        return [str(int(part)) for part in parts] if all(_is_whole(part, vr) for part in parts) else []
    if vr == "DS":
        return parts if all(_is_decimal(part) for part in parts) else []
    if vr == "PN":
        return [part.rstrip("=") for part in parts]
    if vr not in CODED and not text.isascii():
        # Single-byte characters stay as received; these representations can express no others.
        return [part.encode("latin-1", "replace").decode("latin-1") for part in parts]
    return parts


def _is_whole(part: str, vr: str) -> bool:
    if not _WHOLE.fullmatch(part):
        return False
    bits = BINARY.get(vr)
    if bits is None:
        return True
    lowest = -(1 << bits - 1) if vr in _SIGNED else 0
    return lowest <= int(part) < lowest + (1 << bits)


def _is_decimal(part: str) -> bool:
    return bool(_DECIMAL.fullmatch(part)) and math.isfinite(float(part))
