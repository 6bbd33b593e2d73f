"""Checking a name and a password: slowly for those who guess, and alike whether a name exists or not."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from scp.web.accounts.addresses import AddressLimit
from scp.web.accounts.passwords import Busy, Hasher
from scp.web.accounts.secrets import derive, is_same
from storage.accounts import accounts, failures
from storage.accounts.accounts import Account, AccountState
from storage.accounts.refusals import AccountRefused
from storage.database import audit
from storage.database.engine import Database

log = structlog.get_logger(__name__)

_LONGEST_NAME: Final = 256
_LONGEST_PASSWORD: Final = 1024
_REMEMBERED_SECONDS: Final = 60.0
_MOST_REMEMBERED: Final = 1000


class SignInRefused(AccountRefused):
    """A sign-in that did not happen; the same code for every reason that would tell something of an account."""

    @property
    def status(self) -> int:
        """The status of HTTP."""
        return 503 if self.code == "busy" else 401 if self.code in {"wrong", "expired"} else 429

    @property
    def seconds(self) -> int:
        """After how many seconds another attempt is worth while; 0 where time changes nothing."""
        return int(self.values.get("seconds", 0))


class SigningIn:
    """Checks names and passwords; one for the whole process, safe to share between threads."""

    def __init__(self, database: Database, clock: Callable[[], datetime], hasher: Hasher | None = None) -> None:
        self._database = database
        self._clock = clock
        self.hasher = hasher or Hasher()
        self._addresses = AddressLimit()
        self._remembered: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._key = secrets.token_hex()
        self._lock = threading.Lock()

    def check(self, name: str, password: str, address: str, device: str = "") -> Account:
        """Return the account that name and password are those of.

        `device` is what `make_device` gave this browser when somebody last signed in there: its attempts are counted by
        themselves, so that an attacker who guesses elsewhere does not lock out the account's own people.

        Raises SignInRefused ("wrong", "expired", "paused", "hurried" or "busy").
        """
        folded = accounts.fold(name[:_LONGEST_NAME])
        now = self._clock()
        self.take_attempt(address)
        account = accounts.find(self._database, folded)
        key = failures.make_key(self._name_counter(account, folded, device))
        if pause := failures.attempt(self._database, key, now):
            raise SignInRefused("paused", seconds=int((pause - now).total_seconds()) + 1)
        usable = account if account is not None and account.state is AccountState.ACTIVE else None
        if not self._compare(usable, password) or usable is None:
            self._note_failure(account, key, address, now)
            raise SignInRefused("wrong")
        failures.clear(self._database, key)
        self._addresses.give_back(address)
        if usable.password_until is not None and usable.password_until <= now:
            raise SignInRefused("expired")
        if self.hasher.is_weak(usable.password_hash):
            accounts.rehash(self._database, usable, self.hasher.hash(password))
        return usable

    def take_attempt(self, address: str) -> None:
        """Count an attempt of an address. Raises SignInRefused ("hurried") where it has made too many."""
        if wait := self._addresses.take(address, self._clock()):
            raise SignInRefused("hurried", seconds=int(wait) + 1)

    def check_quickly(self, name: str, password: str, address: str) -> Account:
        """Do the same for a machine that shows its password with every request.

        One that was right is remembered for a minute, as long as the account is the same.
        """
        proof = derive(self._key, f"{accounts.fold(name)}\0{password}")
        with self._lock:
            known, until = self._remembered.get(proof, ("", 0.0))
        account = accounts.find(self._database, name) if until > time.monotonic() else None
        if account is not None and account.password_hash == known and account.state is AccountState.ACTIVE:
            return account
        account = self.check(name, password, address)
        with self._lock:
            self._remembered[proof] = (account.password_hash, time.monotonic() + _REMEMBERED_SECONDS)
            while len(self._remembered) > _MOST_REMEMBERED:
                self._remembered.popitem(last=False)
        return account

    def make_device(self, account: Account) -> str:
        """Return what a browser keeps so that it is known again, until the account's password changes."""
        nonce = secrets.token_hex(16)
        return f"{nonce}.{derive(account.password_hash, f'device {nonce}')}"

    def _name_counter(self, account: Account | None, folded: str, device: str) -> str:
        nonce, _, proof = device.partition(".")
        if account is None or not account.password_hash or not nonce:
            return folded
        # the hash is the key: whoever knows it needs no password
        return f"device {nonce}" if is_same(proof, derive(account.password_hash, f"device {nonce}")) else folded

    def _compare(self, account: Account | None, password: str) -> bool:
        try:
            known = "" if account is None else account.password_hash
            return self.hasher.is_of(known, password[: _LONGEST_PASSWORD + 1]) and len(password) <= _LONGEST_PASSWORD
        except Busy:
            raise SignInRefused("busy", seconds=2) from None

    def _note_failure(self, account: Account | None, key: str, address: str, now: datetime) -> None:
        # a name that is not an account's may be a password, typed into the wrong field
        person = "" if account is None else account.name
        log.warning("sign-in failed", account=person, address=address)
        audit.record(self._database, now, "sign_in_failed", f"from {address}", person=person)
        if failures.find_pause(self._database, key, now):
            audit.record(self._database, now, "sign_in_paused", f"from {address}", person=person)
