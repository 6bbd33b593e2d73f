"""The geometry of a series: its slices in order, their spacing, gaps and tilt.

All of it comes from Image Position and Image Orientation (Patient) (PS3.3 C.7.6.2.1.1) and Pixel Spacing
(10.7.1.3), never from Slice Thickness, Slice Location, Instance Number or the order of the files.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from config.errors import NotScorable
from scoring.images.decoding import pixels
from scoring.images.slices import Slice
from scoring.images.volume import Gap, StoredOrder, Volume
from scoring.result import ImageRef

# a plane at a larger angle to the transverse plane is a reformation, not an axial slice
_AXIAL_DEG = 35.0
# two slices closer than this share a position
_SAME_MM = 0.02
# a step that differs from the regular one by more than this fraction is a gap, or the slices are irregular
_UNEVEN = 0.25
# positions rounded to 0.1 mm by the scanner do not make a series uneven
_ROUNDED_MM = 0.11
# sideways shift per mm along the normal from which a series counts as tilted (0.6 degrees)
_SHEAR = 0.01


@dataclass(frozen=True, slots=True)
class Stack:
    """Slices of one size and orientation, from the feet to the head, each position once.

    `offsets_mm` are distances from the first along the normal, `step_mm` the regular one. `axes` and
    `origin_mm` are those of `Volume`. `tilt_deg` is the angle between the normal and the direction from slice to
    slice. `duplicates` counts slices that were present twice with the same pixels; one of each pair is kept.
    """

    slices: tuple[Slice, ...]
    offsets_mm: tuple[float, ...]
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]
    axes: NDArray[np.float64]
    order: StoredOrder
    gaps: tuple[Gap, ...]
    tilt_deg: float
    duplicates: int

    @property
    def thickness_mm(self) -> float | None:
        """The largest Slice Thickness (0018,0050) of the headers; None where none of them states one."""
        return max((item.thickness_mm for item in self.slices if item.thickness_mm), default=None)


def stack_slices(slices: Sequence[Slice]) -> Stack:
    """Order the slices of one reconstruction in space: slices of one size and orientation, as selection leaves them.

    Raises NotScorable: `no_positions`, `not_axial`, `too_few_slices`, `irregular_slices`,
    `overlapping_reconstructions`, and what decoding raises when two slices lie at one position.
    """
    if not slices:
        raise NotScorable("too_few_slices", variant="none")
    if any(None in (item.plane.position, item.plane.orientation, item.plane.pixel_spacing) for item in slices):
        raise NotScorable("no_positions", variant="missing")
    right, down = _read_directions(slices[0])
    normal = np.cross(right, down)
    normal /= math.copysign(float(np.linalg.norm(normal)), normal[2])
    if normal[2] < math.cos(math.radians(_AXIAL_DEG)):
        angle = math.degrees(math.acos(min(1.0, normal[2])))
        raise NotScorable("not_axial", angle_deg=round(angle, 1))
    ordered, duplicates = _drop_duplicates(slices, normal)
    if len(ordered) < 2:
        raise NotScorable("too_few_slices", variant="one_position")
    positions = np.asarray([item.plane.position for item in ordered], dtype=np.float64)
    offsets = (positions - positions[0]) @ normal
    step, gaps = _find_gaps(offsets)
    shear = _measure_shear(positions, offsets, normal)
    order, origin, axes, in_plane = _find_orientation(ordered[0], right, down)
    axes[:, 0] = normal + shear
    even = np.arange(len(offsets), dtype=np.float64) * step
    return Stack(
        slices=ordered,
        offsets_mm=tuple(np.round(even if _is_even(offsets, even) else offsets, 6).tolist()),
        spacing_mm=(step, *in_plane),
        origin_mm=origin,
        axes=axes,
        order=order,
        gaps=gaps,
        tilt_deg=round(math.degrees(math.atan(float(np.linalg.norm(shear)))), 3),
        duplicates=duplicates,
    )


def decode(stacked: Stack) -> Volume:
    """Decode every slice of the stack into one array, which is allocated once.

    Raises NotScorable when pixels cannot be decoded or there is no memory for the array.
    """
    shape = (len(stacked.slices), *stacked.order.shape)
    try:
        hu = np.empty(shape, dtype=np.int16)
    except MemoryError:
        size = math.prod(shape) * 2 / 2**30
        raise NotScorable("too_large", size_gib=round(size, 2)) from None
    pixels.read(stacked.slices, stacked.order, hu)
    even = np.arange(len(stacked.slices), dtype=np.float64) * stacked.spacing_mm[0]
    return Volume(
        hu=hu,
        spacing_mm=stacked.spacing_mm,
        origin_mm=stacked.origin_mm,
        axes=stacked.axes,
        images=tuple(ImageRef(z, item.sop_instance_uid, item.frame) for z, item in enumerate(stacked.slices)),
        offsets_mm=None if _is_even(np.asarray(stacked.offsets_mm), even) else stacked.offsets_mm,
        gaps=stacked.gaps,
        stored=stacked.order,
        thickness_mm=stacked.thickness_mm,
    )


def _is_even(offsets: NDArray[np.float64], even: NDArray[np.float64]) -> bool:
    return bool(np.abs(offsets - even).max() <= _ROUNDED_MM)


def _read_directions(item: Slice) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Unit vectors along a stored row and down a stored column."""
    both = np.asarray(item.plane.orientation, dtype=np.float64).reshape(2, 3)
    lengths = np.linalg.norm(both, axis=1)
    spacing = item.plane.pixel_spacing or (0.0, 0.0)
    if np.abs(lengths - 1).max() > 0.01 or abs(float(both[0] @ both[1])) > 0.01 or min(spacing) <= 0:
        raise NotScorable("no_positions", variant="invalid")
    right, down = both / lengths[:, np.newaxis]
    return right, down


def _drop_duplicates(slices: Sequence[Slice], normal: NDArray[np.float64]) -> tuple[tuple[Slice, ...], int]:
    def place(item: Slice) -> float:
        return float(np.asarray(item.plane.position) @ normal)

    ordered = sorted(slices, key=lambda item: (place(item), item.sop_instance_uid, item.frame or 0, str(item.path)))
    kept = [ordered[0]]
    for item in ordered[1:]:
        if place(item) - place(kept[-1]) > _SAME_MM:
            kept.append(item)
        elif not pixels.hold_same_hu(kept[-1], item):
            raise NotScorable("overlapping_reconstructions")
    return tuple(kept), len(ordered) - len(kept)


def _find_gaps(offsets: NDArray[np.float64]) -> tuple[float, tuple[Gap, ...]]:
    """The regular step and the gaps, where whole slices are missing."""
    steps = np.diff(offsets)
    middle = float(np.median(steps))
    tolerance = max(_UNEVEN * middle, _ROUNDED_MM)
    regular = np.abs(steps - middle) <= tolerance
    if np.any(steps < middle - tolerance) or regular.sum() < len(steps) / 2:
        least, most = round(float(steps.min()), 3), round(float(steps.max()), 3)
        raise NotScorable("irregular_slices", variant="spacing", least_mm=least, most_mm=most)
    step = round(float(steps[regular].mean()), 6)
    missing = np.maximum(np.rint(steps / step).astype(int) - 1, 1)
    return step, tuple(Gap(int(at), int(missing[at])) for at in np.flatnonzero(~regular))


def _measure_shear(
    positions: NDArray[np.float64], offsets: NDArray[np.float64], normal: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sideways shift (x, y, z) per mm along the normal; zero unless the gantry was tilted."""
    sideways = (positions - positions[0]) - offsets[:, np.newaxis] * normal
    shear = sideways[-1] / offsets[-1]
    if np.abs(sideways - offsets[:, np.newaxis] * shear).max() > 1.0:
        raise NotScorable("irregular_slices", variant="sideways")
    return shear if float(np.linalg.norm(shear)) > _SHEAR else np.zeros(3)


def _find_orientation(
    first: Slice, right: NDArray[np.float64], down: NDArray[np.float64]
) -> tuple[StoredOrder, tuple[float, float, float], NDArray[np.float64], tuple[float, float]]:
    """Stored order, origin (x, y, z), axes (columns z, y, x; z is left open) and spacing (y, x)."""
    between_rows, between_columns = first.plane.pixel_spacing or (0.0, 0.0)
    transposed = bool(abs(right[1]) > abs(right[0]))
    x, y = (down, right) if transposed else (right, down)
    x_mm, y_mm = (between_rows, between_columns) if transposed else (between_columns, between_rows)
    order = StoredOrder(first.plane.rows, first.plane.columns, transposed, bool(y[1] < 0), bool(x[0] < 0))
    height, width = order.shape
    origin = np.asarray(first.plane.position, dtype=np.float64)
    if order.flipped_y:
        origin, y = origin + (height - 1) * y_mm * y, -y
    if order.flipped_x:
        origin, x = origin + (width - 1) * x_mm * x, -x
    axes = np.stack((np.zeros(3), y, x), axis=1)
    return order, (float(origin[0]), float(origin[1]), float(origin[2])), axes, (y_mm, x_mm)
