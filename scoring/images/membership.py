"""Which images form the series, and which few do not belong to it: a scout, a screen save, monitoring slices.

Images that are alike form a group; the group with the most positions is the series, if it is clearly the largest.
"""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from config.errors import NotScorable
from scoring.images.traits import Traits, find_difference, merge

# other groups may hold this share of the positions together, and none as many as could be a heart of its own
_FEW: Final = 0.2
_MANY: Final = 20
# images are compared with so many others; more kinds than this are no series
_MOST_GROUPS: Final = 100
# a verdict names the sizes of so many groups
_NAMED: Final = 6
# positions of one slice, written by two headers
_SAME_MM: Final = 0.02
# so many images at one position are a series in time
_REPEATED: Final = 5
# a step of less than this multiple of the usual one is no gap
_REGULAR: Final = 1.5
# a few slices this far from all others do not belong to the scan
_FAR_MM: Final = 50.0
_FEW_FAR: Final = 3


@dataclass(frozen=True, slots=True)
class Membership:
    """Indices of the images that form the series, in the order given, and of the others with the reason for each."""

    members: tuple[int, ...]
    others: tuple[tuple[int, str], ...]


def find_members(images: Sequence[Traits]) -> Membership:
    """Find the images that form the series; all of them where none has a geometry.

    Raises NotScorable (`mixed_series`) when no group is clearly the series.
    """
    groups = find_groups(images)
    if len(groups) > 1:
        _require_clear(images, groups)
    return _divide(images, groups)


def find_largest(images: Sequence[Traits]) -> Membership:
    """Find the largest group of images, as `find_members` does, whether it is clearly the series or not."""
    return _divide(images, find_groups(images))


def find_groups(images: Sequence[Traits]) -> list[list[int]]:
    """Group the images that can be slices of a series, by what they have in common; the largest group first."""
    slices = [index for index, item in enumerate(images) if not item.role and item.has_geometry]
    axial = [index for index in slices if images[index].is_axial]
    # among axial slices reformations in other planes are additions; a few axial ones among these are no series
    usable = axial if len(axial) > _FEW * len(slices) else slices
    groups = [part for group in _group_alike(images, usable) for part in _divide_by_frame(images, group)]
    return sorted(groups, key=lambda group: (-len(list_positions(images, group)), group[0]))


def list_positions(images: Sequence[Traits], group: Sequence[int]) -> NDArray[np.float64]:
    """List the different positions of a group in mm along its normal, in ascending order."""
    offsets = np.sort(_measure_offsets(images, group))
    return offsets[np.concatenate(([True], np.diff(offsets) > _SAME_MM))] if len(offsets) else offsets


def find_far(images: Sequence[Traits], members: Sequence[int]) -> list[int]:
    """Find the few slices at either end that lie far from all others."""
    if not all(images[index].has_geometry for index in members):
        return []
    offsets = _measure_offsets(images, members)
    order = np.argsort(offsets, kind="stable")
    wide = np.flatnonzero(np.diff(offsets[order]) > _FAR_MM)
    few = min(_FEW_FAR, len(members) // 10)
    low = max((int(at) + 1 for at in wide if at + 1 <= few), default=0)
    high = min((int(at) + 1 for at in wide if len(order) - at - 1 <= few), default=len(order))
    return [members[place] for place in (*order[:low], *order[high:])]


def _measure_offsets(images: Sequence[Traits], group: Sequence[int]) -> NDArray[np.float64]:
    if not group:
        return np.empty(0)
    offsets: NDArray[np.float64] = np.asarray([images[index].position for index in group]) @ images[group[0]].normal
    return offsets


def _group_alike(images: Sequence[Traits], usable: Sequence[int]) -> list[list[int]]:
    """Group images that do not differ; those that lack a fact join the largest group which they do not contradict."""
    identical: dict[Traits, list[int]] = defaultdict(list)
    for index in usable:
        identical[replace(images[index], position=None, frame_of_reference_uid="", acquisition_number=None)].append(
            index
        )
    groups: list[list[int]] = []
    shared: list[Traits] = []
    for item, indices in sorted(identical.items(), key=lambda entry: (not entry[0].is_complete, -len(entry[1]))):
        fitting = [place for place, common in enumerate(shared) if find_difference(common, item) is None]
        if fitting:
            place = max(fitting, key=lambda place: len(groups[place]))
            groups[place] += indices
            shared[place] = merge(shared[place], item)
        else:
            groups.append(list(indices))
            if len(shared) < _MOST_GROUPS:
                shared.append(item)
    return [sorted(group) for group in groups]


def _divide_by_frame(images: Sequence[Traits], group: list[int]) -> list[list[int]]:
    """Divide a group by frame of reference (PS3.3 C.7.4.1): positions in different ones cannot be compared."""
    frames = Counter(uid for index in group if (uid := images[index].frame_of_reference_uid))
    # a separate one for every image says nothing about positions: some de-identification does that
    if len(frames) < 2 or len(frames) == len(group):
        return [group]
    usual = frames.most_common(1)[0][0]
    parts: dict[str, list[int]] = defaultdict(list)
    for index in group:
        parts[images[index].frame_of_reference_uid or usual].append(index)
    return list(parts.values())


def _find_common(images: Sequence[Traits], group: Sequence[int]) -> Traits:
    """What a group has in common: what its first image lacks comes from the others."""
    return functools.reduce(merge, (images[index] for index in group))


def _require_clear(images: Sequence[Traits], groups: Sequence[Sequence[int]]) -> None:
    first, *others = (len(list_positions(images, group)) for group in groups)
    if sum(others) > _FEW * (first + sum(others)) or max(others) >= _MANY:
        main = _find_common(images, groups[0])
        what = {find_difference(main, images[group[0]]) or "frame_of_reference" for group in groups[1:]}
        raise NotScorable(
            "mixed_series",
            variant="groups",
            count=len(groups),
            sizes=tuple(len(group) for group in groups[:_NAMED]),
            what=tuple(sorted(what)),
        )


def _divide(images: Sequence[Traits], groups: Sequence[Sequence[int]]) -> Membership:
    if not groups:
        return Membership(tuple(index for index, item in enumerate(images) if not item.role), ())
    repeated = _find_repeated(images, groups[0])
    kept = set(groups[0]) - repeated
    main = _find_common(images, groups[0])
    others = []
    for index, item in enumerate(images):
        if index in kept:
            continue
        if index in repeated:
            others.append((index, "repeated_position"))
        elif item.role:
            others.append((index, item.role))
        elif not item.has_geometry:
            others.append((index, "no_geometry"))
        else:
            others.append((index, find_difference(main, item) or "frame_of_reference"))
    return Membership(tuple(sorted(kept)), tuple(others))


def _find_repeated(images: Sequence[Traits], group: Sequence[int]) -> frozenset[int]:
    """Find images at positions that other images of the group show: monitoring slices, a second acquisition of a few.

    An acquisition is superfluous if a larger one shows all its positions, or if it is a series in time. Images that
    are not told apart by Acquisition Number (0020,0012) are only left out where the stack has no need of them.
    """
    places = np.round(_measure_offsets(images, group) / _SAME_MM).astype(int)
    at: dict[int, list[int]] = defaultdict(list)
    for index, place in zip(group, places.tolist(), strict=True):
        at[place].append(index)
    if len(at) == len(group):
        return frozenset()
    shown: dict[int | None, set[int]] = defaultdict(set)
    for index, place in zip(group, places.tolist(), strict=True):
        shown[images[index].acquisition_number].add(place)
    superfluous = {number for number in shown if _is_superfluous(number, shown, len(at), group, images)}
    left_out = {index for index in group if images[index].acquisition_number in superfluous}
    steps = np.diff(sorted(at))
    for place, there in at.items():
        if len(set(there) - left_out) >= _REPEATED:
            remaining = np.diff(sorted(other for other in at if other != place))
            if len(remaining) > 1 and remaining.max() <= _REGULAR * np.median(steps):
                left_out |= set(there)
    return frozenset(left_out)


def _is_superfluous(
    number: int | None,
    shown: dict[int | None, set[int]],
    positions: int,
    group: Sequence[int],
    images: Sequence[Traits],
) -> bool:
    own = shown[number]
    larger = [places for other, places in shown.items() if other != number and len(places) > len(own)]
    if not larger or len(own) > max(1, _FEW * positions):
        return False
    images_there = sum(images[index].acquisition_number == number for index in group)
    return own <= set().union(*larger) or (len(own) == 1 and images_there >= _REPEATED)
