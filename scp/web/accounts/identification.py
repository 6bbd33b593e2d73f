"""Who a request comes from: a session, a machine's token, a password in its header, or whoever sits at the machine."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from fastapi import Request
from starlette.datastructures import Headers

from config.host import is_loopback
from scp.web.accounts import cookies
from scp.web.accounts.secrets import derive, digest
from scp.web.accounts.signing_in import SigningIn
from scp.web.identity import LOCAL, ROLES, Person
from scp.web.services import Services
from storage.accounts import accounts, sessions, tokens
from storage.accounts.accounts import Account

FOR_MACHINES: Final = ("/dicom-web/", "/api/")
"""Where tokens and passwords in a header count: no page reads them."""
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip")
_FORGERY: Final = "forms"


class Elsewhere(Exception):
    """A request of another machine that is not answered; the words say what to configure."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, from where, and the token without which a form of this browser changes nothing.

    `by_browser` is whether the browser adds the right to ask by itself, so that another site's page could use it.
    `session` is the digest of the session's token.
    """

    person: Person | None
    address: str
    csrf: str = ""
    by_browser: bool = False
    session: str = ""


def find_caller(request: Request) -> Caller:
    """Return who asks, as the guard found it."""
    caller: Caller | None = getattr(request.state, "caller", None)
    return caller or Caller(None, "")


class Identification:
    """Finds who asks; safe to share between threads."""

    def __init__(self, services: Services, signing_in: SigningIn) -> None:
        self._database = services.database
        self._clock = services.clock
        self._web = services.settings.web
        self._signing_in = signing_in
        self._has_accounts = False

    def identify(self, path: str, address: str, headers: Headers, *, secure: bool, browser: str) -> Caller:
        """Return who asks; `browser` is the secret of a browser without a session.

        Raises Elsewhere where other machines are not answered, SignInRefused for a wrong password in the header.
        """
        at_machine = is_loopback(address) and not any(name in headers for name in _FORWARDED)
        if not (at_machine or secure):
            raise Elsewhere(self._say_how_to_be_secure(headers))
        scheme, _, credentials = headers.get("authorization", "").partition(" ")
        if credentials and path.startswith(FOR_MACHINES):
            return self._identify_machine(scheme.lower(), credentials.strip(), address)
        token = cookies.read(headers, cookies.SESSION, secure=secure)
        if token and (caller := self._identify_session(token, address)):
            return caller
        person = None
        if self._is_open():
            if not at_machine:
                raise Elsewhere(
                    "there are no accounts yet, so the pages answer at the machine of the node alone; make the first "
                    "account there: coronode account add NAME --role administer"
                )
            person = LOCAL
        return Caller(person, address, derive(browser, _FORGERY) if browser else "", by_browser=True)

    def goes_on(self, caller: Caller) -> bool:
        """Return whether the session of a request that is still being answered has not ended meanwhile."""
        idle = timedelta(minutes=self._web.idle_minutes)
        return not caller.session or sessions.find(self._database, caller.session, self._clock(), idle) is not None

    def _is_open(self) -> bool:
        """Return whether there is no account at all, and no provider; once there is one, for good."""
        self._has_accounts = self._has_accounts or self._web.oidc.is_configured or accounts.exist(self._database)
        return not self._has_accounts

    def _identify_session(self, token: str, address: str) -> Caller | None:
        key = digest(token)
        signed = sessions.find(self._database, key, self._clock(), timedelta(minutes=self._web.idle_minutes))
        if signed is None:
            return None
        return Caller(make_person(signed.account), address, derive(token, _FORGERY), by_browser=True, session=key)

    def _identify_machine(self, scheme: str, credentials: str, address: str) -> Caller:
        if scheme == "bearer":
            token = tokens.find(self._database, digest(credentials), self._clock())
            role = next((role for role in ROLES if token is not None and role == token.role), None)
            if token is None or role is None:
                return Caller(None, address)
            return Caller(Person(f"token:{token.name}", token.name, frozenset({role})), address)
        if scheme == "basic":
            name, _, password = _decode(credentials).partition(":")
            # a browser keeps such a password, and adds it by itself
            person = make_person(self._signing_in.check_quickly(name, password, address))
            return Caller(person, address, by_browser=True)
        return Caller(None, address)

    def _say_how_to_be_secure(self, headers: Headers) -> str:
        if any(name in headers for name in _FORWARDED):
            return (
                "a reverse proxy passes this request on; it must speak HTTPS, say so in X-Forwarded-Proto, name its "
                "caller in X-Forwarded-For, and stand in web.proxies"
            )
        return (
            "other machines are answered over HTTPS alone; set web.certificate and web.private_key, or web.proxies for "
            "a reverse proxy that speaks HTTPS"
        )


def make_person(account: Account) -> Person:
    """Return the person whose account this is."""
    roles = frozenset(role for role in ROLES if role in account.roles)
    return Person(account.name, account.printed_name, roles, must_change=account.must_change)


def _decode(credentials: str) -> str:
    """Return `name:password` (RFC 7617), or nothing where that is not what it is."""
    try:
        return base64.b64decode(credentials, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""
