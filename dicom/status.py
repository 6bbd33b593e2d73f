"""DIMSE status codes: what we answer, and what a peer's answer means for a delivery.

PS3.7 annex C lists the general codes, PS3.4 table B.2-1 those of C-STORE.
"""

from __future__ import annotations

from typing import Final, Literal

from pydicom.dataset import Dataset

SUCCESS: Final = 0x0000
CANCELLED: Final = 0xFE00
PENDING: Final = 0xFF00
PENDING_UNSUPPORTED: Final = 0xFF01
UNABLE_TO_PROCESS: Final = 0xC000

_LONGEST_COMMENT: Final = 64

Outcome = Literal["delivered", "transient", "permanent"]

_NAMES: Final = {
    0x0000: "success",
    0x0105: "no such attribute",
    0x0106: "invalid attribute value",
    0x0107: "attribute list error",
    0x0110: "processing failure",
    0x0111: "duplicate SOP instance",
    0x0112: "no such SOP instance",
    0x0117: "invalid SOP instance",
    0x0118: "no such SOP class",
    0x0119: "class-instance conflict",
    0x0120: "missing attribute",
    0x0121: "missing attribute value",
    0x0122: "SOP class not supported",
    0x0124: "not authorized",
    0x0210: "duplicate invocation",
    0x0211: "unrecognized operation",
    0x0212: "mistyped argument",
    0x0213: "resource limitation",
    0xFE00: "cancelled",
}
_DUPLICATE_SOP_INSTANCE: Final = 0x0111
_PASSING: Final = frozenset({0x0110, 0x0210, 0x0213, 0xFE00})


def name(status: int) -> str:
    """Words for a C-STORE status, for instance "0xA700 out of resources"."""
    if status in _NAMES:
        words = _NAMES[status]
    elif status & 0xFF00 == 0xA700:
        words = "out of resources"
    elif status & 0xFF00 == 0xA900:
        words = "data set does not match SOP class"
    elif status & 0xF000 == 0xB000:
        words = "warning"
    elif status & 0xF000 == 0xC000:
        words = "cannot understand"
    else:
        words = "failure"
    return f"0x{status:04X} {words}"


def comment(words: str) -> str:
    """An Error Comment (0000,0902), which is an LO: at most 64 characters, of ASCII here."""
    return words.encode("ascii", "replace").decode()[:_LONGEST_COMMENT]


def response(code: int, words: str = "") -> Dataset:
    """A response's status with an Error Comment as `comment` shortens it."""
    answer = Dataset()
    answer.Status = code
    if words:
        answer.ErrorComment = comment(words)
    return answer


def outcome(status: int) -> Outcome:
    """What a peer's C-STORE status means for the object that was sent.

    A warning (Bxxx) was stored; "duplicate SOP instance" means that an earlier try arrived. A full or
    busy peer (A7xx, resource limitation, processing failure) may take it later; all else will not change
    by repeating it.
    """
    if status in {SUCCESS, _DUPLICATE_SOP_INSTANCE} or status & 0xF000 == 0xB000:
        return "delivered"
    if status in _PASSING or status & 0xFF00 == 0xA700:
        return "transient"
    return "permanent"
