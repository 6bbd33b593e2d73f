"""A synthetic thorax CT made from a spec."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.phantom import anatomy, rendering
from scoring.phantom.calcium import contrast, coronary_deposit, seen, seen_in_pieces
from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.distractors import Distractor, built
from scoring.phantom.grid import Floats, Point
from scoring.phantom.metal import streaks
from scoring.phantom.scan import Scan
from scoring.phantom.shapes import stream
from scoring.phantom.spec import PhantomSpec
from scoring.phantom.thorax import Thorax
from scoring.phantom.truth import DistractorTruth, Placed, Truth, truth_of

LOWEST_HU = -1024
HIGHEST_HU = 3071


@dataclass(frozen=True)
class Phantom:
    """A finished phantom.

    `hu` is int16 HU with axes z (towards the head), y (towards the back), x (towards the patient's left).
    `spacing_mm` is (z, y, x); `origin_mm` the patient coordinates (x, y, z; LPS) of the centre of voxel [0, 0, 0].
    `labels` holds a `Tissue` for each voxel. `structures` names positions (x, y, z) in patient coordinates; the
    values under `ascending_centres` and `descending_centres` are lists with one position for each slice.
    """

    spec: PhantomSpec
    hu: NDArray[np.int16]
    spacing_mm: Point
    origin_mm: Point
    truth: Truth
    labels: NDArray[np.uint8] | None
    structures: dict[str, Any]


def make_phantom(spec: PhantomSpec) -> Phantom:
    """Build the thorax of a spec, scan it and say what is in it."""
    thorax = Thorax.draw(spec.seed, spec.variation)
    tree = CoronaryTree.grow(thorax)
    scan = Scan.of(spec, thorax.pose)
    strength = contrast(spec.kvp)
    grid = scan.grid()
    painted, painted_labels = np.empty(grid.shape, np.float32), np.empty(grid.shape, np.uint8)
    for planes, slab in grid.slabs():
        painted[planes], painted_labels[planes] = rendering.paint(
            anatomy.regions(thorax, tree, slab), slab, seed=spec.seed, contrast=spec.contrast
        )
    image, labels = rendering.sliced(painted, painted_labels, grid, scan)
    distractors = built(thorax, tree, spec.distractor_kinds, strength)
    foreign = _foreign(distractors, scan)
    image += foreign
    placed = []
    for number, lesion in enumerate(spec.lesions):
        deposit = coronary_deposit(tree, lesion, spec.seed, number)
        deposit = dataclasses.replace(deposit, hu=deposit.hu * strength)
        placed.append(Placed(lesion, deposit, _patient(thorax, deposit.centre), seen(deposit, scan)))
    # The truth is that of unenhanced blood: contrast hides calcium, it does not remove it.
    unenhanced = np.minimum(image, np.float32(40)) if spec.contrast else image
    ostium = _patient(thorax, tree.arteries["LM"].points[0])
    truth = truth_of(
        seed=spec.seed,
        background=unenhanced,
        placed=tuple(placed),
        spacing_mm=scan.spacing_mm,
        left_main_mm=ostium,
        distractors=tuple(DistractorTruth(d.kind, _patient(thorax, d.deposit.centre)) for d in distractors),
        foreign=foreign,
        contrast=strength,
    )
    for p in placed:
        _add(image, p.seen)
    # Streaks disturb the image as noise does: the truth is that of the image without them.
    streaks(image, [d.deposit for d in distractors if d.is_metal], scan)
    image += rendering.noise(scan, spec.noise_sd_hu, stream(spec.seed, f"noise {scan.shape} {scan.z[0]:.4f}"))
    return Phantom(
        spec=spec,
        hu=np.clip(np.rint(image), LOWEST_HU, HIGHEST_HU).astype(np.int16),
        spacing_mm=scan.spacing_mm,
        origin_mm=_scanner(thorax, np.array([scan.x[0], scan.y[0], scan.z[0]])),
        truth=truth,
        labels=labels,
        structures=_structures(thorax, tree, scan),
    )


def _foreign(distractors: tuple[Distractor, ...], scan: Scan) -> Floats:
    """HU that the distractors add to the voxels of a scan."""
    added = np.zeros(scan.shape, dtype=np.float32)
    for distractor in distractors:
        if distractor.is_long:
            for part in seen_in_pieces(distractor.deposit, scan):
                _add(added, part)
        else:
            _add(added, seen(distractor.deposit, scan))
    return added


def _add(image: Floats, part: tuple[Any, Floats] | None) -> None:
    if part is not None:
        image[part[0]] += part[1]


def _patient(thorax: Thorax, point: NDArray[np.float64]) -> Point:
    return _scanner(thorax, thorax.pose.to_scanner(point))


def _scanner(thorax: Thorax, point: NDArray[np.float64]) -> Point:
    x, y, z = (round(float(v), 6) for v in np.asarray(point) + np.asarray(thorax.isocentre_mm))
    return x, y, z


def _structures(thorax: Thorax, tree: CoronaryTree, scan: Scan) -> dict[str, Any]:
    named: dict[str, Any] = {n: _patient(thorax, p) for n, p in anatomy.landmarks(thorax, tree).items()}
    for name, aorta in (("ascending", thorax.ascending), ("descending", thorax.descending)):
        named[f"{name}_centres"] = [_patient(thorax, np.array([*aorta.at_height(z), z])) for z in scan.z]
    return named
