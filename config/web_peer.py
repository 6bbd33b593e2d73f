"""A peer that takes results by STOW-RS (PS3.18 10.5): its address, and what the node shows to it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from config.host import check_host
from config.section import Section, list_controls

TITLE: Final = "DICOMWEB"
"""Stands where a DIMSE peer has its AE title."""
OF_DIMSE: Final = (
    "ae_title",
    "host",
    "port",
    "tls",
    "tls_name",
    "certificate",
    "users",
    "commit",
    "retrieve",
    "witness",
    "witness_per_minute",
    "may_reject",
)
"""Keys of a peer that is called by associations, or calls by them."""
_FORM_OF_URL: Final = "url: the base of its DICOMweb services, such as https://pacs.example/dicom-web"
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


class WebPeer(Section):
    """The part of a peer's section that is for a web service; with `url` it takes results there and never calls.

    It is shown a bearer `token`, or a `user` with `password`, each in the configuration or a file of its own; `ca` is a
    PEM file with the authorities to trust instead of the system's.
    """

    url: str | None = None
    token: SecretStr | None = None
    token_file: Path | None = None
    user: str | None = Field(default=None, min_length=1)
    password: SecretStr | None = None
    password_file: Path | None = None
    ca: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def _be_one_or_the_other(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or data.get("url") is None:
            return data
        wrong = next((key for key in OF_DIMSE if key in data), None)
        if wrong is not None:
            raise ValueError(f"{wrong} is for a peer that is called by DICOM associations; remove it, or remove url")
        if data.get("services", []) not in ([], ["store"]):
            raise ValueError('services: a web service is sent results and calls nobody; leave it out, or set ["store"]')
        return {**data, "ae_title": TITLE, "host": _find_host(data["url"]), "services": ()}

    @model_validator(mode="after")
    def _check_web(self) -> Self:
        if self.url is None:
            given = ("token", "token_file", "user", "password", "password_file", "ca")
            wrong = next((key for key in given if getattr(self, key) is not None), None)
            if wrong is not None:
                raise ValueError(f"{wrong} is for a web service; add url, or remove {wrong}")
            return self
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(_FORM_OF_URL)
        if parts.username is not None:
            raise ValueError("url: a user and password do not belong there; use the keys user and password_file")
        self._check_credentials(is_open=parts.scheme == "http" and parts.hostname not in _LOOPBACK)
        return self

    def _check_credentials(self, *, is_open: bool) -> None:
        has_token = self.token is not None or self.token_file is not None
        has_password = self.password is not None or self.password_file is not None
        if self.user is not None and ":" in self.user:
            raise ValueError("user: HTTP Basic allows no colon in it (RFC 7617)")
        for key in ("token", "password"):
            secret = getattr(self, key)
            if secret is not None and (not secret.get_secret_value() or list_controls(secret.get_secret_value())):
                raise ValueError(f"{key}: should be a text of one line")
        if (self.user is not None) != has_password:
            raise ValueError("user and password (or password_file) belong together")
        if has_token and has_password:
            raise ValueError("a token and a password exclude each other")
        if is_open and (has_token or has_password):
            raise ValueError("url: over http:// anybody on the way could read the token or password; use https://")


def _find_host(url: object) -> str:
    """Return the host of a URL; the title of web services for one that `_check_web` refuses."""
    if not isinstance(url, str):
        return TITLE
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{_FORM_OF_URL} ({error})") from None
    if port == 0:
        raise ValueError(f"{_FORM_OF_URL} (port 0 is none)")
    if parts.hostname is None:
        return TITLE
    try:
        return check_host(parts.hostname)
    except ValueError as error:
        raise ValueError(f"url: its host {parts.hostname!r} {error}") from None
