"""`coronode ready`: whether the running node can work, for a container's health check."""

from __future__ import annotations

import json
import socket
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from config.errors import CoronodeError
from config.load import load
from scp.cli.command import Command
from scp.cli.options import config_option
from scp.cli.terminal.output import say

if TYPE_CHECKING:
    from config.settings import Settings

_SECONDS: Final = 5.0
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  # looked up, not bound
_LONGEST_ANSWER: Final = 64 * 1024


@click.command(cls=Command, examples=("coronode ready", "coronode ready --config /etc/coronode.toml"))
@config_option
def ready(config_file: Path | None) -> None:
    """Ask the node that runs with this configuration whether it can receive and score; exit 1 and why if not.

    It asks the node's own /ready; a node without pages (web.port = 0) is ready when its DICOM port is open.
    """
    settings = load(config_file)
    say(_ask_pages(settings) if settings.web.port else _knock(settings))


def _ask_pages(settings: Settings) -> str:
    web = settings.web
    host = _EVERYWHERE.get(web.host, web.host)
    scheme = "http" if web.certificate is None else "https"
    url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{web.port}/ready"
    context = ssl.create_default_context()
    # the node itself on this machine; its certificate names the host by which browsers reach it
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(url, timeout=_SECONDS) as answer:
            answer.read(_LONGEST_ANSWER)
    except urllib.error.HTTPError as error:
        with error:  # it is the answer, whose connection is to be closed
            faults = _read_faults(error.read(_LONGEST_ANSWER))
        raise CoronodeError(f"not ready: {faults or error}") from error
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise CoronodeError(f"no answer from {url}: {reason}; is the node running?") from error
    return f"ready: {url}"


def _read_faults(body: bytes) -> str:
    try:
        faults = json.loads(body)["faults"]
        return "; ".join(f"{name}: {words}" for name, words in faults.items())
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""


def _knock(settings: Settings) -> str:
    node = settings.node
    host = _EVERYWHERE.get(node.host, node.host)
    port = node.tls.port if node.tls.only and node.tls.port is not None else node.port
    try:
        socket.create_connection((host, port), _SECONDS).close()
    except OSError as error:
        raise CoronodeError(f"no answer at {host}:{port}: {error.strerror or error}; is the node running?") from error
    return f"ready: {host}:{port} is open"
