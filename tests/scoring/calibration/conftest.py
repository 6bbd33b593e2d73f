"""A site that readers' answers come from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from scoring.calibration.truth import Example
from tests.scoring.calibration.sites import Shift, answer, invent_case, shifted


@pytest.fixture(scope="session")
def site() -> Callable[..., list[Example]]:
    """`site(patients, shift={}, seed=0, totals=False, count=8)`: examples of a site whose weights are shifted so."""

    def make(
        patients: int, shift: Shift | None = None, seed: int = 0, *, totals: bool = False, count: int = 8
    ) -> list[Example]:
        rng, weights = np.random.default_rng(seed), shifted(shift or {})
        cases = [invent_case(rng, f"2.25.{seed}.{number}", count) for number in range(patients)]
        return [
            Example(case, answer(rng, case, weights, totals=totals), f"patient {number:03}")
            for number, case in enumerate(cases)
        ]

    return make
