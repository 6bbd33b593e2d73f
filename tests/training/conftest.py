"""One painted body for each net. What needs PyTorch is marked `train`, and not imported where PyTorch is absent."""

import importlib.util

import pytest

from training.body import Body

SEED = 7

if importlib.util.find_spec("torch") is None:
    collect_ignore = [
        f"test_{name}.py" for name in ("lines", "loss", "metrics", "pool", "run", "scanner", "targets", "view")
    ]


@pytest.fixture(scope="session")
def bodies() -> dict[str, Body]:
    return {kind: Body.paint(SEED, kind) for kind in ("chest", "heart")}


@pytest.fixture(params=["chest", "heart"])
def kind(request) -> str:
    return request.param
