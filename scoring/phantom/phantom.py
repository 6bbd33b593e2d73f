"""A synthetic thorax CT generated from a spec."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.phantom import anatomy, rendering
from scoring.phantom.averaging import average_scan
from scoring.phantom.calcium import Deposit, contrast, place_calcification, render_deposit, render_in_pieces
from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.distractors import Distractor, build_distractors
from scoring.phantom.grid import Box, Floats, Point
from scoring.phantom.metal import add_metal_streaks
from scoring.phantom.noise import add_noise, add_streaks
from scoring.phantom.scan import Scan
from scoring.phantom.shapes import Curve, stream
from scoring.phantom.slicing import slice_thorax
from scoring.phantom.spec import PhantomSpec
from scoring.phantom.thorax import Thorax
from scoring.phantom.truth import DistractorTruth, Placed, Truth, build_truth

LOWEST_HU = -1024
HIGHEST_HU = 3071
_ITERATIONS = 6


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of calcium or metal: its artery or kind of distractor, and its solid within `radius_mm` of a line.

    `line_mm` (n, 3) is (x, y, z) in patient coordinates.
    """

    kind: str
    line_mm: NDArray[np.float64]
    radius_mm: float


@dataclass(frozen=True)
class Phantom:
    """A finished phantom.

    `hu` is int16 HU with axes z (towards the head), y (towards the back), x (towards the patient's left).
    `spacing_mm` is (z, y, x), z along the slice normal. Column k of `axes` is the displacement (x, y, z) for 1 mm of
    spacing along array axis k: the patient's axes unless the gantry is tilted. `origin_mm` holds the patient
    coordinates (x, y, z; LPS) of the centre of voxel [0, 0, 0]. `labels` holds a `Tissue` for each voxel. `structures`
    names positions (x, y, z) in patient coordinates; `ascending_centres` and `descending_centres` are lists with one
    position for each slice. `pieces` are all its calcium and metal.
    """

    spec: PhantomSpec
    hu: NDArray[np.int16]
    spacing_mm: Point
    origin_mm: Point
    truth: Truth
    labels: NDArray[np.uint8] | None
    structures: dict[str, Any]
    axes: NDArray[np.float64]
    pieces: tuple[Piece, ...] = ()


def make_phantom(spec: PhantomSpec) -> Phantom:
    """Build the thorax of a spec, scan it and record the truth."""
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
    image, labels = slice_thorax(painted, painted_labels, grid, scan)
    del painted, painted_labels
    distractors = build_distractors(thorax, tree, spec.distractor_kinds, strength, spec.distractor_strength)
    placed = []
    for number, lesion in enumerate(spec.lesions):
        deposit = place_calcification(thorax, tree, lesion, spec.seed, number)
        deposit = dataclasses.replace(deposit, hu=deposit.hu * strength)
        placed.append(Placed(lesion, deposit, _to_patient(thorax, deposit.centre), render_deposit(deposit, scan)))
    # The truth assumes unenhanced blood: contrast hides calcium, it does not remove it.
    unenhanced = np.minimum(image, np.float32(40)) if spec.contrast else image
    ostium = _to_patient(thorax, tree.arteries["LM"].points[0])
    background, averaged, spacing_mm = average_scan(unenhanced, tuple(placed), scan.spacing_mm, spec.slice_thickness_mm)
    truth = build_truth(
        seed=spec.seed,
        background=background,
        placed=averaged,
        spacing_mm=spacing_mm,
        left_main_mm=ostium,
        distractors=tuple(
            DistractorTruth(d.kind, _to_patient(thorax, d.deposit.centre), d.is_metal) for d in distractors
        ),
        contrast=strength,
        refusal="metal" if spec.has_metal_in_heart else None,
    )
    for p in placed:
        _add(image, p.rendered)
    # Other calcium, metal and noise degrade the image: the truth is that of the image without them.
    for d in distractors:
        for part in _render_distractor(d, scan):
            _add(image, part)
    add_metal_streaks(image, [d.deposit for d in distractors if d.is_metal], scan)
    grain = stream(spec.seed, f"noise {scan.shape} {scan.z[0]:.4f}")
    add_noise(image, scan, spec.noise_sd_hu, grain, spec.noise_texture)
    add_streaks(image, scan, spec.streak_noise_hu, thorax.half_width, stream(spec.seed, f"streaks {scan.shape}"))
    return Phantom(
        spec=spec,
        hu=_round_to_int16(image),
        spacing_mm=scan.spacing_mm,
        origin_mm=_from_isocentre(thorax, scan.scanner(scan.x[0], scan.y[0], scan.z[0])),
        truth=truth,
        labels=labels,
        structures=_locate_structures(thorax, tree, scan),
        axes=scan.axes,
        pieces=(
            *(_piece(thorax, p.lesion.artery, p.deposit) for p in placed),
            *(_piece(thorax, d.kind, d.deposit) for d in distractors),
        ),
    )


def _piece(thorax: Thorax, kind: str, deposit: Deposit) -> Piece:
    line = thorax.pose.to_scanner(deposit.line) + np.asarray(thorax.isocentre_mm)
    return Piece(kind, line, deposit.radius)


def _round_to_int16(image: Floats) -> NDArray[np.int16]:
    """Round to the HU that files can store, slice by slice."""
    hu = np.empty(image.shape, dtype=np.int16)
    for plane, whole in zip(image, hu, strict=True):
        whole[:] = np.clip(np.rint(plane), LOWEST_HU, HIGHEST_HU)
    return hu


def _render_distractor(distractor: Distractor, scan: Scan) -> Iterator[tuple[Box, Floats]]:
    """Yield the HU that a distractor adds to the voxels of a scan."""
    if distractor.is_long:
        yield from render_in_pieces(distractor.deposit, scan)
    elif (part := render_deposit(distractor.deposit, scan)) is not None:
        yield part


def _add(image: Floats, part: tuple[Box, Floats] | None) -> None:
    if part is not None:
        image[part[0]] += part[1]


def _to_patient(thorax: Thorax, point: NDArray[np.float64]) -> Point:
    return _from_isocentre(thorax, thorax.pose.to_scanner(point))


def _from_isocentre(thorax: Thorax, point: NDArray[np.float64]) -> Point:
    x, y, z = (round(float(v), 6) for v in np.asarray(point) + np.asarray(thorax.isocentre_mm))
    return x, y, z


def _locate_structures(thorax: Thorax, tree: CoronaryTree, scan: Scan) -> dict[str, Any]:
    named: dict[str, Any] = {n: _to_patient(thorax, p) for n, p in anatomy.landmarks(thorax, tree).items()}
    for name, aorta in (("ascending", thorax.ascending), ("descending", thorax.descending)):
        named[f"{name}_centres"] = [_to_patient(thorax, _centre_in_slice(aorta, float(z), scan)) for z in scan.z]
    return named


def _centre_in_slice(vessel: Curve, table: float, scan: Scan) -> NDArray[np.float64]:
    """Return the centre of a vessel that rises along z, in the slice at a table position."""
    z = table
    for _ in range(_ITERATIONS if scan.tilt else 1):
        point = np.array([*vessel.at_height(z), z])
        z += table - float(scan.sheared(point)[2])
    return point
