"""From whom the provider has signed in to an account here: made at the first sign-in, with the roles that it tells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from config.web import OidcSettings
from scp.web.accounts.provider import Identity
from scp.web.services import Services
from storage.accounts import accounts
from storage.accounts.accounts import Account, AccountState
from storage.accounts.refusals import AccountRefused
from storage.database import audit

_LONGEST_NAME: Final = 64
_NOT_OF_NAMES: Final = re.compile(r"[^\w.@+-]+")


class ProviderRefused(AccountRefused):
    """Somebody whom the provider has signed in, or not, and who gets no session here."""


def find_account(services: Services, identity: Identity) -> Account:
    """Return the account of an identity, with the roles that its claims give now.

    Raises ProviderRefused where they give none, or an administrator has disabled the account. An account of the same
    name that has a password stays another one: whoever chooses a name at the provider must not get it.
    """
    database, now, oidc = services.database, services.clock(), services.settings.web.oidc
    roles = map_roles(oidc, identity.claims)
    account = accounts.find_by_subject(database, identity.subject)
    if not roles:
        if account is not None and account.state is AccountState.ACTIVE and account.roles:
            _change_roles(services, account, frozenset())
        raise ProviderRefused("provider_roles")
    printed = _clean(identity.claims.get("name"))
    if account is None:
        name = _find_free_name(services, identity)
        account = accounts.add(database, name, now, printed_name=printed, roles=roles, subject=identity.subject)
        told = f"{account.name}: {', '.join(sorted(roles))} (from the provider)"
        audit.record(database, now, "account_added", told, person=account.name)
        return account
    if account.state is not AccountState.ACTIVE:
        raise ProviderRefused("provider_disabled")
    if account.roles != roles:
        account = _change_roles(services, account, roles)
    if printed and printed != account.printed_name:
        accounts.note_sign_in(database, account.name, now, printed_name=printed)
    return account


def map_roles(oidc: OidcSettings, claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the roles that the claims give: by the values of one claim, a text or a list of texts."""
    told = claims.get(oidc.roles_claim)
    values = [told] if isinstance(told, str) else told if isinstance(told, list) else []
    return frozenset(role for value in values if isinstance(value, str) for role in oidc.roles.get(value, ()))


def _change_roles(services: Services, account: Account, roles: frozenset[str]) -> Account:
    changed = accounts.change_roles(services.database, account.name, roles, by_provider=True)
    told = f"{account.name}: {', '.join(sorted(roles)) or 'none'} (from the provider)"
    audit.record(services.database, services.clock(), "roles_changed", told, person=account.name)
    return changed


def _find_free_name(services: Services, identity: Identity) -> str:
    """Return the login name that the provider tells, made distinct from those of other accounts."""
    oidc = services.settings.web.oidc
    told = identity.claims.get(oidc.name_claim)
    name = _clean(told) or identity.subject.rpartition(" ")[2]
    name = _NOT_OF_NAMES.sub("-", accounts.fold(name)).lstrip("-.@+")[:_LONGEST_NAME] or "somebody"
    host = urlsplit(str(oidc.issuer)).hostname or "provider"
    for candidate in (name, f"{name}@{host}", *(f"{name}@{host}+{number}" for number in range(2, 100))):
        if accounts.find(services.database, candidate) is None:
            return candidate
    raise ProviderRefused("provider_roles")


def _clean(value: object) -> str:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return text[:_LONGEST_NAME] if text.isprintable() else ""
