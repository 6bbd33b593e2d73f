"""Metal that hides the arteries, and metal that does not."""

from __future__ import annotations

import numpy as np
import pytest

from config.errors import NotScorable
from scoring.candidates import agatston, conventions
from scoring.images.volume import Volume
from scoring.judgement.metal import SPILL_MM, SPILL_RADII, find_metal
from scoring.judgement.verdicts import judge

STANDARD = conventions.named("standard")
SPACING = (3.0, 0.8, 0.8)
AT = np.array([42.0, 40.0, 40.0])


def image(*pieces):
    """Fat with pieces of (z, y, x, HU), slices and ranges of rows and columns."""
    hu = np.full((30, 100, 100), -100, np.int16)
    for z, y, x, value in pieces:
        hu[z, y, x] = value
    return Volume(hu, SPACING, (0.0, 0.0, 0.0), np.eye(3)[::-1], ())


LEAD = (slice(4, 26), slice(50, 52), slice(50, 53), 2600)
"""A wire along z, 1.6 x 2.4 mm, at y 40.4 and x 40.8 mm."""


def judged(volume, anatomy):
    return judge(volume, anatomy, agatston.candidates(volume, STANDARD))


def on(place, radius_mm):
    """Whether points lie within a radius in the plane of an artery at (y, x)."""
    return {"RCA": lambda p: np.where(np.hypot(p[:, 1] - place[0], p[:, 2] - place[1]) < radius_mm, 0.9, 0.01)}


def test_at_an_artery(given_anatomy):
    with pytest.raises(NotScorable, match="metal max_hu=2600"):
        judged(image(LEAD), given_anatomy())


@pytest.mark.parametrize(("away_mm", "refused"), [(6.0, True), (16.0, False)])
def test_a_lead_beside_an_artery(given_anatomy, away_mm, refused):
    """3.84 mm2 in each slice: they spoil 3 mm and two radii of 1.1 mm, 5.2 mm in all; the artery is 2 mm thick."""
    assert SPILL_MM + SPILL_RADII * np.sqrt(3.84 / np.pi) == pytest.approx(5.21, abs=0.01)
    anatomy = given_anatomy(likely=on((40.4, 40.8 + away_mm), 2.0), body=-20.0)
    if refused:
        with pytest.raises(NotScorable, match="metal"):
            judged(image(LEAD), anatomy)
    else:
        (found,) = judged(image(LEAD), anatomy)
        assert not found.counted
        assert found.reason == "clip"


@pytest.mark.parametrize("elsewhere", [{"body": 30.0}, {"bone": 0.0}])
def test_outside_the_heart_or_at_bone(given_anatomy, elsewhere):
    assert not any(item.counted for item in judged(image(LEAD), given_anatomy(**elsewhere)))


@pytest.mark.parametrize("peak", [1999, 2000])
def test_from_two_thousand(peak):
    volume = image((14, slice(50, 52), slice(50, 53), peak))
    assert len(find_metal(volume, agatston.candidates(volume, STANDARD)).place_mm) == (peak == 2000)


@pytest.mark.parametrize(("voxels", "pieces"), [(1, 0), (2, 1)])
def test_at_least_a_square_millimetre_of_a_slice(voxels, pieces):
    """A voxel has 0.64 mm2."""
    volume = image((14, slice(48, 54), slice(48, 54), 900), (14, 50, slice(50, 50 + voxels), 2500), (13, 50, 50, 2500))
    assert len(find_metal(volume, agatston.candidates(volume, STANDARD)).place_mm) == pieces


def test_what_lies_beside_it_is_spoilt(given_anatomy):
    """Two equal spots on an artery's course, 3.5 and 20 mm from a wire in a place where no artery can be."""
    spots = [(14, slice(49, 53), slice(50 + shift, 54 + shift), 500) for shift in (5, 26)]
    volume = image(LEAD, *spots)
    course = {"RCA": lambda p: np.where(p[:, 2] > 43.0, 0.97, 0.01)}
    anatomy = given_anatomy(likely=course, body=-20.0, bone=lambda p: np.where(p[:, 2] < 43.0, 2.0, 30.0))
    near, far = (item for item in judged(volume, anatomy) if item.candidate.max_hu == 500)
    assert near.alternative == "beside_metal"
    assert near.confidence < 0.3
    assert far.confidence > 0.8
