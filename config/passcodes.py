"""Passcodes of users, kept as salted hashes that are slow to compute (scrypt, RFC 7914).

A hash is written in the PHC string format: $scrypt$ln=15,r=8,p=3$SALT$HASH, in base64 without padding.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Final, Self

LONGEST_PASSCODE: Final = 1024
"""Bytes."""

_FORM: Final = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)")
_SALT_BYTES: Final = 16
_HASH_BYTES: Final = 32
_LEAST_BYTES: Final = 16
_MIB: Final = 1024 * 1024
_MOST_MEMORY: Final = 256 * _MIB
_MOST_WORK: Final = 16
"""Times the memory is passed through (p): a hash must not take minutes."""


@dataclass(frozen=True, slots=True)
class HashedPasscode:
    """A hash with its salt and cost: 2 ** `log_rounds` blocks of 128 * `block_size` bytes, `parallel` times."""

    salt: bytes
    digest: bytes
    log_rounds: int = 15
    block_size: int = 8
    parallel: int = 3

    @classmethod
    def make(cls, passcode: str) -> Self:
        """Hash a passcode with a salt of its own; takes a quarter of a second and 32 MiB."""
        plain = cls(secrets.token_bytes(_SALT_BYTES), bytes(_HASH_BYTES))
        return cls(plain.salt, plain._compute(passcode.encode()))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the written form. Raises ValueError when it is not one, or costs too much or protects too little."""
        parts = _FORM.fullmatch(text)
        if parts is None:
            raise ValueError("not a hash of a passcode: write what `coronode config passcode` prints")
        log_rounds, block_size, parallel = (int(part) for part in parts.groups()[:3])
        try:
            salt, digest = (b64decode(part + "=" * (-len(part) % 4), validate=True) for part in parts.groups()[3:])
        except binascii.Error as error:
            raise ValueError(f"salt or hash is no base64: {error}") from None
        parsed = cls(salt, digest, log_rounds, block_size, parallel)
        if not (log_rounds and block_size and 0 < parallel <= _MOST_WORK and parsed._memory() <= _MOST_MEMORY):
            raise ValueError("a cost of ln 1 or more, r 1 or more, p 1 to 16, and at most 256 MiB is allowed")
        if len(digest) < _LEAST_BYTES:
            raise ValueError(f"a hash of at least {_LEAST_BYTES} bytes is needed")
        return parsed

    def is_of(self, passcode: bytes) -> bool:
        """Return whether this is the hash of `passcode`; takes as long for one as for another."""
        return hmac.compare_digest(self._compute(passcode), self.digest)

    def __str__(self) -> str:
        """Write the hash in the PHC string format."""
        salt, digest = (b64encode(value).decode("ascii").rstrip("=") for value in (self.salt, self.digest))
        return f"$scrypt$ln={self.log_rounds},r={self.block_size},p={self.parallel}${salt}${digest}"

    def _compute(self, passcode: bytes) -> bytes:
        return hashlib.scrypt(
            passcode,
            salt=self.salt,
            n=1 << self.log_rounds,
            r=self.block_size,
            p=self.parallel,
            maxmem=self._memory() + _MIB * self.block_size,
            dklen=len(self.digest),
        )

    def _memory(self) -> int:
        return 128 * self.block_size << self.log_rounds
