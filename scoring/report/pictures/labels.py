"""Places for words beside things in a picture: near, inside, over nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from scoring.report.slices.outline import Box

_GAP: Final = 3
_RINGS: Final = (14, 34, 60, 90, 130, 180, 240)
_STEP: Final = 12


def place_labels(things: Sequence[tuple[Box, float, float]], occupied: Sequence[Box], area: Box) -> list[Box | None]:
    """For each thing (its box, width and height of its words) the nearest free place in `area`; None where none is.

    `occupied` are boxes that stay free besides the things themselves. The upper things choose first.
    """
    used = [*occupied, *(box for box, _, _ in things)]
    chosen: list[Box | None] = [None] * len(things)
    for index in sorted(range(len(things)), key=lambda one: (things[one][0][1], one)):
        box, width, height = things[index]
        place = _find_nearest(box, _beside(box, width, height), used, area) or _find_nearest(
            box, _everywhere(width, height, area), used, area
        )
        if place is not None:
            used.append(place)
        chosen[index] = place
    return chosen


def overlap(one: Box, other: Box, gap: float = _GAP) -> bool:
    """True if two boxes come closer than `gap`."""
    across = one[0] < other[2] + gap and other[0] < one[2] + gap
    return across and one[1] < other[3] + gap and other[1] < one[3] + gap


def distance(one: Box, other: Box) -> float:
    """Between the nearest points of two boxes."""
    across = max(other[0] - one[2], one[0] - other[2], 0.0)
    down = max(other[1] - one[3], one[1] - other[3], 0.0)
    return math.hypot(across, down)


def _find_nearest(box: Box, candidates: Iterator[Box], used: Sequence[Box], area: Box) -> Box | None:
    free = (
        place
        for place in candidates
        if area[0] <= place[0] and area[1] <= place[1] and place[2] <= area[2] and place[3] <= area[3]
        if not any(overlap(place, one) for one in used)
    )
    return min(free, key=lambda place: distance(place, box), default=None)


def _beside(box: Box, width: float, height: float) -> Iterator[Box]:
    """On rings around the box, in eight directions."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    for gap in _RINGS:
        slant = gap * 0.7
        for left, top in (
            (box[2] + gap, y - height / 2),
            (box[0] - gap - width, y - height / 2),
            (box[2] + slant, box[1] - slant - height),
            (box[0] - slant - width, box[1] - slant - height),
            (box[2] + slant, box[3] + slant),
            (box[0] - slant - width, box[3] + slant),
            (x - width / 2, box[1] - gap - height),
            (x - width / 2, box[3] + gap),
        ):
            yield left, top, left + width, top + height


def _everywhere(width: float, height: float, area: Box) -> Iterator[Box]:
    for top in range(math.ceil(area[1]), math.floor(area[3] - height) + 1, _STEP):
        for left in range(math.ceil(area[0]), math.floor(area[2] - width) + 1, _STEP):
            yield left, top, left + width, top + height
