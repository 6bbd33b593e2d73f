"""The bench of starting times at its smallest size."""

import subprocess
import sys

from .conftest import BENCH


def test_every_program_is_timed_against_the_bare_interpreter():
    command = [sys.executable, str(BENCH / "start.py"), "--rounds", "1"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)
    assert ended.returncode == 0, ended.stderr
    rows = [line.strip("| ").split(" | ") for line in ended.stdout.splitlines() if line.startswith("| ")]
    cpu_seconds = {row[0]: float(row[2]) for row in rows[2:]}
    assert list(cpu_seconds) == ["python -c pass", "coronode --version", "coronode --help", "coronode series list"]
    assert all(0 < cpu_seconds["python -c pass"] < cpu_seconds[title] for title in list(cpu_seconds)[1:])
    assert rows[2][4] == "1.0"
    assert all(float(row[3]) > 5 for row in rows[2:])
