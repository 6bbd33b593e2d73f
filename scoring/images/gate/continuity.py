"""Slices that do not continue their neighbours: another level of the same tissue, another or a turned image.

The slices are cut into runs wherever two neighbours are not like neighbours of one scan. The largest run whose tissue
lies where tissue does is the reference, with all that continues it. A run between parts of the reference does not
belong there; beyond its ends a scan may well change (a phantom ends in air), and only what no object does counts.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from scoring.images.gate.likeness import LEVEL_HU, Relation, relate
from scoring.images.gate.samples import Samples

Break = Literal["level", "turned", "content"]

# the upper quartile of tissue is muscle and blood, in real scans 8 to 94 HU in a slice; contrast makes it brighter
_USUAL_HU: Final = (-20.0, 120.0)
_POSSIBLE_HU: Final = (-60.0, 400.0)
_NO_TISSUE_HU: Final = 200.0
# real slices are always more alike to the next than the next but one (by 0.000 or more)
_ALONE: Final = 0.2
_MOST_STEPS: Final = 24
# an inverted image; real neighbours never went below 0.1, at the edge of a phantom
_OPPOSITE: Final = -0.2
# an object ends within a slice or two, part of it in air; tissue that goes on at another level is another scale
_STEADY: Final = 4


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why a slice does not continue its neighbours; `off_hu` is how far its tissue lies off theirs, 0 if not so."""

    kind: Break
    off_hu: int = 0


def find_misfits(samples: Samples, sound: Sequence[int]) -> dict[int, Misfit]:
    """Find the slices, by index, that do not continue the others among `sound`, given in order."""
    steps = [relate(samples, one, two) for one, two in itertools.pairwise(sound)]
    found = {index: Misfit("content") for index in _find_lonely(samples, sound, steps)}
    runs = [[index] for index in sound[:1]]
    for index, step in zip(sound[1:], steps, strict=True):
        if step.is_break:
            runs.append([])
        runs[-1].append(index)
    if len(runs) > 1:
        found |= _find_foreign(samples, runs)
    return found


def _find_lonely(samples: Samples, sound: Sequence[int], steps: Sequence[Relation]) -> set[int]:
    """Slices between two that are much more alike than the slices at either end are to them."""
    weak = [place for place, step in enumerate(steps) if step.likeness < 1 - _ALONE]
    # only the weakest: the number of pairs must not grow with the damage
    weak = sorted(sorted(weak, key=lambda place: steps[place].likeness)[:_MOST_STEPS])
    lonely: set[int] = set()
    # short stretches first: what they explain explains a longer one as well
    for before, after in sorted(itertools.combinations(weak, 2), key=lambda ends: ends[1] - ends[0]):
        between = sound[before + 1 : after + 1]
        nearer = max(steps[before].likeness, steps[after].likeness)
        if len(between) < len(sound) / 2 and lonely.isdisjoint([sound[before], *between, sound[after + 1]]):
            across = relate(samples, sound[before], sound[after + 1])
            if across.likeness > nearer + _ALONE:
                lonely.update(between)
    return lonely


def _find_foreign(samples: Samples, runs: Sequence[list[int]]) -> dict[int, Misfit]:
    reference = _find_reference(samples, runs)
    if not reference:
        return {}
    members = [index for place in reference for index in runs[place]]
    first, last = members[0], members[-1]
    found: dict[int, Misfit] = {}
    for place, run in enumerate(runs):
        if place in reference:
            continue
        near = min(members, key=lambda index: abs(index - run[0]))
        relation = relate(samples, near, run[-1] if run[-1] < near else run[0])
        beyond = not first < run[0] < last
        if beyond and not _is_certain(relation, _level(samples, run)) and not _is_steady(samples, relation, run):
            continue
        found |= dict.fromkeys(run, _describe(relation))
    return found


def _is_certain(relation: Relation, level_hu: float) -> bool:
    """True if no object changes like this, not even at the end of a scan."""
    opposite = relation.likeness < _OPPOSITE
    return relation.is_shifted or relation.turned or opposite or level_hu > _NO_TISSUE_HU


def _is_steady(samples: Samples, relation: Relation, run: Sequence[int]) -> bool:
    """True if a run of slices shows the same on another level, all along."""
    levels = samples.tissue_hu[list(run)]
    return relation.is_offset and len(run) >= _STEADY and bool(np.ptp(levels) < LEVEL_HU)


def _find_reference(samples: Samples, runs: Sequence[list[int]]) -> list[int]:
    """Places of the runs that are taken as right; none where the tissue of no run lies where tissue does."""
    levels = [_level(samples, run) for run in runs]
    usual = [place for place, level in enumerate(levels) if _POSSIBLE_HU[0] < level < _POSSIBLE_HU[1]]
    if not usual:
        return []
    start = max(usual, key=lambda place: (_USUAL_HU[0] < levels[place] < _USUAL_HU[1], len(runs[place])))
    chosen = [start]
    for place in range(start + 1, len(runs)):
        if place in usual and relate(samples, runs[chosen[-1]][-1], runs[place][0]).is_continued:
            chosen.append(place)
    for place in range(start - 1, -1, -1):
        if place in usual and relate(samples, runs[chosen[0]][0], runs[place][-1]).is_continued:
            chosen.insert(0, place)
    return chosen


def _level(samples: Samples, run: Sequence[int]) -> float:
    levels = samples.tissue_hu[list(run)]
    known = levels[~np.isnan(levels)]
    return float(np.median(known)) if known.size else float("nan")


def _describe(relation: Relation) -> Misfit:
    if relation.turned:
        return Misfit("turned")
    if relation.is_offset:
        return Misfit("level", round(relation.soft_hu))
    return Misfit("content")
