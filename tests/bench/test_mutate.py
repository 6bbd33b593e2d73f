"""Some of the mutated streams; `python -m bench.mutate` sends all of them."""

import subprocess
import sys

from .conftest import BENCH


def test_mutated_streams_end_as_they_must():
    command = [sys.executable, "-m", "bench.mutate", "--streams", "600", "--seed", "7"]
    ended = subprocess.run(command, cwd=BENCH.parent, capture_output=True, text=True, timeout=250, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "600 streams" in ended.stdout


def test_a_run_goes_on_where_it_stopped(tmp_path):
    def run(streams):
        command = [sys.executable, "-m", "bench.mutate", "--streams", str(streams), "--seed", "7", "--log", str(log)]
        command += ["--kinds", "objects"]
        ended = subprocess.run(command, cwd=BENCH.parent, capture_output=True, text=True, timeout=250, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    log = tmp_path / "log"
    assert "500 streams" in run(500)
    assert "100 streams" in run(600)
