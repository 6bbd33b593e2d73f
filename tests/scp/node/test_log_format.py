"""The log of a node: with `log_format = "json"` a collector reads every line of standard error."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.component

CORONODE = str(Path(sys.executable).with_name("coronode"))


def test_every_line_of_a_log_in_json_is_json(tmp_path):
    (tmp_path / "coronode.toml").write_text(
        "[node]\nport = 0\ndata_dir = 'data'\nreserve_mb = 0\nlog_format = 'json'\n[web]\nport = 0\n"
    )
    with subprocess.Popen([CORONODE, "serve"], cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines: list[str] = []
        for line in process.stderr:
            lines.append(line)
            if '"listening"' in line:
                process.send_signal(signal.SIGTERM)
    events = [json.loads(line)["event"] for line in lines]
    assert "listening" in events
