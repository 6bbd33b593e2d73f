"""Calcium deposits, and their image in a scan."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from scoring.phantom.coronary import CoronaryTree, along
from scoring.phantom.grid import Box, Floats
from scoring.phantom.heart import inward
from scoring.phantom.scan import Scan
from scoring.phantom.shapes import Curve, stream
from scoring.phantom.spec import Calcification
from scoring.phantom.thorax import Thorax
from scoring.result import Artery

MASS_FACTOR: Final = 0.78125
"""mg/cm3 of hydroxyapatite for one HU: 200 mg/cm3 raise the attenuation by 256 HU at 120 kVp."""

_KVP: Final = ((70, 80, 100, 120, 135), (1.59, 1.36, 1.115, 1.0, 0.915))
"""Contrast of calcium by tube voltage, in proportion to the voltage-adapted thresholds (Eur Heart J Cardiovasc
Imaging 2018;19:1362)."""

_PIECE_MM: Final = 2.5
_FINE_MM: Final = 0.12
_FEWEST: Final = 4
_LAYERS: Final = 40
_AT_ONCE: Final = 12_000_000

_TURN: Final = 0.9
"""Spread of the angle (rad) between a calcification's side of the vessel and the side of the heart muscle."""

_ASIDE: Final = (0.2, 1.1)
"""How far a calcification lies from the centreline, in radii of the vessel."""

_MOTION: Final[dict[Artery, float]] = {"LM": 0.3, "LAD": 0.6, "LCX": 0.8, "RCA": 1.0}
"""Share of the heart's motion that an artery follows: the groove of the right coronary artery moves most."""


@dataclass(frozen=True, slots=True)
class Deposit:
    """Solid calcium within `radius` of a line (n, 3) in the thorax frame, mm; it adds `hu` to the tissue there.

    It follows the share `moving` of the heart's motion.
    """

    line: NDArray[np.float64]
    radius: float
    hu: float
    moving: float = 0.0

    @property
    def centre(self) -> NDArray[np.float64]:
        """Midpoint of the line."""
        return along(self.line, 0.5) if len(self.line) > 1 else self.line[0]

    def inside(self, fine: float, x: Floats, y: Floats, z: Floats, scan: Scan | None = None) -> Floats:
        """Return the share of the deposit at points `fine` mm apart on ascending axes: (z, y, x).

        The axes are those of the thorax frame, or columns, rows and table positions of a scan.
        """
        nearest = np.full((len(z), len(y), len(x)), np.inf, dtype=np.float32)
        points = (self.line if scan is None else scan.pose.to_scanner(self.line)).astype(np.float32)
        middles = (points if scan is None else scan.sheared(self.line)).astype(np.float32)
        across, down, up = x[None, None, :], y[None, :, None], z[:, None, None]
        reach = self.radius + fine
        if scan is not None and scan.tilt:
            down, up = down * np.float32(np.cos(scan.tilt)), up + down * np.float32(np.sin(scan.tilt))
            reach /= np.cos(scan.tilt)
        # A point of the line reaches no further than the radius, so only its surroundings are evaluated.
        boxes = np.stack(
            [
                np.searchsorted(line, middles[:, k, None] + np.array([-reach, reach], dtype=np.float32))
                for k, line in ((2, z), (1, y), (0, x))
            ],
            axis=1,
        ).tolist()
        for (px, py, pz), ((a, b), (c, d), (e, f)) in zip(points, boxes, strict=True):
            here = nearest[a:b, c:d, e:f]
            rows, heights = down[:, c:d], up[a:b, c:d] if up.shape[1] > 1 else up[a:b]
            np.minimum(here, (across[:, :, e:f] - px) ** 2 + ((rows - py) ** 2 + (heights - pz) ** 2), out=here)
        distance = np.sqrt(nearest, out=nearest)
        distance -= np.float32(self.radius)
        return np.asarray(np.clip(0.5 - distance / np.float32(fine), 0, 1), dtype=np.float32)

    @property
    def volume_mm3(self) -> float:
        """Volume, by counting points 0.1 mm apart."""
        step = 0.1
        low, high = self.line.min(0) - self.radius, self.line.max(0) + self.radius
        x, y, z = (np.arange(a + step / 2, b + step, step, dtype=np.float32) for a, b in zip(low, high, strict=True))
        return (
            sum(
                float(self.inside(step, x, y, z[k : k + _LAYERS]).sum(dtype=np.float64))
                for k in range(0, len(z), _LAYERS)
            )
            * step**3
        )

    @property
    def mass_mg(self) -> float:
        """Mass of hydroxyapatite."""
        return self.volume_mm3 * self.hu * MASS_FACTOR / 1000


def contrast(kvp: float) -> float:
    """Return the attenuation of calcium at a tube voltage relative to that at 120 kVp."""
    low, high = _KVP[0][-2:]
    if kvp > high:
        slope = (_KVP[1][-1] - _KVP[1][-2]) / (high - low)
        return float(_KVP[1][-1] + slope * (kvp - high))
    return float(np.interp(kvp, *_KVP))


def place_calcification(thorax: Thorax, tree: CoronaryTree, lesion: Calcification, seed: int, number: int) -> Deposit:
    """Place a calcification along its vessel, in the wall: more often on the side of the heart muscle."""
    curve = _vessel(tree, lesion)
    s = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(curve.points, axis=0), axis=1))]
    half = min(max((lesion.length_mm or lesion.diameter_mm) - lesion.diameter_mm, 0), s[-1]) / 2
    middle = float(np.clip(lesion.position * s[-1], half, s[-1] - half))
    t = np.linspace(middle - half, middle + half, max(1, int(np.ceil(2 * half / 0.25)) + 1) if half else 1)
    line, way = (np.stack([np.interp(t, s, v[:, k]) for k in range(3)], axis=1) for v in (curve.points, _ways(curve)))
    rng = stream(seed, f"calcification {number}")
    turn, share = rng.normal(0, _TURN), rng.uniform(*_ASIDE)
    deep = inward(thorax, line)
    deep -= (deep * way).sum(axis=1, keepdims=True) * way
    deep /= np.maximum(np.linalg.norm(deep, axis=1, keepdims=True), 1e-6)
    aside = np.cos(turn) * deep + np.sin(turn) * np.cross(way, deep)
    radius = np.interp(t, s, curve.radii)[:, None]
    return Deposit(line + share * radius * aside, lesion.diameter_mm / 2, lesion.hu, _MOTION[lesion.artery])


def _vessel(tree: CoronaryTree, lesion: Calcification) -> Curve:
    """Return the artery or the side branch in which a calcification lies."""
    branches = [curve for owner, curve in tree.branches if owner == lesion.artery] if lesion.branch else []
    return branches[(lesion.branch - 1) % len(branches)] if branches else tree.arteries[lesion.artery]


def _ways(curve: Curve) -> NDArray[np.float64]:
    """Return the direction (n, 3) of a curve at its points."""
    ways = np.gradient(curve.points, axis=0)
    return np.asarray(ways / np.maximum(np.linalg.norm(ways, axis=1, keepdims=True), 1e-6))


def draw_density(rng: np.random.Generator) -> float:
    """Draw the attenuation (HU) that calcium outside the coronary arteries adds."""
    return float(np.exp(rng.uniform(np.log(250), np.log(1400))))


def straight(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the line (n, 3) of a straight rod."""
    return np.linspace(start, end, max(2, int(np.ceil(np.linalg.norm(end - start) / 0.3)) + 1))


def render_in_pieces(deposit: Deposit, scan: Scan) -> Iterator[tuple[Box, Floats]]:
    """Yield the result of `render_deposit` in parts that add up to it: one box would be too large."""
    heights = scan.sheared(deposit.line)[:, 2]
    radius = deposit.radius / np.cos(scan.tilt)
    low, high = float(heights.min() - radius), float(heights.max() + radius)
    edges = np.linspace(low, high, max(1, int(np.ceil((high - low) / _PIECE_MM))) + 1)
    for bottom, top in pairwise(edges):
        in_piece = (heights > bottom - radius - _FINE_MM) & (heights < top + radius + _FINE_MM)
        if in_piece.any():
            part = render_deposit(
                dataclasses.replace(deposit, line=deposit.line[in_piece]), scan, (float(bottom), float(top))
            )
            if part is not None:
                yield part


def render_deposit(
    deposit: Deposit, scan: Scan, between: tuple[float, float] | None = None
) -> tuple[Box, Floats] | None:
    """Return the HU that a deposit adds to the voxels of a scan, on its bounding box; None outside the scan.

    The deposit is sampled at least four times finer than the pixels, weighted with the slice profile and blurred in
    plane. If `between` gives two table positions (mm), only the part between them counts.
    """
    placed = scan.sheared(deposit.line)
    moving = deposit.moving if scan.motion.reach_mm else 0.0
    halo = (deposit.radius + scan.halo_mm + moving * scan.motion.reach_mm) / np.array([1.0, *[np.cos(scan.tilt)] * 2])
    low, high = placed.min(0) - halo, placed.max(0) + halo
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
    share = scan.share(edges[:-1], edges[1:])[planes]
    layers = max(1, _AT_ONCE // (len(x) * len(y)))
    sliced = sum(
        np.tensordot(share[:, k : k + layers], deposit.inside(fine, x, y, z[k : k + layers], scan), 1)
        for k in range(0, len(z), layers)
    )
    sigma = scan.kernel_fwhm / 2.3548 / fine
    blurred = ndi.gaussian_filter(sliced, (0, sigma, sigma), truncate=4.0)
    pixels = blurred.reshape(len(share), len(y) // n, n, len(x) // n, n).mean((2, 4))
    if moving:
        pixels = scan.motion.blurred(pixels, scan.z[planes], moving, pixel)
    pixels = scan.sharpened(pixels, "constant")
    return (planes, rows, columns), np.asarray(pixels * np.float32(deposit.hu), dtype=np.float32)
