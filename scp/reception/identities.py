"""The user identity of a caller against the users of its peer (PS3.7 D.3.3.7): name and passcode.

A hash of a passcode is slow on purpose. So that nobody can occupy the node with wrong ones, one is computed at a time,
a wrong one is followed by a pause, and who waits too long is told to come again. A right one is remembered, as a keyed
digest and not as it came, so that a peer that opens an association a second pays for it once.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from config.passcodes import LONGEST_PASSCODE, HashedPasscode
from scp.network.user_information import UserIdentity

_NAME_AND_PASSCODE: Final = 2
_LONGEST_WAIT: Final = 5.0
_PAUSE: Final = 0.5
_MOST_REMEMBERED: Final = 1024

_NOBODY: Final = HashedPasscode(bytes(16), bytes(32))
"""Computed for an unknown name, so that it takes as long as a wrong passcode."""


class BusyError(Exception):
    """Too many passcodes are waiting to be checked."""


class Identities:
    """Checks identities; for all threads.

    Args:
        longest_wait: seconds that a caller waits for its turn.
        pause: seconds after a wrong passcode until the next is checked.
        rest: waits that many seconds.
    """

    def __init__(
        self,
        longest_wait: float = _LONGEST_WAIT,
        pause: float = _PAUSE,
        rest: Callable[[float], object] = time.sleep,
    ) -> None:
        self._longest_wait = longest_wait
        self._pause = pause
        self._rest = rest
        self._turn = threading.Lock()
        self._key = secrets.token_bytes(32)
        self._right: set[bytes] = set()

    def verify(self, users: Mapping[str, str], identity: UserIdentity | None) -> bool:
        """Return whether an identity is that of a user, `users` being hashed passcodes by name.

        Raises BusyError when the turn to compute a hash does not come.
        """
        if identity is None or identity.kind != _NAME_AND_PASSCODE or len(identity.secondary) > LONGEST_PASSCODE:
            return False
        written = users.get(identity.primary.decode("utf-8", "replace"))
        token = hmac.digest(self._key, repr((written, identity.secondary)).encode(), hashlib.sha256)
        if written is not None and token in self._right:
            return True
        if not self._turn.acquire(timeout=self._longest_wait):
            raise BusyError
        try:
            hashed = _NOBODY if written is None else HashedPasscode.parse(written)
            if hashed.is_of(identity.secondary) and written is not None:
                self._remember(token)
                return True
            self._rest(self._pause)
            return False
        finally:
            self._turn.release()

    def _remember(self, token: bytes) -> None:
        if len(self._right) >= _MOST_REMEMBERED:
            self._right.clear()
        self._right.add(token)
