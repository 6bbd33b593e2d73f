"""Numbers in binary value representations (PS3.5 6.2)."""

from __future__ import annotations

import struct
from typing import Final

_CODES: Final = {
    "US": "H",
    "SS": "h",
    "UL": "L",
    "SL": "l",
    "UV": "Q",
    "SV": "q",
    "FL": "f",
    "FD": "d",
}
BINARY_VRS: Final = frozenset(_CODES)
"""Representations whose values are binary numbers."""

BYTES_VRS: Final = frozenset({"UN", "OB", "OW"})
"""Bytes whose meaning a converter did not know: what the attribute is says how to read them."""


def unpack_numbers(value: bytes, vr: str, *, little: bool) -> tuple[int | float, ...]:
    """Return the numbers of a value of one of `BINARY_VRS`; none when its length does not fit."""
    code = ("<" if little else ">") + _CODES[vr]
    if len(value) % struct.calcsize(code):
        return ()
    return tuple(number for (number,) in struct.iter_unpack(code, value))


def decode_numbers(value: bytes, vr: str, *, little: bool) -> str:
    """Return the numbers as text, joined by a backslash; "" when the length does not fit."""
    return "\\".join(map(write_number, unpack_numbers(value, vr, little=little)))


def write_number(number: float) -> str:
    """Return a number as text, a whole one without decimals, as Integer and Decimal String would have it."""
    return str(int(number)) if float(number).is_integer() else str(number)
