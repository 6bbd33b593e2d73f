"""Lesions drawn by hand: boxes of HU in fat."""

import numpy as np
import pytest

from scoring.candidates import agatston, conventions
from scoring.images.volume import Volume

STANDARD = conventions.named("standard")
# the patient's axes: x to the left, y to the back, z to the head
AXES = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])


@pytest.fixture
def paint():
    def paint(*boxes, spacing=(3.0, 0.5, 0.5), shape=(20, 60, 120), background=-100):
        """Boxes z, rows, columns (first, last) and HU."""
        hu = np.full(shape, background, np.int16)
        for z, (top, bottom), (left, right), value in boxes:
            hu[z, top : bottom + 1, left : right + 1] = value
        return Volume(hu, spacing, (0.0, 0.0, 0.0), AXES, ())

    return paint


@pytest.fixture
def lesions():
    def lesions(volume, convention=STANDARD):
        return agatston.candidates(volume, convention)

    return lesions
