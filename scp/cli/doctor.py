"""`coronode doctor`: check this installation and suggest repairs."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from config.contradictions import find_warnings
from config.errors import CoronodeError
from config.load import load
from scp.cli.command import Command
from scp.cli.finding import Finding, failed, passed
from scp.cli.node_findings import check_ports, check_secrets, describe_state, find_state
from scp.cli.options import config_option, json_option
from scp.cli.storage_findings import check_storage
from scp.cli.terminal.listing import print_json
from scp.cli.terminal.output import say
from scp.cli.tls_findings import check_tls
from scp.cli.web_findings import check_web
from scp.start import find_shadowed

if TYPE_CHECKING:
    from config.settings import PeerSettings, Settings


@click.command(cls=Command, examples=("coronode doctor --config /etc/coronode.toml", "coronode doctor --json"))
@json_option
@config_option
def doctor(config_file: Path | None, *, as_json: bool) -> None:
    """Check packages, configuration, ports, disk, database and peers; exit 1 if something is wrong.

    Run it as the user of the node, while it runs or not; nothing is made or changed. Lines begin with ok, with !! for
    something to look at, or with BAD and what to do.
    """
    settings = load(config_file)
    findings = []
    for item in _run_checks(settings):
        findings.append(item)
        if not as_json:
            say(f"{item.mark} {item.check + ':':15}{item.finding}")
    if as_json:
        print_json(item._asdict() for item in findings)
    if not all(item.ok for item in findings):
        raise SystemExit(1)


def _run_checks(settings: Settings) -> Iterator[Finding]:
    yield _check_packages()
    yield passed("configuration", f"AE title {settings.node.ae_title}, {len(settings.peers)} peers")
    if not settings.peers and not settings.node.accept_unknown_peers:
        yield failed("peers", "none is configured, so no caller is accepted; add [peers.NAME] sections")
    for warning in find_warnings(settings):
        yield Finding(ok=True, check="configuration", finding=str(warning), warning=True)
    yield from check_secrets(settings)
    state = find_state(settings.node.data_dir)
    yield describe_state(settings.node.data_dir, state)
    yield from check_ports(settings, state)
    yield from check_tls(settings)
    yield from check_web(settings)
    if state != "closed":
        yield from check_storage(settings)
    yield from _check_peers(settings)


def _check_packages() -> Finding:
    from importlib import metadata

    wrong = find_shadowed()
    if wrong:
        return failed("packages", f"{'; '.join(wrong)}; install coronode in an environment of its own")
    return passed("packages", f"coronode {metadata.version('coronode')}")


def _check_peers(settings: Settings) -> Iterator[Finding]:
    from scp.scu.verification import verify

    for name, peer in settings.peers.items():
        check = f"peer {name}"
        if peer.url is not None:
            yield _check_web_service(check, settings, peer)
            continue
        try:
            socket.getaddrinfo(peer.host, None)
        except OSError:
            yield failed(check, f"cannot resolve the host name {peer.host!r}; correct peers.{name}.host")
            continue
        if peer.port is None:
            yield passed(check, "has no port: it only calls, so there is nothing to test")
            continue
        try:
            verify(settings.node, peer)
            yield passed(check, f"{peer.ae_title} at {peer.host}:{peer.port} answers C-ECHO")
        except CoronodeError as error:
            things = "address and certificates" if peer.tls else "address"
            advice = f"check its {things}, and that it accepts the AE title {settings.node.ae_title}"
            yield failed(check, f"{error}; {advice}")


def _check_web_service(check: str, settings: Settings, peer: PeerSettings) -> Finding:
    from scp.scu.web_service import verify

    try:
        verify(settings.node, peer)
    except CoronodeError as error:
        return failed(check, f"{error}; check its url, its ca, and its token or password")
    return passed(check, f"{peer.url} answers")
