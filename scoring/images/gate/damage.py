"""Slices whose pixels are broken, as their own values or those of their neighbours show."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from scoring.images.gate.samples import Samples

Damage = Literal["blank", "part", "saturated", "noise", "clipped", "repeated"]

# shares of the pixels of a slice; real scans: 0.012 with metal clips, 0.0003, 0.004
_JUMPS: Final = 0.15
_SATURATED: Final = 0.1
_CONSTANT: Final = 0.05
_SATURATED_HU: Final = 3000
_DENSE_HU: Final = -900
_BODY_HU: Final = -500
# share of the pixels of the body that equal those of another slice; real scans: 0.022
_REPEATED: Final = 0.8
# where most slices are alike, they are a projection
_MOST_REPEATED: Final = 0.75
# of a slice in air alone there is too little to compare
_LEAST_BODY: Final = 0.02


def find_damage(samples: Samples) -> dict[int, Damage]:
    """Find slices that are broken by themselves, by index.

    "blank": one value throughout; "part": a part has one value, where a neighbour shows the body; "saturated": the
    highest values everywhere; "noise": no neighbouring pixels are alike, as with swapped bytes; "clipped": brighter
    values were cut; "repeated": the pixels, noise included, are those of another slice.
    """
    found: dict[int, Damage] = {}
    one_value = samples.hu.min(axis=(1, 2)) == samples.hu.max(axis=(1, 2))
    saturated = (samples.hu > _SATURATED_HU).mean(axis=(1, 2)) > _SATURATED
    for index in range(len(samples.hu)):
        if one_value[index]:
            found[index] = "blank"
        elif samples.jumps[index] > _JUMPS:
            found[index] = "noise"
        elif saturated[index]:
            found[index] = "saturated"
        elif samples.clipped[index] and samples.textured[index]:
            found[index] = "clipped"
    _add_parts(samples, found)
    found.update(dict.fromkeys(_find_repeated(samples, found), "repeated"))
    return found


def _find_repeated(samples: Samples, found: dict[int, Damage]) -> list[int]:
    """Find the slices whose pixels are those of the slice before, or of any other: each, except the first of its kind.

    Noise never repeats itself. Neighbours may differ in some pixels, as after another compression.
    """
    filled = (samples.hu > _DENSE_HU).mean(axis=(1, 2)) > _LEAST_BODY
    sound = [
        index for index in range(len(samples.hu)) if index not in found and samples.textured[index] and filled[index]
    ]
    seen: set[bytes] = set()
    repeated = []
    for place, index in enumerate(sound):
        pixels = samples.hu[index].tobytes()
        before = sound[place - 1] if place else index
        if pixels in seen or (before == index - 1 and _measure_equal(samples, before, index) > _REPEATED):
            repeated.append(index)
        seen.add(pixels)
    return repeated if len(repeated) < _MOST_REPEATED * len(sound) else []


def _measure_equal(samples: Samples, one: int, other: int) -> float:
    """The share of the body that has the same values in two slices; saturated pixels say nothing."""
    first, second = samples.hu[one], samples.hu[other]
    body = (first > _DENSE_HU) & (first < _SATURATED_HU)
    return float((first == second)[body].mean()) if body.any() else 0.0


def _add_parts(samples: Samples, found: dict[int, Damage]) -> None:
    """Add slices with a constant part, compared with the nearest slices that are not broken."""
    textured = samples.textured
    waiting = [index for index in range(len(samples.hu)) if index not in found]
    while waiting:
        sound = np.asarray(
            [index for index in range(len(samples.hu)) if index not in found and textured[index]], dtype=int
        )
        broken = [index for index in waiting if any(_is_partial(samples, index, near) for near in _near(sound, index))]
        found.update(dict.fromkeys(broken, "part"))
        # what lay beside a broken slice may be broken in the same way
        waiting = sorted(
            {near for index in broken for near in (index - 1, index + 1)} - found.keys() - {-1, len(samples.hu)}
        )


def _near(sound: NDArray[np.int_], index: int) -> list[int]:
    """The nearest sound slices on both sides."""
    below, above = sound[sound < index], sound[sound > index]
    return [int(side) for side in (*below[-1:], *above[:1])]


def _is_partial(samples: Samples, index: int, near: int) -> bool:
    """True if a part of the slice is constant and not of its neighbour: any value above air, or air in the body."""
    new = samples.flat[index] & ~samples.flat[near]
    odd = (samples.hu[index] > _DENSE_HU) | (samples.hu[near] > _BODY_HU)
    return bool((new & odd).mean() > _CONSTANT)
