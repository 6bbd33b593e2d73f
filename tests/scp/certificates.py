"""Certificates for tests: one authority for all, made once, and another that nobody trusts."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from scp.network.tls.authority import Authority, Issued

NOW = datetime.now(UTC)
TRUSTED = "trusted"


@cache
def authority(name: str) -> Authority:
    return Authority.create(name, NOW, 400)


@cache
def issue(name: str, hosts: tuple[str, ...] = ("127.0.0.1",), days: int = 90, by: str = TRUSTED) -> Issued:
    return authority(by).issue(name, hosts, NOW, days)


def write(folder: Path, name: str, issued: Issued) -> tuple[Path, Path]:
    """Write NAME.pem and NAME.key, and return their paths."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(issued.certificate)
    key.write_bytes(issued.key)
    key.chmod(0o600)
    return certificate, key


def write_node(folder: Path) -> dict[str, object]:
    """Write the node's files, and return the keys of `[node.tls]` that name them."""
    certificate, key = write(folder, "node", issue("node", ("127.0.0.1", "localhost")))
    (folder / "ca.pem").write_bytes(authority(TRUSTED).issued.certificate)
    return {"certificate": str(certificate), "key": str(key), "ca": str(folder / "ca.pem")}
