"""`coronode doctor`: what is wrong with this installation, and how to mend it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from config.errors import CoronodeError
from config.load import load
from scp.cli.options import config_option
from scp.start import shadowed

if TYPE_CHECKING:
    from config.settings import Settings

_MIB: Final = 1024 * 1024
Finding = tuple[bool, str, str]
"""Good or bad, what was looked at, what was found and how to mend it."""


@click.command(epilog="Example: coronode doctor --config /etc/coronode.toml")
@config_option
def doctor(config_file: Path | None) -> None:
    """Look at packages, configuration, port, disk, database and peers; exit 1 when something is wrong."""
    settings = load(config_file)
    bad = 0
    for good, name, finding in _findings(settings):
        bad += not good
        click.echo(f"{'ok ' if good else 'BAD'} {name + ':':15}{finding}")
    if bad:
        raise SystemExit(1)


def _findings(settings: Settings) -> Iterator[Finding]:
    yield from _packages()
    yield True, "configuration", f"AE title {settings.node.ae_title}, {len(settings.peers)} peers"
    if not settings.peers and not settings.node.accept_unknown_peers:
        yield False, "peers", "none is configured, so nobody may call; add [peers.NAME] sections"
    if not settings.results.destinations:
        yield False, "results", "go nowhere; name a peer in results.destinations"
    yield _port(settings)
    yield from _storage(settings)
    yield from _peers(settings)


def _packages() -> Iterator[Finding]:
    wrong = shadowed()
    if wrong:
        yield False, "packages", f"{'; '.join(wrong)}; install coronode in an environment of its own"
    else:
        yield True, "packages", f"coronode {metadata.version('coronode')}"


def _port(settings: Settings) -> Finding:
    node = settings.node
    try:
        family = socket.getaddrinfo(node.host, node.port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((node.host, node.port))
    except OSError as error:
        finding = f"cannot listen on {node.host}:{node.port}: {error.strerror or error}"
        return False, "port", f"{finding}; fine when the node is running now, else choose node.host and node.port anew"
    scope = "this machine only" if node.host.startswith("127.") or node.host in {"localhost", "::1"} else "the network"
    return True, "port", f"{node.host}:{node.port} is free, reachable from {scope}"


def _storage(settings: Settings) -> Iterator[Finding]:
    from storage.database.opening import open_database
    from storage.objects.opening import open_files

    try:
        files = open_files(settings)
        free = files.free_bytes() // _MIB
        enough = free > settings.node.reserve_mb
        advice = "" if enough else f", below node.reserve_mb = {settings.node.reserve_mb}: free space, or lower it"
        yield enough, "disk", f"{free} MiB free in {files.root}{advice}"
        database = open_database(settings)
        yield True, "database", database.engine.url.render_as_string(hide_password=True)
        database.close()
    except CoronodeError as error:
        yield False, "storage", str(error)


def _peers(settings: Settings) -> Iterator[Finding]:
    from scp.delivery.store_scu import verify

    for name, peer in settings.peers.items():
        try:
            socket.getaddrinfo(peer.host, None)
        except OSError:
            yield False, f"peer {name}", f"the name service does not know {peer.host!r}; mend peers.{name}.host"
            continue
        if peer.port is None:
            yield True, f"peer {name}", "only calls; nothing to try"
            continue
        try:
            verify(settings.node, peer)
            yield True, f"peer {name}", f"{peer.ae_title} at {peer.host}:{peer.port} answers C-ECHO"
        except CoronodeError as error:
            yield False, f"peer {name}", f"{error}; check its address, and that it knows {settings.node.ae_title}"
