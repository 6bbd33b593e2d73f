"""One painted body for each net."""

import pytest

from training.body import Body

SEED = 7


@pytest.fixture(scope="session")
def bodies() -> dict[str, Body]:
    return {kind: Body.paint(SEED, kind) for kind in ("chest", "heart")}


@pytest.fixture(params=["chest", "heart"])
def kind(request) -> str:
    return request.param
