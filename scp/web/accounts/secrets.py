"""Secrets that are made here and told once: tokens of sessions and machines, temporary passwords."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

MACHINE_PREFIX: Final = "coronode_"
"""Begins the token of a machine, so that those who scan for leaked secrets know it."""

_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without letters and digits that look alike."""
_GROUPS: Final = 5
_GROUP: Final = 4


def make_token() -> str:
    """Make a token of 256 bits."""
    return secrets.token_urlsafe(32)


def make_machine_token() -> str:
    """Make a token for a machine, of 256 bits."""
    return MACHINE_PREFIX + make_token()


def make_temporary_password() -> str:
    """Make a password of 99 bits that can be read out over the telephone."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))


def digest(token: str) -> str:
    """Return what is kept of a token: it has enough entropy that no slow hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def derive(secret: str, purpose: str) -> str:
    """Return a value that proves knowledge of `secret` for one purpose and tells nothing of it."""
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()


def is_same(given: str, expected: str) -> bool:
    """Compare in a time that does not depend on where the two differ."""
    return hmac.compare_digest(given.encode(), expected.encode())
