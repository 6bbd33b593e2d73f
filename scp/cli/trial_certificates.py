"""`coronode config tls init`: an authority and certificates with which DICOM over TLS can be tried."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from config.errors import ConfigurationError, CoronodeError
from config.load import load
from scp.cli.command import Command, Group
from scp.cli.options import config_option
from scp.cli.terminal.output import say

if TYPE_CHECKING:
    from config.settings import Settings
    from scp.network.tls.authority import Authority, Issued

_REGISTERED_PORT: Final = 2762
_NODE: Final = "node"
_AUTHORITY: Final = "ca"
_DAYS_OF_AUTHORITY: Final = 10
"""How many times longer than a certificate its authority is valid."""
_UNFIT: Final = re.compile(r"[^A-Za-z0-9_.-]")


class Holder(NamedTuple):
    """Whom a certificate is for, and the names and addresses that it has."""

    name: str
    hosts: tuple[str, ...]

    @property
    def file_name(self) -> str:
        """Its name as the beginning of a file's name."""
        return _UNFIT.sub("_", self.name).lstrip(".") or "peer"


@click.group(cls=Group, examples=("coronode config tls init",))
def tls() -> None:
    """Certificates for DICOM over TLS."""


@tls.command(
    cls=Command, examples=("coronode config tls init --out /etc/coronode/tls", "coronode config tls init CT1=10.0.0.7")
)
@click.argument("peers", nargs=-1)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default="coronode-tls",
    show_default=True,
    help="Folder for the files.",
)
@click.option("--days", type=click.IntRange(1, 3650), default=365, show_default=True, help="How long they are valid.")
@config_option
def init(peers: tuple[str, ...], out: Path, days: int, config_file: Path | None) -> None:
    """Make an authority, and a certificate with its key for the node and for each of PEERS, to try TLS with.

    PEERS are names from the configuration, or NAME=HOST; without any, all peers of the configuration that have no
    certificate in the folder. An authority that is there already issues the new certificates, too; no file is replaced.
    For trials only: in operation the certificates come from the hospital's own authority.
    """
    from scp.installation import utc_now

    settings = load(config_file)
    now = utc_now()
    wanted = [*_choose_node(settings, out), *_choose_peers(settings, peers or _list_without(settings, out))]
    if not wanted:
        say(f"{out}: the node and every peer of the configuration have their certificates; nothing was made")
        return
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CoronodeError(f"{out}: cannot be made: {error.strerror}") from error
    authority = _open_authority(out, days)
    for holder in wanted:
        _write(out, holder.file_name, authority.issue(holder.name, holder.hosts, now, days))
    say(f"wrote {out}: {', '.join([_AUTHORITY, *(holder.file_name for holder in wanted)])} (.pem and .key each)", "")
    lines = _format_configuration(out.resolve(), settings, wanted)
    say("For the node's configuration, each line in the section of that name:", "", *lines, "")
    say("Give each peer its own .pem and .key, and ca.pem to trust. With DCMTK, for instance:", "")
    example = next((holder.file_name for holder in wanted if holder.name != _NODE), "PEER")
    call = f"-aet AET -aec {settings.node.ae_title} HOST {_REGISTERED_PORT}"
    say(f"echoscu +tls {example}.key {example}.pem +cf ca.pem {call}")


def _choose_node(settings: Settings, out: Path) -> Iterator[Holder]:
    """Choose the node's own names, unless it has a certificate already."""
    if (out / f"{_NODE}.pem").exists():
        return
    host = settings.node.host
    own = [] if _is_unspecified(host) else [host]
    yield Holder(_NODE, tuple(dict.fromkeys([*own, socket.gethostname(), "localhost", "127.0.0.1"])))


def _list_without(settings: Settings, out: Path) -> list[str]:
    """List the peers of the configuration that have no certificate in the folder."""
    return [name for name in settings.callers if not (out / f"{Holder(name, ()).file_name}.pem").exists()]


def _choose_peers(settings: Settings, given: Sequence[str]) -> Iterator[Holder]:
    for word in given:
        name, _, host = word.partition("=")
        peer = settings.peers.get(name)
        if host:
            yield Holder(name, (host,))
        elif peer is not None:
            yield Holder(name, tuple(dict.fromkeys(filter(None, (peer.tls_name, peer.host)))))
        else:
            known = ", ".join(sorted(settings.peers)) or "none"
            raise ConfigurationError(f"no peer is named {name!r} (configured: {known}); give its host: {name}=HOST")


def _is_unspecified(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


def _open_authority(out: Path, days: int) -> Authority:
    """Load the authority of the folder, or make one."""
    from scp.installation import utc_now
    from scp.network.tls.authority import Authority, Issued

    certificate, key = out / f"{_AUTHORITY}.pem", out / f"{_AUTHORITY}.key"
    if certificate.exists():
        try:
            return Authority.load(Issued(certificate.read_bytes(), key.read_bytes()))
        except (OSError, ValueError) as error:
            raise CoronodeError(f"{key}: the authority cannot be used again: {error}; give another folder") from error
    authority = Authority.create(f"Coronode trial {socket.gethostname()}"[:64], utc_now(), days * _DAYS_OF_AUTHORITY)
    _write(out, _AUTHORITY, authority.issued)
    return authority


def _write(out: Path, name: str, issued: Issued) -> None:
    """Write a certificate for everybody, and its key for the user alone."""
    for path, content, mode in (
        (out / f"{name}.key", issued.key, 0o600),
        (out / f"{name}.pem", issued.certificate, 0o644),
    ):
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError:
            raise CoronodeError(
                f"{path}: already exists and was not changed; remove it, or give another folder"
            ) from None
        except OSError as error:
            raise CoronodeError(f"{path}: cannot be written: {error.strerror}") from error
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)


def _format_configuration(out: Path, settings: Settings, wanted: Sequence[Holder]) -> list[str]:
    from scp.cli.terminal.toml_text import format_toml
    from scp.network.tls.certificates import read_certificates

    node = {
        "port": _REGISTERED_PORT,
        "certificate": str(out / f"{_NODE}.pem"),
        "key": str(out / f"{_NODE}.key"),
        "ca": str(out / f"{_AUTHORITY}.pem"),
    }
    peers: dict[str, dict[str, object]] = {}
    for holder in wanted:
        if holder.name == _NODE:
            continue
        is_known = holder.name in settings.peers
        section = {} if is_known else {"ae_title": holder.name[:16].upper(), "host": holder.hosts[0]}
        found = read_certificates(out / f"{holder.file_name}.pem", "file")
        peers[holder.name] = section | {"tls": True, "certificate": found[0].fingerprint}
    return format_toml({"node": {"tls": node}, "peers": peers}).splitlines()
