"""The log of a node: with `log_format = "json"` a collector reads every line of standard error."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.scp.conftest import Scanner, unused_port

pytestmark = pytest.mark.component

CORONODE = str(Path(sys.executable).with_name("coronode"))


def test_every_line_of_a_log_in_json_is_json(tmp_path, eventually, patient):
    port, web, file = unused_port(), unused_port(), tmp_path / "log"
    (tmp_path / "coronode.toml").write_text(
        f"[node]\nport = {port}\ndata_dir = 'data'\nreserve_mb = 0\nlog_format = 'json'\naccept_unknown_peers = true\n"
        f"[web]\nport = {web}\n[completion]\nquiet_seconds = 0.5\n"
    )

    def events() -> list[dict[str, Any]]:
        """Every whole line; one that is not JSON fails the test."""
        return [json.loads(line) for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def said(event: str) -> bool:
        return any(line["event"] == event for line in events())

    images = patient()
    with file.open("wb") as output, subprocess.Popen([CORONODE, "serve"], cwd=tmp_path, stderr=output) as process:
        try:
            eventually("the node", lambda: said("node started") and said("pages"), seconds=300)
            second = subprocess.run(
                [CORONODE, "serve"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
            )
            Scanner(port).send(images)
            with socket.create_connection(("127.0.0.1", port)) as stranger:
                stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
                stranger.recv(100)
            eventually("a score", lambda: said("scored"))
            for task in Path(f"/proc/{process.pid}/task").iterdir():
                for child in (task / "children").read_text().split():
                    os.kill(int(child), signal.SIGKILL)
            eventually("the pages again", lambda: sum(line["event"] == "pages" for line in events()) == 2, seconds=300)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
    lines = events()
    assert lines[-1]["event"] == "node stopped"
    ended = [line for line in lines if line["event"] == "association ended"]
    assert [(line["calling"], line["outcome"], line["objects"]) for line in ended] == [
        ("SCANNER", "released", len(images)),
        ("", "protocol", 0),
    ]
    assert ended[0]["bytes"] > sum(len(image.PixelData) for image in images)
    assert ended[0]["seconds"] > 0
    assert second.returncode == 2
    assert "another node" in json.loads(second.stderr.splitlines()[-1])["event"]
    assert not [word for word in ("Doe", images[0].PatientID) if word and word in file.read_text()]
