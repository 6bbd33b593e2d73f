"""Sampling of the thorax by a scanner: slices, pixels and the slice profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage as ndi

from scoring.phantom.grid import Floats, Grid, Point
from scoring.phantom.motion import STILL, Motion
from scoring.phantom.pose import STRAIGHT, Pose
from scoring.phantom.spec import PhantomSpec, SliceProfile

_HEART_MM: Final = (28.0, -8.0)
_BODY_MM: Final = (0.0, 20.0)

_GRID_MM: Final = (0.95, 0.95, 1.5)
_MARGIN_MM: Final = 4.0
_DETAIL_MM: Final = 1.0
"""Standard deviation of the blur that separates the detail which a sharp kernel enhances."""


@dataclass(frozen=True, slots=True)
class Scan:
    """Centres of pixels and slices in the scanner frame (mm, ascending), slice thickness, kernel.

    `pose` transforms the thorax frame to the scanner frame. The gantry `tilt` (radians) turns the slices about the
    axis y = 0, z = table position: `y` is then measured along the slice and `z` along the table, at that axis.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    z: NDArray[np.float64]
    thickness: float
    profile: SliceProfile
    kernel_fwhm: float = 1.0
    pose: Pose = STRAIGHT
    tilt: float = 0.0
    edge_enhancement: float = 0.0
    motion: Motion = STILL

    @classmethod
    def of(cls, spec: PhantomSpec, pose: Pose = STRAIGHT) -> Self:
        """Return the scan that a spec asks for, of a body in a pose."""
        pixel = spec.field_of_view_mm / spec.matrix
        line = (np.arange(spec.matrix, dtype=np.float64) + 0.5) * pixel - spec.field_of_view_mm / 2
        bottom = spec.z_offset_mm - spec.below_left_main_mm
        z = bottom + np.arange(spec.slices, dtype=np.float64) * spec.slice_increment_mm
        # A small field of view is centred on the heart, one of 350 mm or more on the body.
        wide = float(np.clip((spec.field_of_view_mm - 230) / 120, 0, 1))
        x, y = (line + (1 - wide) * h + wide * b for h, b in zip(_HEART_MM, _BODY_MM, strict=True))
        return cls(
            x,
            y,
            z,
            spec.slice_thickness_mm,
            spec.slice_profile,
            spec.kernel_fwhm_mm,
            pose,
            float(np.deg2rad(spec.gantry_tilt_deg)),
            spec.edge_enhancement,
            Motion(spec.motion_mm, spec.seed),
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows, columns."""
        return len(self.z), len(self.y), len(self.x)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Spacing of the voxels along the slice normal, y, x."""
        step = float(self.z[1] - self.z[0])
        return (
            step * float(np.cos(self.tilt)) if self.tilt else step,
            float(self.y[1] - self.y[0]),
            float(self.x[1] - self.x[0]),
        )

    @property
    def along_table_mm(self) -> float:
        """Thickness of a slice along the table."""
        return self.thickness / float(np.cos(self.tilt)) if self.tilt else self.thickness

    @property
    def reach_mm(self) -> float:
        """Distance along the table from its centre up to which a slice is sensitive."""
        return self.along_table_mm / 2 if self.profile == "rectangular" else self.along_table_mm

    @property
    def halo_mm(self) -> float:
        """In-plane reach of kernel and edge enhancement."""
        sharp = 3 * _DETAIL_MM if self.edge_enhancement else 0.0
        return 2.0 * self.kernel_fwhm + sharp

    @property
    def axes(self) -> NDArray[np.float64]:
        """Columns: the displacement (x, y, z) for 1 mm along the array axes z, y, x.

        If the gantry is tilted, the first is not the slice normal but the table travel for 1 mm along it.
        """
        c, s = np.cos(self.tilt), np.sin(self.tilt)
        return np.array([[0.0, 0.0, 1.0], [0.0, c, 0.0], [1 / c, s, 0.0]])

    def sheared(self, points: ArrayLike) -> NDArray[np.float64]:
        """Convert points (..., 3) of the thorax frame to column, row and table position, mm."""
        p = self.pose.to_scanner(points)
        if self.tilt == 0:
            return p
        return np.stack([p[..., 0], p[..., 1] / np.cos(self.tilt), p[..., 2] - p[..., 1] * np.tan(self.tilt)], axis=-1)

    def scanner(self, x: float, y: float, z: float) -> NDArray[np.float64]:
        """Convert column, row and table position (mm) to a point of the scanner frame."""
        return np.array([x, y * np.cos(self.tilt), z + y * np.sin(self.tilt)])

    def grid(self) -> Grid:
        """Return the grid on which the anatomy is painted before slicing; it covers the whole scan."""
        m = _MARGIN_MM
        # For coarse pixels the anatomy need not be painted finer than the pixels.
        step = max(_GRID_MM[0], 1.5 * self.spacing_mm[2])
        x, y = self.x[[0, -1]], self.y[[0, -1]]
        rise = y * np.sin(self.tilt)
        if self.tilt:
            y = y * np.cos(self.tilt)
        if not self.pose.is_straight:
            x, y = self.pose.to_body(x[None, :], y[:, None])
        low: Point = (x.min() - m, y.min() - m, self.z[0] + rise.min() - self.reach_mm - m)
        high: Point = (x.max() + m, y.max() + m, self.z[-1] + rise.max() + self.reach_mm + m)
        return Grid.covering(low, high, (step, step, _GRID_MM[2]))

    def share(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> Floats:
        """Return the share of each slice's sensitivity between heights `low` and `high`: (slices, heights)."""
        return (self._below(high - self.z[:, None]) - self._below(low - self.z[:, None])).astype(np.float32)

    def _below(self, height: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.profile == "rectangular":
            return np.clip(height / self.along_table_mm + 0.5, 0, 1)
        t = np.clip(height / self.along_table_mm, -1, 1)
        return np.asarray(np.where(t < 0, (1 + t) ** 2 / 2, 1 - (1 - t) ** 2 / 2))

    def sharpened(self, image: Floats, mode: Literal["nearest", "constant"] = "nearest") -> Floats:
        """Return one or several slices with the edges enhanced as by the kernel; the mean is preserved."""
        if not self.edge_enhancement:
            return image
        sigma = _DETAIL_MM / self.spacing_mm[2]
        wide = (0.0,) * (image.ndim - 2) + (sigma, sigma)
        soft = ndi.gaussian_filter(image, wide, mode=mode, truncate=3.0)
        return np.asarray(image + np.float32(self.edge_enhancement) * (image - soft), dtype=np.float32)

    def edge_response(self, frequency: Floats) -> Floats:
        """Return the gain of `sharpened` at a spatial frequency (1/mm)."""
        soft = np.exp(-2 * (np.pi * _DETAIL_MM * frequency) ** 2)
        return np.asarray(1 + self.edge_enhancement * (1 - soft), dtype=np.float32)
