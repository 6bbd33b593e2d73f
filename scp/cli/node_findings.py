"""What `coronode doctor` checks of the node itself: whether it runs, by which configuration, and its ports."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from config.errors import CoronodeError
from config.host import is_loopback
from config.secrets import is_readable_by_others, list_secret_files
from config.settings import Settings
from scp.cli.finding import Finding, failed, passed
from scp.lock import FILE_NAME, DataLock

State = Literal["running", "stopped", "closed"]
"""Of a node on a data folder; "closed": this user may not look."""


def find_state(folder: Path) -> State:
    """Find whether a node runs on a data folder, without making anything there."""
    try:
        os.close(os.open(folder / FILE_NAME, os.O_RDONLY))
    except PermissionError:
        return "closed"
    except OSError:
        return "stopped"
    return "running" if DataLock(folder).is_held() else "stopped"


def describe_state(folder: Path, state: State) -> Finding:
    """Say whether the node runs, and whether by the configuration as it is written now."""
    if state == "closed":
        finding = f"{folder} belongs to another user; run this as the user of the node{_name_owner(folder)}"
        return failed("node", finding)
    if state == "stopped":
        return passed("node", f"none runs on {folder}")
    from scp.control import ask

    try:
        answer = ask(folder, "compare")
    except CoronodeError as error:
        return Finding(ok=True, check="node", finding=f"runs on {folder}; {error}", warning=True)
    if answer.get("kind") == "changed":
        finding = f"runs, and the configuration has {answer['words']}; coronode config reload takes it up"
        return Finding(ok=True, check="node", finding=finding, warning=True)
    if answer.get("kind") == "refused":
        finding = f"runs by another configuration than is written now: {answer['words']}"
        return Finding(ok=True, check="node", finding=finding, warning=True)
    return passed("node", f"runs on {folder} by this configuration")


def check_ports(settings: Settings, state: State) -> Iterator[Finding]:
    """Check the ports of DICOM and of the pages: those of a running node are in use, by it."""
    node, web = settings.node, settings.web
    if not node.tls.only:
        yield _check_port("node.port", node.host, node.port, state)
    if node.tls.port is not None:
        yield _check_port("node.tls.port", node.host, node.tls.port, state)
    if web.port:
        yield _check_port("web.port", web.host, web.port, state)


def _check_port(key: str, host: str, port: int, state: State) -> Finding:
    place = f"{host}:{port}"
    check = "web port" if key.startswith("web") else "port"
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE and state != "stopped":
            whose = "a node runs here" if state == "running" else "whether by the node, this user cannot see"
            return passed(check, f"{place} is in use, and {whose}")
        finding = f"cannot listen on {place}: {error.strerror or error}"
        if error.errno == errno.EACCES:
            advice = "ports below 1024 need the capability CAP_NET_BIND_SERVICE, which the systemd unit gives"
            # another user than the node's may lack what the node has
            return Finding(ok=True, check=check, finding=f"{finding}; {advice}", warning=True)
        return failed(
            check, f"{finding}; choose another {key.rpartition('.')[0]}.host or {key}, or stop what listens there"
        )
    if state == "running" and port:
        return failed(check, f"{place} is not open, although a node runs; see its log, or restart it")
    scope = "this machine only" if is_loopback(host) else "the network"
    return passed(check, f"{place} is free, reachable from {scope}")


def check_secrets(settings: Settings) -> Iterator[Finding]:
    """Check who can read the files with secrets that the configuration names."""
    for key, file in list_secret_files(settings):
        if not file.exists():
            yield failed("secret", f"{key}: {file} is not there")
        elif not os.access(file, os.R_OK):
            yield failed("secret", f"{key}: {file} cannot be read by this user")
        elif is_readable_by_others(file):
            finding = f"{key}: other users can read or change {file}; chmod 600 {file}"
            yield Finding(ok=True, check="secret", finding=finding, warning=True)


def _name_owner(folder: Path) -> str:
    """Name the owner of the folder, or of the nearest above it that can be seen, with the command to run."""
    import pwd

    for place in (folder, *folder.absolute().parents):
        try:
            owner = pwd.getpwuid(place.stat().st_uid).pw_name
        except (OSError, KeyError):
            continue
        return "" if owner == "root" else f": sudo -u {owner} coronode doctor"
    return ""
