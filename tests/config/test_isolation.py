"""The switches hold before any library is loaded, whoever loads it and whatever the environment says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from config.isolation import SWITCHES

ROOT = Path(__file__).parents[2]

LOADED = """
import os, sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name in ("onnxruntime", "dbos"):
            print(name, os.environ.get("ORT_DISABLE_TELEMETRY"), os.environ.get("DBOS__CLOUD"))
sys.meta_path.insert(0, Watch())
"""


@pytest.mark.parametrize(
    ("program", "library"),
    [
        ("import scoring.anatomy.network", "onnxruntime"),
        ("sys.argv = ['coronode', 'serve', '--help']; from scp.start import main; main()", None),
        ("import scp.durable.dbos_engine", "dbos"),
    ],
)
def test_the_switches_are_set_before_a_library_is_loaded(program, library):
    environment = os.environ | {"ORT_DISABLE_TELEMETRY": "0", "DBOS__CLOUD": "true"}
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            LOADED + "try:\n    " + program + "\nexcept SystemExit: pass\n"
            "print('end', os.environ['ORT_DISABLE_TELEMETRY'], os.environ['DBOS__CLOUD'])",
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=environment,
    )
    lines = ended.stdout.splitlines()
    assert lines[-1] == "end 1 false"
    seen = [line for line in lines if line.startswith(("onnxruntime ", "dbos "))]
    assert [line for line in seen if not line.endswith(" 1 false")] == []
    assert library is None or f"{library} 1 false" in seen


@pytest.mark.parametrize("file", ["Dockerfile", "docs/installing.md"])
def test_container_and_unit_set_them_too(file):
    text = (ROOT / file).read_text("utf-8")
    for name, value in SWITCHES.items():
        assert re.search(rf"\b{name}={value}\b", text)
