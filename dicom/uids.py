"""Validity of UIDs, and UIDs made here (PS3.5 9.1, B.2)."""

from __future__ import annotations

import re
import uuid
from typing import Final

_LONGEST: Final = 64
_UID: Final = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")
_UID_FORM: Final = re.compile(r"[0-9]+(\.[0-9]+)+")
_KEEPABLE: Final = re.compile(r"[0-9A-Za-z][ -~]{0,63}")
_RESERVED: Final = frozenset("\\/*?")
_NAMESPACE: Final = uuid.UUID("0b6c2f0e-58f4-4d0c-9b53-0a6c4d7c11e2")


def derived_uid(*parts: str | int, namespace: uuid.UUID = _NAMESPACE) -> str:
    """Derive a UID under 2.25 (PS3.5 B.2) from a name-based UUID (RFC 9562 version 5): equal parts, equal UID."""
    name = "\x1f".join(str(part) for part in parts)
    return f"2.25.{uuid.uuid5(namespace, name).int}"


def random_uid() -> str:
    """Make a UID under 2.25 (PS3.5 B.2) from a random UUID."""
    return f"2.25.{uuid.uuid4().int}"


def is_valid_uid(uid: str) -> bool:
    """Return whether a UID conforms to PS3.5 9.1: at most 64 characters, no component with a leading zero."""
    return len(uid) <= _LONGEST and _UID.fullmatch(uid) is not None


def is_uid_form(uid: str) -> bool:
    """Return whether a UID looks like one: numbers and dots, at most 64 characters; leading zeros are tolerated."""
    return len(uid) <= _LONGEST and _UID_FORM.fullmatch(uid) is not None


def is_keepable_uid(uid: str) -> bool:
    """Return whether an identifier may stand where the Standard wants a UID, although it need not be a valid one.

    Some archives and anonymisers write words there; they identify an object as well as numbers do. Not kept are control
    characters and others beyond ASCII, more than 64 characters, and what separates values, wildcards and paths.
    """
    return _KEEPABLE.fullmatch(uid) is not None and not _RESERVED & set(uid)
