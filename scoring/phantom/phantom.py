"""A synthetic thorax CT made from a spec."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.phantom import anatomy, rendering
from scoring.phantom.calcium import contrast, coronary_deposit, seen, seen_in_pieces
from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.distractors import Distractor, built
from scoring.phantom.grid import Box, Floats, Point
from scoring.phantom.metal import streaks
from scoring.phantom.noise import add_noise, add_streaks
from scoring.phantom.scan import Scan
from scoring.phantom.shapes import Curve, stream
from scoring.phantom.slicing import sliced
from scoring.phantom.spec import PhantomSpec
from scoring.phantom.thorax import Thorax
from scoring.phantom.truth import DistractorTruth, Placed, Truth, truth_of

LOWEST_HU = -1024
HIGHEST_HU = 3071
_ITERATIONS = 6


@dataclass(frozen=True)
class Phantom:
    """A finished phantom.

    `hu` is int16 HU with axes z (towards the head), y (towards the back), x (towards the patient's left).
    `spacing_mm` is (z, y, x), z along the normal of the slices, and column k of `axes` the way (x, y, z) for 1 mm of it
    along array axis k: the patient's axes unless the gantry is tilted. `origin_mm` are the patient coordinates (x, y,
    z; LPS) of the centre of voxel [0, 0, 0]. `labels` holds a `Tissue` for each voxel. `structures` names positions
    (x, y, z) in patient coordinates; the values under `ascending_centres` and `descending_centres` are lists with one
    position for each slice.
    """

    spec: PhantomSpec
    hu: NDArray[np.int16]
    spacing_mm: Point
    origin_mm: Point
    truth: Truth
    labels: NDArray[np.uint8] | None
    structures: dict[str, Any]
    axes: NDArray[np.float64]


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
    image, labels = sliced(painted, painted_labels, grid, scan)
    del painted, painted_labels
    distractors = built(thorax, tree, spec.distractor_kinds, strength)
    foreign = [part for d in distractors if not d.is_metal for part in _seen(d, scan)]
    for part in foreign:
        _add(image, part)
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
        distractors=tuple(DistractorTruth(d.kind, _patient(thorax, d.deposit.centre), d.is_metal) for d in distractors),
        foreign=foreign,
        contrast=strength,
        refusal="metal" if spec.has_metal_in_heart else None,
    )
    for p in placed:
        _add(image, p.seen)
    # Metal and noise disturb the image: the truth is that of the image without them.
    metal = [d for d in distractors if d.is_metal]
    for d in metal:
        for part in _seen(d, scan):
            _add(image, part)
    streaks(image, [d.deposit for d in metal], scan)
    grain = stream(spec.seed, f"noise {scan.shape} {scan.z[0]:.4f}")
    add_noise(image, scan, spec.noise_sd_hu, grain, spec.noise_texture)
    add_streaks(image, scan, spec.streak_noise_hu, thorax.half_width, stream(spec.seed, f"streaks {scan.shape}"))
    return Phantom(
        spec=spec,
        hu=_stored(image),
        spacing_mm=scan.spacing_mm,
        origin_mm=_scanner(thorax, scan.scanner(scan.x[0], scan.y[0], scan.z[0])),
        truth=truth,
        labels=labels,
        structures=_structures(thorax, tree, scan),
        axes=scan.axes,
    )


def _stored(image: Floats) -> NDArray[np.int16]:
    """The HU that files can hold, slice by slice."""
    hu = np.empty(image.shape, dtype=np.int16)
    for plane, whole in zip(image, hu, strict=True):
        whole[:] = np.clip(np.rint(plane), LOWEST_HU, HIGHEST_HU)
    return hu


def _seen(distractor: Distractor, scan: Scan) -> Iterator[tuple[Box, Floats]]:
    """HU that a distractor adds to the voxels of a scan."""
    if distractor.is_long:
        yield from seen_in_pieces(distractor.deposit, scan)
    elif (part := seen(distractor.deposit, scan)) is not None:
        yield part


def _add(image: Floats, part: tuple[Box, Floats] | None) -> None:
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
        named[f"{name}_centres"] = [_patient(thorax, _where(aorta, float(z), scan)) for z in scan.z]
    return named


def _where(vessel: Curve, table: float, scan: Scan) -> NDArray[np.float64]:
    """The middle of a vessel that rises along z, in the slice at a table position."""
    z = table
    for _ in range(_ITERATIONS if scan.tilt else 1):
        point = np.array([*vessel.at_height(z), z])
        z += table - float(scan.sheared(point)[2])
    return point
