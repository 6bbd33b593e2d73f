"""The node as user agent of a peer's DICOMweb services: connections, credentials, and what its answers mean."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx2
from pydantic import SecretStr

from config.errors import ConfigurationError, CoronodeError, Permanent, Transient
from config.secrets import read_secret
from config.settings import NodeSettings, PeerSettings
from dicom import json_model
from dicom.implementation import IMPLEMENTATION_VERSION_NAME

_MAY_PASS: Final = frozenset({401, 403, 404, 407, 408, 421, 425, 429})
"""Failures that end without a change of what is sent: a token is renewed, a service comes back behind its proxy."""


@contextmanager
def open_client(node: NodeSettings, peer: PeerSettings) -> Iterator[httpx2.Client]:
    """Make a client of a peer's web services for the length of a block; it connects when it is first used.

    Redirects are not followed and no proxy of the environment is used: patients' data go to the configured address
    alone. Raises Permanent when a file with a secret or authorities cannot be used.
    """
    headers = {"Accept": json_model.MEDIA_TYPE, "User-Agent": IMPLEMENTATION_VERSION_NAME}
    password = _read_secret(peer.password, peer.password_file, "password_file")
    token = _read_secret(peer.token, peer.token_file, "token_file")
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    auth = None if peer.user is None else httpx2.BasicAuth(peer.user, password or "")
    timeout = httpx2.Timeout(node.dimse_timeout, connect=node.acse_timeout)
    with httpx2.Client(
        verify=_make_context(peer),
        auth=auth,
        headers=headers,
        timeout=timeout,
        trust_env=False,
        follow_redirects=False,
    ) as client:
        yield client


def verify(node: NodeSettings, peer: PeerSettings) -> None:
    """Test the services of a peer: a search for one study, else what may be done there at all (OPTIONS).

    Raises Transient or Permanent with the reason.
    """
    with open_client(node, peer) as client, judged(peer):
        code = client.get(f"{find_studies(peer)}", params={"limit": "1"}).status_code
        if code in (403, 404, 405, 501):  # it may store without a search
            code = client.options(find_studies(peer)).status_code
    if code >= 300:  # noqa: PLR2004  # neither success nor information
        raise judge_code(peer, code)


def find_studies(peer: PeerSettings) -> str:
    """Return the address of a peer's studies (PS3.18 10.1.1)."""
    return f"{(peer.url or '').rstrip('/')}/studies"


@contextmanager
def judged(peer: PeerSettings) -> Iterator[None]:
    """Turn what a connection raises into Transient, or Permanent where the address cannot be one."""
    try:
        yield
    except httpx2.InvalidURL as error:
        raise Permanent(f"{peer.url}: is no address") from error
    except httpx2.TimeoutException as error:
        raise Transient(f"{peer.url}: no answer in time") from error
    except httpx2.HTTPError as error:
        words = " ".join(str(error).split()) or type(error).__name__
        raise Transient(f"{peer.url}: no connection: {words}") from error


def judge_code(peer: PeerSettings, code: int) -> CoronodeError:
    """Return the verdict on an HTTP status that is no success and says nothing of the objects."""
    words = f"{peer.url}: answered with {code} {httpx2.codes.get_reason_phrase(code)}".rstrip()
    if code in (401, 403):
        words += "; check the token or the user and password of this peer"
    elif 300 <= code < 400:  # noqa: PLR2004  # redirections
        words += "; it sends elsewhere, which is not followed: correct the peer's url"
    return Transient(words) if code >= 500 or code in _MAY_PASS else Permanent(words)  # noqa: PLR2004  # server errors


def _read_secret(value: SecretStr | None, file: Path | None, key: str) -> str | None:
    try:
        return read_secret(value, file, key)
    except ConfigurationError as error:
        raise Permanent(str(error)) from error


def _make_context(peer: PeerSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=peer.ca)
    except (OSError, ssl.SSLError) as error:
        raise Permanent(f"ca {peer.ca}: is no PEM file with certificates that can be read") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
