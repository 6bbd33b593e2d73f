"""`coronode serve` takes up renewed certificates on SIGHUP, and goes on."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scp import certificates
from tests.scp.conftest import unused_port

pytestmark = pytest.mark.component


def subject_of(port: int, ca: Path) -> str:
    context = ssl.create_default_context(cafile=ca)
    with context.wrap_socket(socket.create_connection(("127.0.0.1", port), 20), server_hostname="127.0.0.1") as caller:
        return dict(caller.getpeercert()["subject"][0])["commonName"]


@pytest.mark.parametrize("receivers", [1, 2])
def test_a_renewed_certificate_is_in_use_after_sighup(tmp_path, eventually, receivers):
    """In each process that receives, at once: each says so."""
    processes = 1 if receivers == 1 else 1 + receivers
    port, log = unused_port(), tmp_path / "node.log"
    tls = certificates.write_node(tmp_path) | {"port": port, "only": True, "require_certificate": False}
    keys = "\n".join(f"{key} = {json.dumps(value)}" for key, value in tls.items())
    config = tmp_path / "coronode.toml"
    data = json.dumps(str(tmp_path / "data"))
    config.write_text(
        f"[node]\naccept_unknown_peers = true\nreserve_mb = 0\nreceivers = {receivers}\ndata_dir = {data}\n"
        f"[node.tls]\n{keys}\n[web]\nport = 0\n"
    )
    command = [sys.executable, "-c", "from scp.cli import main; main()", "serve", "--config", config]
    with log.open("wb") as output, subprocess.Popen(command, stderr=output) as node:
        try:
            eventually("the node to listen", lambda: f"listens on 127.0.0.1:{port} (TLS)" in log.read_text())
            assert [subject_of(port, tmp_path / "ca.pem") for _ in range(8)] == ["node"] * 8
            certificates.write(tmp_path, "node", certificates.issue("node renewed"))
            node.send_signal(signal.SIGHUP)
            eventually("the new files", lambda: log.read_text().count("changed TLS files are in use") == processes)
            assert [subject_of(port, tmp_path / "ca.pem") for _ in range(8)] == ["node renewed"] * 8
        finally:
            node.terminate()
        assert node.wait(60) == 0
