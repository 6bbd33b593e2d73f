from __future__ import annotations

import pytest

from scoring.phantom import Phantom, PhantomSpec, make_phantom


@pytest.fixture(scope="session")
def clean() -> Phantom:
    """Anatomy alone: no noise, no coronary calcium, no distractors."""
    return make_phantom(PhantomSpec(seed=1, matrix=256, noise_sd_hu=0, calcifications=(), distractors=False))


@pytest.fixture(scope="session")
def calcified() -> Phantom:
    """The same patient with the default calcifications, without noise."""
    return make_phantom(PhantomSpec(seed=1, matrix=256, noise_sd_hu=0, distractors=False))
