"""Settings of the pages: `[web]`, and `[web.oidc]` for signing in through a provider of identities."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from config.host import Host
from config.section import ONCE, ListenPort, Section

Role = Literal["view", "review", "operate", "administer", "store"]

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def _check_proxy(value: str) -> str:
    """Check an address, or a network in the form 10.0.0.0/24."""
    try:
        ip_network(value)
    except ValueError:
        raise ValueError("a proxy is named by its IP address, or by a network such as 10.0.0.0/24") from None
    return value


class OidcSettings(Section):
    """A provider of identities (OpenID Connect Core 1.0) through which people sign in; None of `issuer` for none.

    Who may sign in, and what they may do, follows from `roles`: from a value of the claim `roles_claim` of the ID token
    to roles here. Whoever has no such value is refused. `name_claim` becomes the login name here. The secret stands in
    `client_secret` or in a file.
    """

    issuer: str | None = None
    client_id: str = ""
    client_secret: SecretStr | None = None
    client_secret_file: Path | None = None
    name: str = "OpenID Connect"
    scopes: Annotated[tuple[str, ...], ONCE] = ("openid", "profile", "email")
    roles_claim: str = "groups"
    name_claim: str = "preferred_username"
    roles: dict[str, tuple[Role, ...]] = Field(default={})

    @property
    def is_configured(self) -> bool:
        """Whether people sign in through a provider."""
        return self.issuer is not None

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.issuer is None:
            return self
        parts = urlsplit(self.issuer)
        if not parts.hostname or (parts.scheme != "https" and parts.hostname not in LOOPBACK_NAMES):
            raise ValueError("web.oidc.issuer: the address of a provider begins with https://")
        if not self.client_id:
            raise ValueError("web.oidc.client_id: the provider's name for this node is missing")
        if self.client_secret is None and self.client_secret_file is None:
            raise ValueError("web.oidc: the secret is missing; give client_secret_file, or client_secret")
        if not self.roles:
            raise ValueError(
                "web.oidc.roles: without it nobody may sign in; add a table such as "
                '{ "radiology" = ["review"] } from values of web.oidc.roles_claim to roles'
            )
        if "openid" not in self.scopes:
            raise ValueError('web.oidc.scopes: "openid" is one of them')
        return self


class WebSettings(Section):
    """Address of the pages, of DICOMweb, health and metrics; a `port` of 0 turns all of them off.

    `hosts` are the names by which browsers reach them beside `host` and those of this machine itself. Other machines
    are answered over HTTPS alone: with `certificate` and `private_key` (PEM), or through one of `proxies`, reverse
    proxies that do so, whose X-Forwarded-For and X-Forwarded-Proto count. A session ends after `idle_minutes` without
    use, and `session_hours` after the sign-in.
    """

    host: Host = "127.0.0.1"
    port: ListenPort = 8080
    hosts: Annotated[tuple[Host, ...], ONCE] = ()
    certificate: Path | None = None
    private_key: Path | None = None
    proxies: Annotated[tuple[Annotated[str, AfterValidator(_check_proxy)], ...], ONCE] = ()
    idle_minutes: float = Field(default=60, gt=0, le=24 * 60)
    session_hours: float = Field(default=12, gt=0, le=24 * 7)
    oidc: OidcSettings = OidcSettings()

    @property
    def address(self) -> str:
        """The address of the pages for a browser on this machine."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104  # compared, not bound
        scheme = "http" if self.certificate is None else "https"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}/"

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if (self.certificate is None) != (self.private_key is None):
            missing = "private_key" if self.private_key is None else "certificate"
            raise ValueError(f"web.{missing} is missing: HTTPS needs a certificate and its key")
        return self
