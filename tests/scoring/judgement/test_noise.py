"""How many groups as bright noise alone would make."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from scipy.stats import norm

from config.errors import NotScorable
from scoring.anatomy.blood import Blood
from scoring.candidates import agatston, conventions
from scoring.images.volume import Volume
from scoring.judgement.noise import HEART_MM3, TEMPER, UNSURE, count_alike, odds_of_noise, refuse_noise

STANDARD = conventions.named("standard")
SPACING = (3.0, 1.0, 1.0)


def blood(noise_hu=30.0, smooth_hu=10.0, slices=12):
    return Blood(40.0, noise_hu, np.full(slices, noise_hu), smooth_hu, 1.5)


def image(*groups, slices=12):
    """An image of -100 HU with groups of (z, y, x, HU)."""
    hu = np.full((slices, 40, 40), -100, np.int16)
    for group in groups:
        for z, y, x, value in group:
            hu[z, y, x] = value
    return Volume(hu, SPACING, (0.0, 0.0, 0.0), np.eye(3)[::-1], ())


def alike(volume, pool, **given):
    return count_alike(volume, pool, agatston.candidates(volume, STANDARD), **given)


def grain_mm2(pool):
    """White noise of a cell `a` wide keeps the share a / (2 sqrt(pi) x 0.8 mm) under a Gaussian of 0.8 mm."""
    return (2 * np.sqrt(np.pi) * 0.8 * pool.smooth_noise_hu / pool.noise_hu) ** 2


def test_a_single_voxel_is_a_gaussian_tail_times_the_places_it_could_have():
    pool = blood(smooth_hu=30.0)  # grains of 8 mm2: the voxel is less than one
    volume = image([(5, 20, 20, 190)])
    places = HEART_MM3 / (grain_mm2(pool) * 3.0)
    over = 150 / (30 * UNSURE)
    assert 10 ** alike(volume, pool) == pytest.approx([places * over**2 * norm.sf(over)], rel=1e-6)


def test_a_connected_lesion_counts_as_a_whole():
    """Six slices that are each no brighter than noise can be."""
    pool = blood()
    one = alike(image([(5, 20, 20, 175)]), pool)
    six = alike(image([(z, 20, 20, 175) for z in range(3, 9)]), pool)
    assert one[0] > 0
    assert six[0] < -3
    two = alike(image([(z, 20, 20, 175) for z in (3, 4)]), pool)
    assert six[0] - two[0] == pytest.approx(4 * (two[0] - one[0]))


@pytest.mark.parametrize(("of_two", "counts"), [(30 / np.sqrt(2), 1.0), (30.0, 0.0), (30 * np.sqrt(0.75), 0.5)])
def test_slices_that_share_noise_are_no_further_evidence(of_two, counts):
    """Independent noise falls by the root of two in a mean of two; at 3/4 of the variance half is common."""
    volume = image([(z, 20, 20, 175) for z in range(3, 9)])
    fine = alike(volume, blood())[0]
    alone = alike(image([(5, 20, 20, 175)]), blood())[0]
    shared = alike(volume, replace(blood(), noise_of_means=(30.0, of_two)))[0]
    assert shared == pytest.approx(alone + counts * (fine - alone))


def test_so_does_its_area():
    pool = blood()
    small, large = alike(image([(5, 5, 5, 170)], [(5, y, x, 170) for y in range(20, 24) for x in range(20, 24)]), pool)
    assert large < small - 3


@pytest.mark.parametrize(("sd_hu", "blur_mm"), [(40.0, 0.0), (30.0, 0.8)])
def test_what_noise_makes_is_expected(sd_hu, blur_mm):
    """In noise alone the group least like noise has odds against it of the order of one, whatever the grain."""
    rng = np.random.default_rng(4)
    made = ndimage.gaussian_filter(rng.normal(0, 1, (40, 160, 160)), (0.0, blur_mm / 0.7, blur_mm / 0.7))
    made *= sd_hu / made.std()
    smooth = ndimage.gaussian_filter(made, (0.0, 0.8 / 0.7, 0.8 / 0.7)).std()
    volume = Volume((40 + made).round().astype(np.int16), (3.0, 0.7, 0.7), (0.0, 0.0, 0.0), np.eye(3)[::-1], ())
    found = agatston.candidates(volume, STANDARD)
    assert len(found) > 20
    pool = Blood(40.0, sd_hu, np.full(40, sd_hu), float(smooth), 1.5)
    # 1.5 L, twice a heart: the least likely of its groups is expected about half a time in one heart.
    assert count_alike(volume, pool, found).min() > -1.5


def test_local_noise_counts_where_it_is_higher():
    volume = image([(5, 20, 20, 220)])
    quiet, same, loud = (alike(volume, blood(), noise_hu=[value])[0] for value in (5.0, 33.0, 80.0))
    assert quiet == same
    assert loud > same + 1


def test_tissue_is_no_noise():
    """15 HU of tissue on 30 of noise, in quadrature, are no more noise than 30."""
    volume = image([(5, 20, 20, 220)])
    plain, with_tissue = (alike(volume, blood(), noise_hu=[value])[0] for value in (0.0, np.hypot(30, 15)))
    assert with_tissue == pytest.approx(plain)


def test_even_odds_where_noise_makes_as_many_as_there_are():
    assert odds_of_noise(np.log10([0.3, 0.003])) == pytest.approx([0.0, -2.0 * TEMPER * np.log(10)])


@pytest.mark.parametrize(("noise_hu", "sure", "refused"), [(40, False, True), (26, False, True), (24, False, False)])
def test_only_a_sure_lesion_stands_against_noise(noise_hu, sure, refused):
    refuse_noise(noise_hu, is_any_sure=True)
    if refused:
        with pytest.raises(NotScorable, match=f"noise noise_hu={noise_hu}"):
            refuse_noise(noise_hu, is_any_sure=sure)
    else:
        refuse_noise(noise_hu, is_any_sure=sure)
