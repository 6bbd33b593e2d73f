"""Settings that are each allowed and together are not: faults, and what is suspicious only."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from config.host import covers, is_loopback

if TYPE_CHECKING:
    from config.settings import Settings

_LOW_NUMBER: Final = 1000
"""Scanners number their own series below."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What is wrong with a key, in words for the administrator: its value, what is allowed, what to do."""

    location: tuple[str, ...]
    words: str

    def __str__(self) -> str:
        return f"{'.'.join(self.location)}{self.words}"


def find_faults(settings: Settings) -> Iterator[Contradiction]:
    """Yield what keeps the configuration from being used."""
    yield from _compare_limits(settings)
    yield from _compare_ports(settings)
    yield from _compare_peers(settings)
    yield from _find_itself(settings)
    yield from _check_database(settings)


def find_warnings(settings: Settings) -> Iterator[Contradiction]:
    """Yield what is allowed, and is seldom meant."""
    node, results = settings.node, settings.results
    if not results.destinations:
        yield Contradiction(("results", "destinations"), ": none: results stay on this node; name a peer there")
    if node.accept_unknown_peers and not is_loopback(node.host):
        words = f": anybody who reaches {node.host} may send, query and retrieve; it is for trials on this machine"
        yield Contradiction(("node", "accept_unknown_peers"), words)
    for name in results.destinations:
        if settings.peers[name].documents == ():
            yield Contradiction(("peers", name, "documents"), " = []: it is a destination, and is sent nothing")
    if results.series_number < _LOW_NUMBER:
        words = f" = {results.series_number}: scanners number their own series so; 9001 keeps them apart"
        yield Contradiction(("results", "series_number"), words)
    yield from _compare_times(settings)


def _compare_times(settings: Settings) -> Iterator[Contradiction]:
    times, web = settings.completion, settings.web
    for key, loses in (("gap_deadline_seconds", "missing slices are"), ("hold_seconds", "an open association is")):
        value = getattr(times, key)
        if value < times.quiet_seconds:
            words = f" = {value:g} is less than quiet_seconds = {times.quiet_seconds:g}, so {loses} never waited for"
            yield Contradiction(("completion", key), words)
    if web.idle_minutes > web.session_hours * 60:
        words = f" = {web.idle_minutes:g} has no effect: a session ends after session_hours = {web.session_hours:g}"
        yield Contradiction(("web", "idle_minutes"), words)


def _compare_limits(settings: Settings) -> Iterator[Contradiction]:
    """Compare the keys of which one must not exceed the other."""
    for section, low, high in (
        ("selection", "minimum_thickness_mm", "maximum_thickness_mm"),
        ("results", "retry_first_seconds", "retry_longest_seconds"),
        ("node", "max_pdu", "longest_pdu"),
    ):
        values = getattr(settings, section)
        least, most = getattr(values, low), getattr(values, high)
        if least > most:
            words = f" = {least:g} is more than {section}.{high} = {most:g}; lower the one or raise the other"
            yield Contradiction((section, low), words)


def _compare_ports(settings: Settings) -> Iterator[Contradiction]:
    """Compare the port of the pages with those of DICOM."""
    node, web = settings.node, settings.web
    if not web.port or not (covers(node.host, web.host) or covers(web.host, node.host)):
        return
    for key, port in _list_ports(settings):
        if port == web.port:
            yield Contradiction(("web", "port"), f" = {port} is that of {key}, too; give one of them another port")


def _list_ports(settings: Settings) -> Iterator[tuple[str, int]]:
    """Yield the ports of DICOM that are open, and their keys."""
    node = settings.node
    if node.port and not node.tls.only:
        yield "node.port", node.port
    if node.tls.port:
        yield "node.tls.port", node.tls.port


def _compare_peers(settings: Settings) -> Iterator[Contradiction]:
    """Find peers that stand there twice, by name or by what they are."""
    names: dict[str, str] = {}
    seen: dict[tuple[object, ...], str] = {}
    for name, peer in settings.peers.items():
        if (other := names.setdefault(name.lower(), name)) != name:
            words = f": differs from peers.{other} by upper and lower case alone; commands take names in any case"
            yield Contradiction(("peers", name), words)
        identity = (peer.url.rstrip("/"),) if peer.url else (peer.ae_title, peer.host.lower(), peer.port)
        if (other := seen.setdefault(identity, name)) != name:
            same = "url" if peer.url else "AE title, host and port"
            yield Contradiction(("peers", name), f": has the same {same} as peers.{other}; remove one of the two")


def _find_itself(settings: Settings) -> Iterator[Contradiction]:
    """Find peers that are this node."""
    for name, peer in settings.peers.items():
        if peer.url is not None:
            parts = urlsplit(peer.url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
            if port == settings.web.port and _is_here(settings.web.host, str(parts.hostname)):
                yield Contradiction(("peers", name, "url"), f": {parts.hostname}:{port} is this node itself (web.port)")
            continue
        for key, listening in _list_ports(settings):
            if peer.port == listening and _is_here(settings.node.host, peer.host):
                words = f": {peer.host}:{peer.port} is this node itself ({key}); write where the peer listens"
                yield Contradiction(("peers", name, "host"), words)


def _is_here(listening: str, called: str) -> bool:
    """Return whether `called` is this machine, where it listens on `listening`."""
    if called.lower() == socket.gethostname().lower():
        return not is_loopback(listening)
    return covers(listening, called)


def _check_database(settings: Settings) -> Iterator[Contradiction]:
    storage = settings.storage
    url, key = storage.database_url, ("storage", "database_url")
    if url is None:
        if storage.database_password_file is not None:
            yield Contradiction(
                ("storage", "database_password_file"), ": there is no storage.database_url to use it for"
            )
        return
    allowed = "allowed: sqlite:////absolute/file.db or postgresql+psycopg://user@host/name"
    scheme = url.partition(":")[0]
    if scheme in {"postgresql", "postgres"}:
        yield Contradiction(key, f": names no driver; write postgresql+psycopg:// instead of {scheme}://")
    elif scheme not in {"sqlite", "sqlite+pysqlite", "postgresql+psycopg"}:
        shown = f"{scheme}://" if scheme.replace("+", "").isalnum() and "://" in url else "this"
        yield Contradiction(key, f": {shown} is no database that the node can use; {allowed}")
    elif scheme.startswith("sqlite") and storage.database_password_file is not None:
        yield Contradiction(("storage", "database_password_file"), ": an SQLite file has no password; remove the key")
