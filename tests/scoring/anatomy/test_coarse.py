"""Block means on a coarser grid."""

import numpy as np
import pytest

from scoring.anatomy.coarse import coarse


def test_means_and_positions(make):
    hu = np.arange(6 * 64 * 66).reshape(6, 64, 66) % 700
    grid = coarse(make.volume(hu, (1.25, 0.5, 0.5)))
    assert grid.spacing_mm == (2.5, 1.5, 1.5)
    assert grid.start_mm == (0.625, 0.5, 0.5)
    assert grid.hu[1, 2, 3] == round(hu[2:4, 6:9, 9:12].mean())
    assert grid.position(1)[2] == pytest.approx(np.mean([6, 7, 8]) * 0.5)
    assert tuple(grid.index(np.array([0.6, 3.4, 5.1]))) == (0, 2, 3)


def test_metal_and_padding_do_not_spread(make):
    hu = np.zeros((2, 64, 64))
    hu[:, 8:11, 8:11] = 30000
    hu[:, :, :12] = -3024
    grid = coarse(make.volume(hu, (3.0, 0.5, 0.5)))
    assert grid.hu.max() <= 1500
    assert grid.hu.min() == -1024
