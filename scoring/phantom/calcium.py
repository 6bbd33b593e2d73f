"""Calcium deposits and what a scan sees of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from scoring.phantom.coronary import CoronaryTree, along
from scoring.phantom.grid import Box, Floats
from scoring.phantom.scan import Scan
from scoring.phantom.shapes import stream
from scoring.phantom.spec import Calcification

MASS_FACTOR: Final = 0.78125
"""mg/cm3 of hydroxyapatite for one HU: 200 mg/cm3 raise the attenuation by 256 HU at 120 kVp."""

_KVP: Final = ((70, 80, 100, 120, 135), (1.59, 1.36, 1.115, 1.0, 0.915))
"""Contrast of calcium at tube voltages, as of the thresholds that follow them (Eur Heart J Cardiovasc Imaging
2018;19:1362)."""

_PIECE_MM: Final = 2.5
_FINE_MM: Final = 0.12
_FEWEST: Final = 4


@dataclass(frozen=True, slots=True)
class Deposit:
    """Solid calcium within `radius` of a line (n, 3) in the thorax frame, mm; it adds `hu` to what is behind."""

    line: NDArray[np.float64]
    radius: float
    hu: float

    @property
    def centre(self) -> NDArray[np.float64]:
        """The middle of the line."""
        return along(self.line, 0.5) if len(self.line) > 1 else self.line[0]

    def distance(self, x: Floats, y: Floats, z: Floats) -> Floats:
        """Distance to the surface in mm, negative inside."""
        nearest = np.full(np.broadcast_shapes(x.shape, y.shape, z.shape), np.inf, dtype=np.float32)
        for px, py, pz in self.line.astype(np.float32):
            np.minimum(nearest, (x - px) ** 2 + ((y - py) ** 2 + (z - pz) ** 2), out=nearest)
        return np.asarray(np.sqrt(nearest) - np.float32(self.radius), dtype=np.float32)

    @property
    def volume_mm3(self) -> float:
        """Volume by counting points 0.1 mm apart."""
        step = 0.1
        low, high = self.line.min(0) - self.radius, self.line.max(0) + self.radius
        x, y, z = (np.arange(a + step / 2, b + step, step, dtype=np.float32) for a, b in zip(low, high, strict=True))
        d = self.distance(x[None, None, :], y[None, :, None], z[:, None, None])
        return float(np.clip(0.5 - d / step, 0, 1).sum(dtype=np.float64) * step**3)

    @property
    def mass_mg(self) -> float:
        """Mass of hydroxyapatite."""
        return self.volume_mm3 * self.hu * MASS_FACTOR / 1000


def contrast(kvp: float) -> float:
    """Attenuation of calcium at a tube voltage, 1 at 120 kVp."""
    low, high = _KVP[0][-2:]
    if kvp > high:
        slope = (_KVP[1][-1] - _KVP[1][-2]) / (high - low)
        return float(_KVP[1][-1] + slope * (kvp - high))
    return float(np.interp(kvp, *_KVP))


def coronary_deposit(tree: CoronaryTree, lesion: Calcification, seed: int, number: int) -> Deposit:
    """The deposit of a calcification: along the vessel, a little to one side of its middle."""
    points = tree.arteries[lesion.artery].points
    s = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
    half = max((lesion.length_mm or lesion.diameter_mm) - lesion.diameter_mm, 0) / 2
    middle = float(np.clip(lesion.position * s[-1], half, max(s[-1] - half, half)))
    t = np.linspace(middle - half, middle + half, max(1, int(np.ceil(2 * half / 0.25)) + 1) if half else 1)
    line = np.stack([np.interp(t, s, points[:, k]) for k in range(3)], axis=1)
    aside = stream(seed, f"calcification {number}").normal(0, 1, 3)
    return Deposit(line + 0.5 * aside / np.linalg.norm(aside), lesion.diameter_mm / 2, lesion.hu)


def seen_in_pieces(deposit: Deposit, scan: Scan) -> Iterator[tuple[Box, Floats]]:
    """What `seen` gives, in parts whose sum it is: for long deposits, whose one box would be too large."""
    heights = scan.pose.to_scanner(deposit.line)[:, 2]
    low, high = float(heights.min()) - deposit.radius, float(heights.max()) + deposit.radius
    edges = np.linspace(low, high, max(1, int(np.ceil((high - low) / _PIECE_MM))) + 1)
    for bottom, top in pairwise(edges):
        near = (heights > bottom - deposit.radius - _FINE_MM) & (heights < top + deposit.radius + _FINE_MM)
        if near.any():
            part = seen(Deposit(deposit.line[near], deposit.radius, deposit.hu), scan, (float(bottom), float(top)))
            if part is not None:
                yield part


def seen(deposit: Deposit, scan: Scan, between: tuple[float, float] | None = None) -> tuple[Box, Floats] | None:
    """HU that a deposit adds to the voxels of a scan, on the box that holds it (None: outside of the scan).

    Sampled at least four times finer than the pixels, weighted with the slice profile, blurred in the plane. Only what
    lies between two heights (mm) counts where they are given.
    """
    deposit = Deposit(scan.pose.to_scanner(deposit.line), deposit.radius, deposit.hu)
    halo = deposit.radius + 2.0 * scan.kernel_fwhm
    low, high = deposit.line.min(0) - halo, deposit.line.max(0) + halo
    if between is not None:
        low[2], high[2] = between
    box = tuple(
        slice(int(np.searchsorted(axis, a - m)), int(np.searchsorted(axis, b + m)))
        for axis, a, b, m in zip(
            (scan.z, scan.y, scan.x), low[::-1], high[::-1], (scan.reach_mm, 0.0, 0.0), strict=True
        )
    )
    planes, rows, columns = box
    if any(s.stop <= s.start for s in box):
        return None
    pixel = scan.spacing_mm[2]
    n = max(_FEWEST, int(np.ceil(pixel / _FINE_MM)))
    fine = pixel / n
    within = ((np.arange(n) + 0.5) / n - 0.5) * pixel
    x = (scan.x[columns, None] + within).ravel().astype(np.float32)
    y = (scan.y[rows, None] + within).ravel().astype(np.float32)
    edges = np.arange(low[2], high[2] + _FINE_MM, _FINE_MM)
    if between is not None:
        edges = np.linspace(*between, max(2, int(np.ceil((high[2] - low[2]) / _FINE_MM)) + 1))
    z = ((edges[:-1] + edges[1:]) / 2).astype(np.float32)
    inside = np.clip(
        0.5 - deposit.distance(x[None, None, :], y[None, :, None], z[:, None, None]) / np.float32(fine), 0, 1
    )
    share = scan.share(edges[:-1], edges[1:])[planes]
    sliced = np.tensordot(share, inside, 1)
    sigma = scan.kernel_fwhm / 2.3548 / fine
    blurred = ndi.gaussian_filter(sliced, (0, sigma, sigma), truncate=4.0)
    pixels = blurred.reshape(len(sliced), len(y) // n, n, len(x) // n, n).mean((2, 4))
    return (planes, rows, columns), np.asarray(pixels * np.float32(deposit.hu), dtype=np.float32)
