"""Coronary calcifications of one scan: the voxels of each, as a reader outlined them or as a phantom knows them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dicom import elements
from scoring.images import geometry, selection, slices
from scoring.images.volume import Volume
from scoring.phantom import Phantom, PhantomSpec, draw, make_phantom
from scoring.phantom.calcium import contrast, place_calcification, render_deposit
from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.scan import Scan
from scoring.phantom.thorax import Thorax
from scoring.result import Artery

CALCIUM_HU: Final = 130
ADDED_HU: Final = 20.0
"""A voxel of a phantom belongs to a calcification that adds at least this."""

_USUAL: Final = (True, 3.0, 120)
_AROUND: Final = np.ones((3, 3, 3), bool)


@dataclass(frozen=True, slots=True)
class Lesion:
    """Calcium of one artery that hangs together: `voxels` (n, 3) as (z, y, x)."""

    artery: Artery
    voxels: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Case:
    """A scan with its calcifications."""

    name: str
    volume: Volume
    lesions: tuple[Lesion, ...]


def read(folder: Path, outlines: Sequence[Mapping[str, Any]]) -> Case:
    """Read the series of a folder and the calcium within a reader's outlines (`artery`, `points_mm` in LPS).

    Raises NotScorable as the stages of reading do.
    """
    images = [item for path in elements.find([folder]) for item in slices.read(path)]
    volume = geometry.decode(geometry.stack_slices(selection.select_images(images).slices))
    return outlined(folder.name, volume, outlines)


def outlined(name: str, volume: Volume, outlines: Sequence[Mapping[str, Any]]) -> Case:
    """Return the calcium within outlines, each in one slice."""
    calcium = {artery: np.zeros(volume.hu.shape, bool) for artery in dict.fromkeys(o["artery"] for o in outlines)}
    for outline in outlines:
        points = np.asarray(outline["points_mm"], dtype=np.float64) - np.asarray(volume.origin_mm)
        index = np.rint(np.linalg.solve(volume.axes, points.T).T / volume.spacing_mm).astype(np.intp)
        plane = calcium[outline["artery"]][int(index[0, 0])]
        border = np.zeros_like(plane)
        border[tuple(_closed(index[:, 1:]).T)] = True
        plane |= ndimage.binary_fill_holes(border)
    return _case(name, volume, calcium)


def draw_patients(seed: int, count: int, *, hard: bool) -> Iterator[Case]:
    """Yield phantoms with calcium from a seed on, scanned as most real calcium scans: gated, 3 mm, 120 kVp."""
    while count:
        spec = draw(seed, hard=hard)
        usual = (spec.gated, spec.slice_increment_mm, spec.kvp) == _USUAL
        if usual and spec.lesions and not spec.has_metal_in_heart:
            yield of_phantom(make_phantom(spec))
            count -= 1
        seed += 1


def of_phantom(phantom: Phantom) -> Case:
    """Return the calcium of a phantom: voxels of at least 130 HU in its noisy image to which a calcification adds."""
    spec = phantom.spec
    calcium: dict[Artery, NDArray[np.bool_]] = {}
    for artery, box, hu in _render(spec):
        mask = calcium.setdefault(artery, np.zeros(phantom.hu.shape, bool))
        mask[box] |= hu > ADDED_HU
    unit = phantom.axes
    volume = Volume(phantom.hu, phantom.spacing_mm, phantom.origin_mm, unit, ())
    return _case(f"phantom-{spec.seed}", volume, calcium)


def _render(spec: PhantomSpec) -> Iterator[tuple[Artery, Any, NDArray[np.float32]]]:
    thorax = Thorax.draw(spec.seed, spec.variation)
    tree, scan = CoronaryTree.grow(thorax), Scan.of(spec, thorax.pose)
    for number, lesion in enumerate(spec.lesions):
        deposit = place_calcification(thorax, tree, lesion, spec.seed, number)
        rendered = render_deposit(dataclasses.replace(deposit, hu=deposit.hu * contrast(spec.kvp)), scan)
        if rendered is not None:
            yield lesion.artery, *rendered


def _case(name: str, volume: Volume, calcium: Mapping[Any, NDArray[np.bool_]]) -> Case:
    lesions = []
    for artery, mask in calcium.items():
        parts, _ = ndimage.label(mask & (volume.hu >= CALCIUM_HU), structure=_AROUND)
        for number, where in enumerate(ndimage.find_objects(parts), start=1):
            first = [side.start for side in where]
            lesions.append(Lesion(artery, np.argwhere(parts[where] == number) + first))
    return Case(name, volume, tuple(lesions))


def _closed(corners: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the pixels (n, 2) of a closed outline through its corners."""
    lines = []
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        steps = max(1, int(np.abs(end - start).max()))
        lines.append(np.rint(np.linspace(start, end, steps + 1)).astype(np.intp))
    return np.vstack(lines)
