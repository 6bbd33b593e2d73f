"""Changes to accounts and tokens, as pages and command line make them: checked, and in the audit log."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, get_args

from config.web import Role
from scp.web.accounts import passwords
from scp.web.accounts.passwords import Hasher
from scp.web.accounts.secrets import digest, make_machine_token, make_temporary_password
from storage.accounts import accounts, failures, tokens
from storage.accounts.accounts import Account, AccountState
from storage.accounts.refusals import AccountRefused
from storage.database import audit
from storage.database.engine import Database

TEMPORARY: Final = timedelta(hours=24)
"""How long a password is good that somebody else than its owner knows."""
PERSONAL_ROLES: Final[tuple[Role, ...]] = tuple(role for role in get_args(Role) if role != "store")
_NAME: Final = re.compile(r"[\w][\w.@+-]{0,63}")
_LONGEST_PRINTED_NAME: Final = 64


@dataclass(frozen=True, slots=True)
class Administration:
    """Changes accounts for `actor`, who appears in the audit log, from `address`."""

    database: Database
    hasher: Hasher
    now: datetime
    actor: str
    address: str = ""

    def add(self, name: str, printed_name: str, roles: Iterable[str], password: str = "") -> tuple[Account, str]:
        """Add an account, and return it with its temporary password, unless a `password` was chosen for it.

        Raises AccountRefused.
        """
        folded = accounts.fold(name)
        if not _NAME.fullmatch(folded):
            raise AccountRefused("bad_name")
        printed = " ".join(printed_name.split())
        if len(printed) > _LONGEST_PRINTED_NAME or not printed.isprintable():
            raise AccountRefused("bad_printed_name", most=_LONGEST_PRINTED_NAME)
        given = _check_roles(roles)
        if password:
            passwords.check(password, folded, printed)
        temporary = "" if password else make_temporary_password()
        account = accounts.add(
            self.database,
            folded,
            self.now,
            printed_name=printed,
            roles=given,
            password_hash=self.hasher.hash(password or temporary),
            password_until=self.now + TEMPORARY if temporary else None,
        )
        self._note("account_added", f"{account.name}: {', '.join(given)}")
        return account, temporary

    def change_roles(self, name: str, roles: Iterable[str]) -> Account:
        """Give an account these roles and no other. Raises AccountRefused."""
        given = _check_roles(roles)
        account = accounts.change_roles(self.database, name, given)
        self._note("roles_changed", f"{account.name}: {', '.join(given)}")
        return account

    def disable(self, name: str) -> Account:
        """Disable an account, which ends its sessions. Raises AccountRefused."""
        account = accounts.change_state(self.database, name, AccountState.DISABLED)
        self._note("account_disabled", account.name)
        return account

    def enable(self, name: str) -> Account:
        """Let an account be used again. Raises AccountRefused."""
        account = accounts.change_state(self.database, name, AccountState.ACTIVE)
        self._note("account_enabled", account.name)
        return account

    def reset(self, name: str, reason: str = "") -> str:
        """Give an account a temporary password, which is returned, and end its sessions and pauses.

        Raises AccountRefused.
        """
        password = make_temporary_password()
        until = self.now + TEMPORARY
        account = accounts.change_password(self.database, name, self.hasher.hash(password), temporary_until=until)
        failures.clear(self.database, failures.make_key(account.name))
        self._note("password_reset", f"{account.name}: {reason}" if reason else account.name)
        return password

    def break_glass(self, name: str, reason: str) -> str:
        """Make the account an administrator's that can be used, with a temporary password. Raises AccountRefused."""
        account = accounts.find(self.database, name)
        if account is None:
            raise AccountRefused("unknown", name=accounts.fold(name))
        self._note("break_glass", f"{account.name}: {reason}")
        password = self.reset(name, reason)
        self.enable(name)
        self.change_roles(name, account.roles | {accounts.ADMINISTER})
        return password

    def unlock(self, name: str) -> Account:
        """End the pause after failed attempts. Raises AccountRefused."""
        account = accounts.find(self.database, name)
        if account is None:
            raise AccountRefused("unknown", name=accounts.fold(name))
        failures.clear(self.database, failures.make_key(account.name))
        self._note("account_unlocked", account.name)
        return account

    def change_own_password(self, account: Account, password: str) -> None:
        """Set the password that its owner chose, and end every session. Raises AccountRefused."""
        passwords.check(password, account.name, account.printed_name)
        if self.hasher.is_of(account.password_hash, password):
            raise AccountRefused("password_same")
        accounts.change_password(self.database, account.name, self.hasher.hash(password))
        self._note("password_changed", account.name)

    def add_token(self, name: str, role: str, days: int | None = None) -> str:
        """Add a machine's token, and return it. Raises AccountRefused."""
        if not _NAME.fullmatch(name):
            raise AccountRefused("bad_name")
        (checked,) = _check_roles([role], allowed=get_args(Role))
        token = make_machine_token()
        until = None if days is None else self.now + timedelta(days=days)
        tokens.add(self.database, name, digest(token), self.now, role=checked, created_by=self.actor, expires_at=until)
        self._note("token_added", f"{name}: {checked}")
        return token

    def revoke_token(self, name: str) -> None:
        """Take a machine's token back. Raises AccountRefused."""
        tokens.revoke(self.database, name)
        self._note("token_revoked", name)

    def _note(self, kind: str, text: str) -> None:
        origin = f" (from {self.address})" if self.address else ""
        audit.record(self.database, self.now, kind, text + origin, person=self.actor)


def _check_roles(roles: Iterable[str], *, allowed: tuple[str, ...] = PERSONAL_ROLES) -> list[str]:
    given = sorted(set(roles))
    if not given or not set(given) <= set(allowed):
        raise AccountRefused("bad_roles", allowed=", ".join(allowed))
    return given
