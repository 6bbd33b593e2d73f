"""Passwords: which are allowed, and their hashes by argon2id.

The rules are those of NIST SP 800-63B-4, 3.1.1.2, for a password that is the only factor: at least 15 characters, all
of Unicode, no rules of composition, no periodic change, and none that is commonly used or made of the names at hand.
"""

from __future__ import annotations

import functools
import re
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from storage.accounts.refusals import AccountRefused

SHORTEST: Final = 15
LONGEST: Final = 256
_OWN_CHARACTERS: Final = 6
"""So many must remain of a password without its common words, repetitions and sequences."""
_SHORTEST_WORD: Final = 4
_SEQUENCES: Final = ("abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "qwertzuiop", "asdfghjkl", "zxcvbnm", "01234567890")
_RUN: Final = 4
_REPEATED: Final = re.compile(r"(.{1,5}?)\1{2,}")

_AT_ONCE: Final = 2
_WAITING: Final = 8
_WAIT_SECONDS: Final = 10.0


class Busy(Exception):
    """So many passwords are being compared that another would have to wait too long."""


class Hasher:
    """Hashes and compares passwords, few at once: each takes 64 MiB and a good part of the processor."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._running = threading.BoundedSemaphore(_AT_ONCE)
        self._places = threading.BoundedSemaphore(_AT_ONCE + _WAITING)
        self._nobody = ""

    def hash(self, password: str) -> str:
        """Hash a password with a salt of its own. Raises Busy."""
        with self._turn():
            return self._hasher.hash(normalize(password))

    def is_of(self, password_hash: str, password: str) -> bool:
        """Return whether a hash is that of a password; where there is no hash, after the same time. Raises Busy."""
        with self._turn():
            nobody = self._hash_of_nobody()  # made by whichever name is tried first
            try:
                self._hasher.verify(password_hash or nobody, normalize(password))
                return bool(password_hash)
            except (VerificationError, InvalidHashError):
                return False

    def is_weak(self, password_hash: str) -> bool:
        """Return whether a hash was made with less than today's parameters."""
        return self._hasher.check_needs_rehash(password_hash)

    def _hash_of_nobody(self) -> str:
        if not self._nobody:
            self._nobody = self._hasher.hash("nobody has this password")
        return self._nobody

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise Busy
        try:
            if not self._running.acquire(timeout=_WAIT_SECONDS):
                raise Busy
            try:
                yield
            finally:
                self._running.release()
        finally:
            self._places.release()


def normalize(password: str) -> str:
    """Return a password in the form that is hashed: the same from every keyboard (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def check(password: str, *names: str) -> None:
    """Check a new password; `names` are those of the account.

    Raises AccountRefused ("password_short", "password_long", "password_common").
    """
    normal = normalize(password)
    if len(normal) < SHORTEST:
        raise AccountRefused("password_short", least=SHORTEST)
    if len(normal) > LONGEST:
        raise AccountRefused("password_long", most=LONGEST)
    if _count_own(normal.casefold(), names) < _OWN_CHARACTERS:
        raise AccountRefused("password_common")


def _count_own(password: str, names: tuple[str, ...]) -> int:
    """Count the characters that are neither a common word, nor a name at hand, nor a repetition or a sequence."""
    at_hand = {part for name in names for part in re.split(r"\W+", name.casefold()) if len(part) >= _SHORTEST_WORD}
    for word in sorted({*_load_common(), *at_hand}, key=len, reverse=True):
        password = password.replace(word, " ")
    password = _REPEATED.sub(" ", password)
    for sequence in _SEQUENCES:
        for run in (sequence, sequence[::-1]):
            for length in range(len(run), _RUN - 1, -1):
                for start in range(len(run) - length + 1):
                    password = password.replace(run[start : start + length], " ")
    return len(re.findall(r"\S", password))


@functools.cache
def _load_common() -> frozenset[str]:
    text = files("scp.web.accounts").joinpath("common_passwords.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))
