"""Colours of arteries, as people with a colour vision deficiency see them.

Simulation by the matrices of Machado, Oliveira and Fernandes (IEEE Trans Vis Comput Graph 2009;15:1291) for the whole
deficiency, on linear RGB; distances in CIELAB (CIE 15, D65).
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from scoring.report.common import colours

SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
ARTERIES = {**colours.ARTERY_COLOUR, None: colours.NO_ARTERY_COLOUR}


def linear(colour: colours.Colour) -> NDArray[np.float64]:
    values = np.asarray(colour) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def seen(colour: colours.Colour, sight: str) -> NDArray[np.float64]:
    relative = TO_XYZ @ np.clip(SIGHT[sight] @ linear(colour), 0, 1) / WHITE
    f = np.where(relative > (6 / 29) ** 3, np.cbrt(relative), relative / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def luminance(colour: colours.Colour) -> float:
    return float(TO_XYZ[1] @ linear(colour))


def contrast(one: colours.Colour, other: colours.Colour) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("sight", "least"), [("normal", 40), ("protanopia", 30), ("deuteranopia", 30), ("tritanopia", 18)]
)
def test_arteries_are_told_apart(sight: str, least: float) -> None:
    for (one, colour), (other, second) in combinations(ARTERIES.items(), 2):
        assert np.linalg.norm(seen(colour, sight) - seen(second, sight)) >= least, (one, other)


@pytest.mark.parametrize("sight", ["normal", "protanopia", "deuteranopia"])
def test_an_artery_is_no_grey_of_the_image(sight: str) -> None:
    for artery, colour in colours.ARTERY_COLOUR.items():
        assert np.hypot(*seen(colour, sight)[1:]) >= 30, artery


def test_categories_are_told_apart() -> None:
    for sight in ("normal", "protanopia", "deuteranopia"):
        for one, other in combinations(colours.CATEGORY_COLOUR.values(), 2):
            assert np.linalg.norm(seen(one, sight) - seen(other, sight)) >= 24


@pytest.mark.parametrize("palette", [colours.SCREEN, colours.PAPER])
def test_words_stand_out_from_their_ground(palette: colours.Palette) -> None:
    # WCAG 2.2: 4.5 for small words
    for ink in (palette.strong, palette.plain, palette.faint, palette.alarm):
        assert contrast(ink, palette.ground) >= 4.5
        assert contrast(ink, palette.panel) >= 4.5
    assert contrast(palette.curve, palette.ground) >= 4.5
    for colour in colours.CATEGORY_COLOUR.values():
        assert contrast(palette.on_colour, colour) >= 4.5


def test_colours_with_a_meaning_stand_out_on_the_dark_page() -> None:
    for colour in colours.CATEGORY_COLOUR.values():
        assert contrast(colour, colours.SCREEN.ground) >= 7
    for colour in colours.ARTERY_COLOUR.values():
        assert contrast(colour, colours.SCREEN.ground) >= 4.5
