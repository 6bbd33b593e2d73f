"""The web process as the node sees it: it serves, ends with the node, and is started again when it ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from config.settings import Settings
from scp import metrics

pytestmark = pytest.mark.component

CORONODE = str(Path(sys.executable).with_name("coronode"))


def get(port: int, path: str) -> str | None:
    """The answer's text; None while nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.read().decode()
    except (urllib.error.URLError, ConnectionError):
        return None


@pytest.fixture
def settings(tmp_path: Path, port: int) -> Settings:
    return Settings(node={"data_dir": tmp_path, "reserve_mb": 0}, web={"port": port})


def test_it_serves_the_metrics_of_the_process_that_started_it(settings, serving, eventually):
    metrics.COMPANIONS_DROPPED.inc()
    value = metrics.REGISTRY.get_sample_value("coronode_companions_dropped_total")
    with serving(settings):
        eventually("an answer", lambda: get(settings.web.port, "/health"))
        lines = get(settings.web.port, "/metrics").splitlines()
        assert f"coronode_companions_dropped_total {value}" in lines
        assert '"ready":true' in get(settings.web.port, "/ready")
    assert get(settings.web.port, "/health") is None


def test_one_that_is_killed_is_started_again(settings, serving, eventually):
    with serving(settings), capture_logs() as logged:
        eventually("an answer", lambda: get(settings.web.port, "/health"))
        (child,) = [item for item in multiprocessing.active_children() if item.name == "coronode-web"]
        os.kill(child.pid, signal.SIGKILL)
        eventually("the second process", lambda: get(settings.web.port, "/health"))
    assert [entry["event"] for entry in logged] == ["no web pages for now"]


def test_a_port_in_use_is_told_and_tried_again(settings, serving, eventually):
    with capture_logs() as logged:
        with socket.create_server(("127.0.0.1", settings.web.port)), serving(settings):
            eventually("the log", lambda: logged)
        assert logged[0]["reason"] == "cannot listen on web.port: Address already in use"


def test_port_0_starts_nothing(serving, tmp_path):
    with serving(Settings(node={"data_dir": tmp_path}, web={"port": 0})):
        assert not [item for item in multiprocessing.active_children() if item.name == "coronode-web"]


def test_it_ends_with_a_node_that_is_killed(settings, eventually, tmp_path):
    (tmp_path / "coronode.toml").write_text(
        f"[node]\nport = 0\ndata_dir = 'data'\nreserve_mb = 0\n[web]\nport = {settings.web.port}\n"
    )
    with subprocess.Popen([CORONODE, "serve"], cwd=tmp_path, stderr=subprocess.DEVNULL) as node:
        eventually("an answer", lambda: get(settings.web.port, "/ready"))
        node.kill()
    eventually("the end of the web process", lambda: get(settings.web.port, "/health") is None)
