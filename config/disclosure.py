"""What a configuration may show of itself: everything but its secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, get_args

from pydantic import BaseModel

from config.secrets import is_secret
from config.settings import Settings
from config.web_peer import OF_DIMSE, WebPeer

HIDDEN: Final = "***"
"""Stands in place of a secret; no configuration with it is valid where a hash belongs."""

_PASSWORD_OF_USER: Final = re.compile(r"(?<=://)([^/?#]*?):([^/?#]*)(?=@)")
_PASSWORD_PARAMETER: Final = re.compile(r"(?<=[?&])((?:ssl)?password)=[^&#]*", re.IGNORECASE)


def disclose(settings: Settings) -> dict[str, Any]:
    """Return the settings as JSON values, without what `config.secrets` calls secret: names of users stay.

    A URL keeps what is no password in it.
    """
    shown = _hide(Settings, settings.model_dump(mode="json"))
    shown["peers"] = {name: _choose_keys(peer) for name, peer in shown["peers"].items()}
    return shown


def _hide(section: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _hide_value(section, key, value) for key, value in values.items()}


def _hide_value(section: type[BaseModel], key: str, value: Any) -> Any:
    field = section.model_fields[key]
    below = [field.annotation, *get_args(field.annotation)]
    models = [part for part in below if isinstance(part, type) and issubclass(part, BaseModel)]
    if value is None:
        return None
    if models and isinstance(value, Mapping):
        if models[0] is field.annotation:
            return _hide(models[0], value)
        return {name: _hide(models[0], one) for name, one in value.items()}
    if not is_secret(field.annotation, field.metadata):
        return value
    if isinstance(value, Mapping):
        return dict.fromkeys(value, HIDDEN)
    return hide_password(value) if isinstance(value, str) and "://" in value else HIDDEN


def _choose_keys(peer: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is not for a peer of its kind."""
    if peer["url"] is None:
        return {key: value for key, value in peer.items() if key not in WebPeer.model_fields}
    return {key: value for key, value in peer.items() if key not in (*OF_DIMSE, "services")}


def hide_password(url: str) -> str:
    """Hide in a URL what libpq takes as a password: behind the user's name, or as a parameter."""
    url = _PASSWORD_OF_USER.sub(rf"\1:{HIDDEN}", url)
    return _PASSWORD_PARAMETER.sub(rf"\1={HIDDEN}", url)
