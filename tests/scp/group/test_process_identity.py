import os
import subprocess
import sys
from pathlib import Path

import pytest

from scp.group.process_identity import Place

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


def test_a_process_that_runs_has_not_ended_and_one_that_was_killed_has():
    here = Place.here()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        name = here.name_process(process.pid)
        assert name
        assert not here.has_ended(name)
        process.kill()
        process.wait()
        assert here.has_ended(name)


def test_another_process_with_the_same_number_is_not_that_one():
    here = Place.here()
    place, pid, started = here.name_process(os.getpid()).rsplit(":", 2)
    assert not here.has_ended(f"{place}:{pid}:{started}")
    assert here.has_ended(f"{place}:{pid}:{int(started) + 1}")


@pytest.mark.parametrize("name", ["", "elsewhere:1:1", "x:1", "::", "nonsense"])
def test_what_cannot_be_told_from_here_has_not_ended(name):
    assert not Place.here().has_ended(name)


def test_another_start_of_the_machine_or_another_namespace_is_elsewhere():
    here = Place.here()
    assert not here.has_ended(f"{here.name}0:999999999:1")
    assert Place("").name_process(os.getpid()) == ""
