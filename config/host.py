"""Hosts: an address or a name, nothing else."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated, Final

from pydantic import AfterValidator

_LONGEST_NAME: Final = 253
_LABEL: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_WITH_PORT: Final = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*):(?P<port>\d+)")
_EVERY: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104  # compared, not bound


def check_host(value: str) -> str:
    """Check a host name or IP address (RFC 1123 2.1), and say what was probably meant instead."""
    if "://" in value:
        raise ValueError("is a URL; write the host alone, such as pacs.example or 10.0.0.5")
    if with_port := _WITH_PORT.fullmatch(value):
        name, port = with_port["host"].strip("[]"), with_port["port"]
        raise ValueError(f"has a port; write the host alone ({name}), and the port as port = {port}")
    if value.startswith("[") and value.endswith("]"):
        raise ValueError("an IPv6 address is written without brackets here")
    try:
        ip_address(value)
    except ValueError:
        _check_name(value)
    return value


def _check_name(value: str) -> None:
    """Check a host name; one in another script by its form for the name server (RFC 5890)."""
    try:
        labels = value.removesuffix(".").encode("idna").decode("ascii").split(".")
    except UnicodeError:
        labels = [""]
    if len(value) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):
        raise ValueError("should be an IP address or a host name: letters, digits and hyphens, with dots between them")
    if labels[-1].isdigit():
        raise ValueError("is no complete IP address, which has four numbers from 0 to 255, such as 10.0.0.5")


def _check_peer_host(value: str) -> str:
    if check_host(value) in _EVERY:
        raise ValueError("stands for every address of a machine; write the peer's own")
    return value


def covers(listening: str, called: str) -> bool:
    """Return whether a call to `called` reaches who listens on `listening`, both on this machine, by their words."""
    if listening in _EVERY:
        return called in _EVERY or is_loopback(called)
    return called in _EVERY or called == listening or (is_loopback(listening) and is_loopback(called))


def is_loopback(host: str) -> bool:
    """Return whether an address is this machine's own to itself, an IPv4 address within IPv6 included."""
    try:
        address = ip_address(host)
    except ValueError:
        return host.lower().removesuffix(".") == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


Host = Annotated[str, AfterValidator(check_host)]
PeerHost = Annotated[str, AfterValidator(_check_peer_host)]
