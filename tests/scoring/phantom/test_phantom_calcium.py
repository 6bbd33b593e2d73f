from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.phantom.calcium import MASS_FACTOR, Deposit, render_deposit
from scoring.phantom.scan import Scan
from scoring.phantom.spec import PhantomSpec

offsets = st.floats(-2.0, 2.0)


@given(
    place=st.tuples(offsets, offsets, offsets),
    radius=st.floats(0.6, 3.0),
    scan=st.sampled_from(
        [
            PhantomSpec(),
            PhantomSpec(matrix=256, slice_thickness_mm=1.5, slice_increment_mm=1.5),
            PhantomSpec(slice_increment_mm=1.5),
            PhantomSpec(slice_increment_mm=1.5, slice_profile="triangular"),
        ]
    ),
)
def test_calcium_is_neither_lost_nor_created(
    place: tuple[float, float, float], radius: float, scan: PhantomSpec
) -> None:
    """The added HU times voxel volume add up to the solid's volume times its HU, wherever it lies."""
    sphere = Deposit(np.add(place, (28.0, -8.0, -40.0))[None], radius, 500.0)
    sampled = Scan.of(scan)
    rendered = render_deposit(sphere, sampled)
    assert rendered is not None
    dz, dy, dx = sampled.spacing_mm
    # Overlapping slices contain everything (thickness / increment) times.
    solid = 4 / 3 * np.pi * radius**3 * 500
    assert rendered[1].sum(dtype=np.float64) * dz * dy * dx == pytest.approx(solid, rel=0.01)
    # The PSF can lower the peak, never raise it.
    assert rendered[1].max() <= 500 * 1.001


def test_volume_and_mass_are_those_of_the_solid() -> None:
    line = np.stack([np.linspace(0, 6, 25), np.zeros(25), np.zeros(25)], axis=1)
    rod = Deposit(line, 1.5, 640.0)
    volume = np.pi * 1.5**2 * 6 + 4 / 3 * np.pi * 1.5**3
    assert rod.volume_mm3 == pytest.approx(volume, rel=0.01)
    assert rod.mass_mg == pytest.approx(volume * 640 * MASS_FACTOR / 1000, rel=0.01)


def test_calcium_outside_the_scan_is_not_rendered() -> None:
    assert render_deposit(Deposit(np.array([[28.0, -8.0, 300.0]]), 2.0, 500.0), Scan.of(PhantomSpec())) is None


def test_thick_slices_dilute_a_thin_deposit() -> None:
    flake = Deposit(np.array([[28.0, -8.0, -39.0]]), 1.0, 900.0)
    peaks = []
    for thickness in (1.5, 3.0, 6.0):
        rendered = render_deposit(flake, Scan.of(PhantomSpec(slice_thickness_mm=thickness, slice_increment_mm=1.5)))
        assert rendered is not None
        peaks.append(float(rendered[1].max()))
    assert peaks[0] > peaks[1] > peaks[2]
    # Slices are thicker than the deposit: twice the thickness halves the peak.
    assert peaks[2] == pytest.approx(peaks[1] / 2, rel=0.02)
