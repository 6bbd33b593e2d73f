"""A whole run of one step: its files, and that it ends."""

import time

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from scoring.anatomy.network import Network
from training.body import HELD_OUT, path_of
from training.run import Plan, run

pytestmark = pytest.mark.train

NAMES = ("chest", "heart-1", "heart-2")


@pytest.fixture
def plan(tmp_path, bodies):
    """A run of one step in which nothing is left to paint."""
    for kind, body in bodies.items():
        for seed in (0, 1, 2, HELD_OUT):
            body.write(path_of(tmp_path, kind, seed))
    return Plan(tmp_path, tmp_path / "out", minutes=4, seeds=(1, 2), jobs=1, bodies=4, held_out=1, batch=1, steps=1)


def test_a_run_leaves_models_weights_log_and_measures(plan):
    run(plan)
    expected = {f"{name}.{end}" for name in NAMES for end in ("onnx", "pt")} | {"training.log", "measures.md"}
    assert {path.name for path in plan.out.iterdir()} == expected
    log = (plan.out / "training.log").read_text()
    nets = {name: Network((plan.out / f"{name}.onnx").read_bytes()) for name in NAMES}
    assert all(f"{name}.onnx: {net.weights}" in log for name, net in nets.items())
    assert nets["heart-1"].weights != nets["heart-2"].weights
    assert "Dice, left ventricle" in (plan.out / "measures.md").read_text()
    assert {path.name for path in plan.folder.glob("*.checkpoint.pt")} == {f"{name}.checkpoint.pt" for name in NAMES}


def test_a_run_without_bodies_ends_in_time(plan, monkeypatch):
    """What hangs is ended: here no process paints, and nothing is there."""
    ended = []
    monkeypatch.setattr("training.run.os._exit", ended.append)
    for path in plan.folder.glob("*.npz"):
        path.unlink()
    monkeypatch.setattr("training.run._LATE_S", 1.0)
    monkeypatch.setattr("training.run.interleave", lambda *_: [])
    begin = time.monotonic()
    with pytest.raises(RuntimeError, match="failed"):
        run(Plan(**{name: getattr(plan, name) for name in plan.__slots__} | {"minutes": 0.2}))
    assert ended == [3]
    assert time.monotonic() - begin < 60
