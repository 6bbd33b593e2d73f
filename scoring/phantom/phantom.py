"""A synthetic thorax CT made from a spec."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.phantom import anatomy, rendering
from scoring.phantom.calcium import aortic_deposits, coronary_deposit, seen
from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.grid import Floats, Point
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
    thorax = Thorax.draw(spec.seed)
    tree = CoronaryTree.grow(thorax)
    scan = Scan.of(spec)
    grid = scan.grid()
    painted, painted_labels = np.empty(grid.shape, np.float32), np.empty(grid.shape, np.uint8)
    for planes, slab in grid.slabs():
        painted[planes], painted_labels[planes] = rendering.paint(
            anatomy.regions(thorax, tree, slab), slab, seed=spec.seed, contrast=spec.contrast
        )
    image, labels = rendering.sliced(painted, painted_labels, grid, scan)
    distractors: tuple[DistractorTruth, ...] = ()
    if spec.distractors:
        for deposit in aortic_deposits(thorax).values():
            _add(image, seen(deposit, scan))
        distractors = tuple(
            DistractorTruth(kind, _patient(thorax, d.centre)) for kind, d in aortic_deposits(thorax).items()
        )
    placed = []
    for number, lesion in enumerate(spec.lesions):
        deposit = coronary_deposit(tree, lesion, spec.seed, number)
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
        distractors=distractors,
    )
    for p in placed:
        _add(image, p.seen)
    image += rendering.noise(scan, spec.noise_sd_hu, stream(spec.seed, f"noise {scan.shape} {scan.z[0]:.4f}"))
    return Phantom(
        spec=spec,
        hu=np.clip(np.rint(image), LOWEST_HU, HIGHEST_HU).astype(np.int16),
        spacing_mm=scan.spacing_mm,
        origin_mm=_patient(thorax, np.array([scan.x[0], scan.y[0], scan.z[0]])),
        truth=truth,
        labels=labels,
        structures=_structures(thorax, tree, scan),
    )


def _add(image: Floats, part: tuple[Any, Floats] | None) -> None:
    if part is not None:
        image[part[0]] += part[1]


def _patient(thorax: Thorax, point: NDArray[np.float64]) -> Point:
    x, y, z = (round(float(v), 6) for v in np.asarray(point) + np.asarray(thorax.isocentre_mm))
    return x, y, z


def _structures(thorax: Thorax, tree: CoronaryTree, scan: Scan) -> dict[str, Any]:
    named: dict[str, Any] = {n: _patient(thorax, p) for n, p in anatomy.landmarks(thorax, tree).items()}
    for name, aorta in (("ascending", thorax.ascending), ("descending", thorax.descending)):
        named[f"{name}_centres"] = [_patient(thorax, np.array([*aorta.at_height(z), z])) for z in scan.z]
    return named
