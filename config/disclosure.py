"""What a configuration may show of itself: everything but its secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from config.web_peer import OF_DIMSE, WebPeer

if TYPE_CHECKING:
    from config.settings import Settings

HIDDEN: Final = "***"
"""Stands in place of a secret; no configuration with it is valid where a hash belongs."""

_PASSWORD_OF_USER: Final = re.compile(r"(?<=://)([^/?#]*?):([^/?#]*)(?=@)")
_PASSWORD_PARAMETER: Final = re.compile(r"(?<=[?&])((?:ssl)?password)=[^&#]*", re.IGNORECASE)


def disclose(settings: Settings) -> dict[str, Any]:
    """Return the settings as JSON values, without hashes of passcodes and without the secrets of others.

    Those are the password of the database, and what the provider of identities knows this node by.
    """
    shown = settings.model_dump(mode="json")
    for name, peer in shown["peers"].items():
        shown["peers"][name] = _show_peer(peer)
    if settings.web.oidc.client_secret is not None:
        shown["web"]["oidc"]["client_secret"] = HIDDEN
    if url := settings.storage.database_url:
        shown["storage"]["database_url"] = _hide_password(url)
    return shown


def _show_peer(peer: dict[str, Any]) -> dict[str, Any]:
    """Hide a peer's secrets, and leave out what is not for its kind."""
    peer["users"] = dict.fromkeys(peer["users"], HIDDEN)
    for key in ("token", "password"):
        if peer[key] is not None:
            peer[key] = HIDDEN
    if peer["url"] is None:
        return {key: value for key, value in peer.items() if key not in WebPeer.model_fields}
    return {key: value for key, value in peer.items() if key not in (*OF_DIMSE, "services")}


def _hide_password(url: str) -> str:
    """Hide what libpq takes as a password: behind the user's name, or as a parameter."""
    url = _PASSWORD_OF_USER.sub(rf"\1:{HIDDEN}", url)
    return _PASSWORD_PARAMETER.sub(rf"\1={HIDDEN}", url)
