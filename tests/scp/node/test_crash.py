"""Two rounds of the crash bench; `python -m bench.crash` makes fifty."""

import importlib.util
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[3] / "bench" / "crash.py"


@pytest.fixture(scope="module")
def crash():
    spec = importlib.util.spec_from_file_location("coronode_bench_crash", BENCH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.component
def test_what_was_acknowledged_is_there(crash, tmp_path):
    sent, wrong = crash.run(2, 5, tmp_path)
    assert wrong == []
    assert sent.acknowledged
    # the check sees what it is there for
    uid = min(sent.acknowledged)
    left = tmp_path / "data/objects/incoming/dead"
    left.mkdir()
    (left / "half").touch()
    sent.tried[uid] += b"x"
    sent.acknowledged.add("1.2.3")
    found = crash.find_faults(tmp_path, sent)
    assert {fault.partition(": ")[2] for fault in found} >= {
        "acknowledged, not in the index",
        "other bytes on disk",
        "temporary file left behind",
    }
