"""Two rounds of the crash bench; `python -m bench.crash` makes fifty."""

import pytest


@pytest.fixture
def crash(bench):
    return bench("crash")


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
