"""A provider of identities, by OpenID Connect Core 1.0: where to send a browser, and who it brings back.

The authorization code flow (3.1) with PKCE (RFC 7636), state and nonce. The ID token's signature is checked with the
provider's keys, and its claims by 3.1.3.7.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from config.errors import Transient
from config.secrets import read_secret
from config.web import LOOPBACK_NAMES, OidcSettings

_SECONDS: Final = 5.0
_LONGEST_ANSWER: Final = 1024 * 1024
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures by a private key: "none", and those by a secret that both sides have, prove nothing here."""
_LEEWAY_SECONDS: Final = 60
_LONGEST_SUBJECT: Final = 255


class Untrusted(Exception):
    """What the provider said does not hold; the text is for the log."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the provider answers (OpenID Connect Discovery 1.0, 3)."""

    authorization: str
    token: str
    keys: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the provider has signed in: `subject` never changes, the claims may."""

    subject: str
    claims: Mapping[str, Any]


class Provider:
    """The configured provider; asked only when somebody signs in. Safe to share between threads."""

    def __init__(self, settings: OidcSettings, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._endpoints: Endpoints | None = None
        self._keys: KeySet | None = None

    def make_address(self, back: str, state: str, nonce: str, verifier: str) -> str:
        """Return the address at which a browser signs in, to come `back` afterwards. Raises Transient, Untrusted."""
        endpoint = self._find_endpoints().authorization
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": back,
            "scope": " ".join(self._settings.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def redeem(self, code: str, back: str, nonce: str, verifier: str) -> Identity:
        """Return whom a code stands for. Raises Transient, Untrusted."""
        # the parts of the header are form-encoded first (RFC 6749, 2.3.1)
        name, secret = (quote(part, safe="") for part in (self._settings.client_id, _read_secret(self._settings)))
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
        answer = self._ask("POST", self._find_endpoints().token, data=form, auth=httpx2.BasicAuth(name, secret))
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise Untrusted("the token endpoint gave no ID token")
        return self._verify(token, nonce)

    def _verify(self, token: str, nonce: str) -> Identity:
        try:
            claims = self._decode(token)
            registry = jwt.JWTClaimsRegistry(
                now=lambda: int(self._clock().timestamp()),
                leeway=_LEEWAY_SECONDS,
                iss={"essential": True, "value": str(self._settings.issuer)},
                aud={"essential": True, "value": self._settings.client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": nonce},
            )
            registry.validate(claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise Untrusted(f"the ID token does not hold: {type(error).__name__} {error}") from error
        audiences, party, subject = claims["aud"], claims.get("azp"), claims["sub"]
        # 3.1.3.7, 3 to 5: a token for others, too, must have been made for this client
        if isinstance(audiences, list) and len(audiences) > 1 and party is None:
            raise Untrusted("the ID token is for several clients, and does not say which asked for it")
        if party is not None and party != self._settings.client_id:
            raise Untrusted("another client asked for the ID token")
        if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
            raise Untrusted("the ID token names no subject")
        return Identity(f"{self._settings.issuer} {subject}", claims)

    def _decode(self, token: str) -> dict[str, Any]:
        """Check the signature; a key that is not known yet may be a new one of the provider's."""
        try:
            return jwt.decode(token, self._find_keys(), algorithms=_ALGORITHMS).claims
        except (JoseError, ValueError):
            return jwt.decode(token, self._find_keys(again=True), algorithms=_ALGORITHMS).claims

    def _find_endpoints(self) -> Endpoints:
        with self._turn():
            if self._endpoints is None:
                issuer = str(self._settings.issuer)
                found = self._ask("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
                if found.get("issuer") != issuer:  # Discovery 4.3
                    raise Untrusted("the provider calls itself by another name than web.oidc.issuer")
                self._endpoints = Endpoints(
                    _check_address(found.get("authorization_endpoint")),
                    _check_address(found.get("token_endpoint")),
                    _check_address(found.get("jwks_uri")),
                )
            return self._endpoints

    def _find_keys(self, *, again: bool = False) -> KeySet:
        endpoint = self._find_endpoints().keys
        with self._turn():
            if self._keys is None or again:
                found = self._ask("GET", endpoint)
                try:
                    self._keys = KeySet.import_key_set({"keys": list(found["keys"])})
                except (JoseError, KeyError, TypeError, ValueError) as error:
                    raise Untrusted("the provider's keys cannot be read") from error
            return self._keys

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Let one thread ask: many that wait for a provider which does not answer would leave none for the pages."""
        if not self._lock.acquire(timeout=_SECONDS):
            raise Transient("the provider of identities does not answer")
        try:
            yield
        finally:
            self._lock.release()

    def _ask(self, method: str, address: str, **content: Any) -> dict[str, Any]:
        """Ask the provider for a JSON object. Raises Transient when it does not answer, Untrusted for anything else."""
        try:
            with (
                httpx2.Client(timeout=_SECONDS, follow_redirects=False, trust_env=False) as client,
                client.stream(method, address, **content) as answer,
            ):
                if answer.status_code >= 500:  # noqa: PLR2004
                    raise Transient(f"the provider of identities answered {answer.status_code}")
                body = b""
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > _LONGEST_ANSWER:
                        raise Untrusted("the provider's answer is too long")
        except httpx2.HTTPError as error:
            raise Transient(f"the provider of identities does not answer ({type(error).__name__})") from error
        if answer.status_code != 200:  # noqa: PLR2004
            raise Untrusted(f"the provider answered {answer.status_code} at {urlsplit(address).path}")
        try:
            found = json.loads(body)
        except ValueError as error:
            raise Untrusted("the provider's answer is no JSON") from error
        if not isinstance(found, dict):
            raise Untrusted("the provider's answer is no JSON object")
        return found


def _check_address(value: object) -> str:
    parts = urlsplit(value) if isinstance(value, str) else None
    if parts is None or not parts.hostname:
        raise Untrusted("the provider does not say where it answers")
    if parts.scheme != "https" and parts.hostname not in LOOPBACK_NAMES:
        raise Untrusted("the provider would be asked without HTTPS")
    return str(value)


def _read_secret(settings: OidcSettings) -> str:
    return read_secret(settings.client_secret, settings.client_secret_file, "web.oidc.client_secret_file") or ""
