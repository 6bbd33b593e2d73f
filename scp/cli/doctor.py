"""`coronode doctor`: check this installation and suggest repairs."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from config.errors import CoronodeError
from config.load import load
from scp.cli.command import Command
from scp.cli.finding import Finding, failed, passed
from scp.cli.options import config_option, json_option
from scp.cli.terminal.listing import print_json
from scp.cli.terminal.output import say
from scp.cli.tls_findings import check_tls
from scp.cli.web_findings import check_web
from scp.lock import DataLock
from scp.start import find_shadowed

if TYPE_CHECKING:
    from config.settings import NodeSettings, PeerSettings, Settings
    from storage.database.engine import Database
    from storage.objects.files import Files


@click.command(cls=Command, examples=("coronode doctor --config /etc/coronode.toml", "coronode doctor --json"))
@json_option
@config_option
def doctor(config_file: Path | None, *, as_json: bool) -> None:
    """Check packages, configuration, port, disk, database and peers; exit 1 if something is wrong."""
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
    if not settings.results.destinations:
        yield failed("results", "none: results stay on this node; name a peer in results.destinations")
    node = settings.node
    if not node.tls.only:
        yield _check_port(node, "node.port", node.port)
    if node.tls.port is not None:
        yield _check_port(node, "node.tls.port", node.tls.port)
    yield from check_tls(settings)
    yield from check_web(settings)
    yield from _check_storage(settings)
    yield from _check_peers(settings)


def _check_packages() -> Finding:
    from importlib import metadata

    wrong = find_shadowed()
    if wrong:
        return failed("packages", f"{'; '.join(wrong)}; install coronode in an environment of its own")
    return passed("packages", f"coronode {metadata.version('coronode')}")


def _check_port(node: NodeSettings, key: str, port: int) -> Finding:
    place = f"{node.host}:{port}"
    try:
        family = socket.getaddrinfo(node.host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((node.host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE and DataLock(node.data_dir).is_held():
            return passed("port", f"{place} is in use, and a node runs on {node.data_dir}")
        finding = f"cannot listen on {place}: {error.strerror or error}"
        return failed("port", f"{finding}; choose another node.host or {key}, or stop what listens there")
    scope = "this machine only" if node.host.startswith("127.") or node.host in {"localhost", "::1"} else "the network"
    return passed("port", f"{place} is free, reachable from {scope}")


def _check_storage(settings: Settings) -> Iterator[Finding]:
    from config.settings import MIB
    from scp.privacy import create_closed
    from storage.database.opening import open_database
    from storage.series.store import open_store

    create_closed()
    try:
        database = open_database(settings)
        files = open_store(settings, database)
        free = files.free_bytes() // MIB
        enough = free > settings.node.reserve_mb
        advice = "" if enough else f", below node.reserve_mb = {settings.node.reserve_mb}: make room, or lower the key"
        yield Finding(ok=enough, check="disk", finding=f"{free} MiB free in {files.root}{advice}")
        yield _check_objects(files)
        yield passed("database", database.engine.url.render_as_string(hide_password=True))
        yield _check_quarantine(database)
        yield _check_work(database)
        yield _check_commitments(database)
        yield _check_pauses(database)
        database.close()
        yield _check_modes(settings)
    except CoronodeError as error:
        yield failed("storage", str(error))


def _check_objects(files: Files) -> Finding:
    try:
        files.check()
    except OSError as error:
        advice = "nothing is taken in until it is there; check storage.blobs_url and [storage.s3]"
        return failed("objects", f"{files.place}: {error.strerror}; {advice}")
    return passed("objects", f"kept in {files.place}")


def _check_modes(settings: Settings) -> Finding:
    from scp.privacy import list_open

    left = list_open(settings)
    if not left:
        return passed("privacy", "data folder, database and objects are closed to other users")
    advice = "the node closes what belongs to its user at each start, the rest needs chmod -R go="
    return failed("privacy", f"other users can read or enter {', '.join(map(str, left))}; {advice}")


def _check_quarantine(database: Database) -> Finding:
    from scp.cli.terminal.contradictions import format_count
    from storage.series.quarantine import count_quarantined, list_quarantined_series

    count = count_quarantined(database)
    if not count:
        return passed("quarantine", "empty")
    entries = list_quarantined_series(database)
    missing = sum(not entry.known for entry in entries)
    finding = f"{format_count(count)} of {len(entries)} series contradict stored ones"
    if missing:
        finding += f"; of {missing} of the series nothing is stored"
    advice = "see coronode quarantine list, then coronode quarantine release or delete"
    return Finding(ok=True, check="quarantine", finding=f"{finding}; {advice}", warning=True)


def _check_work(database: Database) -> Finding:
    from storage.series.states import list_unfinished

    waiting = [item for item in list_unfinished(database) if item.wait_until is not None]
    if not waiting:
        return passed("work", "no series waits after a fault of disk or database")
    finding = (
        f"{len(waiting)} series cannot be scored or reported for now, the oldest because of: {waiting[0].wait_reason}"
    )
    return failed("work", f"{finding}; once that is repaired the node goes on by itself")


def _check_commitments(database: Database) -> Finding:
    from storage.commitments.commitments import CommitmentState, count
    from storage.outbox.deliveries import DeliveryState, count_deliveries

    found = []
    if uncommitted := count_deliveries(database, DeliveryState.UNCOMMITTED):
        plural = "s" if uncommitted > 1 else ""
        found.append(f"{uncommitted} document{plural} not committed: coronode outbox list --state uncommitted")
    if owed := count(database, CommitmentState.DEAD) + count(database, CommitmentState.WAITING):
        plural = "s" if owed > 1 else ""
        found.append(f"{owed} request{plural} of a peer could not be answered: coronode outbox commitments list")
    if not found:
        return passed("commitments", "nothing waits for an operator")
    return Finding(ok=True, check="commitments", finding="; ".join(found), warning=True)


def _check_pauses(database: Database) -> Finding:
    from storage.outbox.pauses import list_pauses

    pauses = list_pauses(database)
    if not pauses:
        return passed("outbox", "no destination is paused")
    names = ", ".join(f"{item.destination} since {item.since:%Y-%m-%d %H:%M} UTC" for item in pauses)
    return Finding(ok=True, check="outbox", finding=f"paused: {names}; coronode outbox resume NAME", warning=True)


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
