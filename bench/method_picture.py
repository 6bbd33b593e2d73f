"""Draw what the engine sees in a synthetic patient: the picture in docs/scoring-method.md.

Chambers are outlined in white, the circles on the aortic wall in red; the likely courses of the four arteries are
tinted, counted lesions circled, rejected candidates near the heart crossed out.

    python bench/method_picture.py docs/images/method.jpg [--seed 50007]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from scoring import anatomy
from scoring.anatomy.heart import CHAMBERS
from scoring.candidates import agatston, conventions
from scoring.images.volume import Volume
from scoring.judgement import verdicts
from scoring.phantom import draw, make_phantom
from scoring.result import ARTERIES

TINTS: Final = {"LM": (255, 220, 0), "LAD": (255, 120, 0), "LCX": (0, 220, 255), "RCA": (60, 230, 60)}
WINDOW: Final = (-160.0, 260.0)
TILE, COLUMNS, ROWS, QUALITY = 280, 4, 2, 82
SIDE_MM: Final = 180.0
OUTLINE_MM, AT_HEART_MM, SMALL = 0.45, 4.0, 3.0


def main() -> None:
    """Draw the tiles."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=50007)
    options = parser.parse_args()
    phantom = make_phantom(draw(options.seed))
    volume = Volume(phantom.hu, phantom.spacing_mm, phantom.origin_mm, phantom.axes, images=())
    place = anatomy.find(volume)
    judged = verdicts.judge(volume, place, agatston.candidates(volume, conventions.named("standard")))
    sheet = Image.new("RGB", (COLUMNS * TILE, ROWS * TILE))
    top = place.left_main.z_mm + 8.0
    heights = top - np.linspace(0.0, 82.0, COLUMNS * ROWS)
    for number, height in enumerate(heights):
        sheet.paste(tile(volume, place, judged, float(height)), (number % COLUMNS * TILE, number // COLUMNS * TILE))
    sheet.save(options.out, quality=QUALITY, optimize=True)


def tile(volume: Volume, place: anatomy.Anatomy, judged: list[verdicts.Verdict], height_mm: float) -> Image.Image:
    """Draw one slice with all overlays."""
    spacing = np.asarray(volume.spacing_mm)
    index = int(np.clip(round(height_mm / spacing[0]), 0, len(volume.hu) - 1))
    z_mm = index * spacing[0]
    middle = place.heart.found.cubes.position(np.argwhere(place.heart.found.mask(*CHAMBERS)).mean(axis=0))
    line = (np.arange(TILE) + 0.5) / TILE * SIDE_MM - SIDE_MM / 2
    y, x = np.meshgrid(middle[1] + line, middle[2] + line, indexing="ij")
    points = np.stack([np.full(y.shape, z_mm), y, x], axis=-1).reshape(-1, 3)
    hu = ndimage.map_coordinates(
        volume.hu[index], [y.ravel() / spacing[1], x.ravel() / spacing[2]], order=1, cval=-1000
    )
    grey = np.clip((hu.astype(np.float32) - WINDOW[0]) / (WINDOW[1] - WINDOW[0]), 0, 1).reshape(TILE, TILE)
    rgb = np.repeat(grey[:, :, None] * 255, 3, axis=2)
    likelihood = dict(zip(place.heart.places, place.heart.likelihood(points), strict=True))
    for artery in ARTERIES:
        share = likelihood[artery].reshape(TILE, TILE, 1) * 0.6
        rgb = rgb * (1 - share) + np.array(TINTS[artery]) * share
    chambers = np.abs(place.heart.chambers.at(points).reshape(TILE, TILE)) < OUTLINE_MM
    rgb[chambers] = rgb[chambers] * 0.5 + 110
    picture = Image.fromarray(np.clip(rgb, 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    for vessel in (place.ascending, place.descending):
        row = int(np.argmin(np.abs(vessel.z_mm - z_mm)))
        if vessel.seen[row]:
            ring(pen, (vessel.y_mm[row], vessel.x_mm[row]), vessel.radius_mm[row], middle, (255, 60, 60))
    for item in judged:
        slices = np.unique(item.candidate.voxels[:, 0])
        if not (slices.min() - 1 <= index <= slices.max() + 1):
            continue
        at = item.candidate.voxels.mean(axis=0) * spacing
        if item.counted:
            ring(pen, (at[1], at[2]), 6.0, middle, TINTS[item.artery])
        elif place.chest.body.at(at[None])[0] < AT_HEART_MM and item.candidate.agatston > SMALL:
            cross(pen, (at[1], at[2]), middle)
    return picture


def pixel(at: tuple[float, float], middle: NDArray[np.float64]) -> tuple[float, float]:
    """Return column and row of a position (y, x) in mm."""
    scale = TILE / SIDE_MM
    return (at[1] - middle[2]) * scale + TILE / 2, (at[0] - middle[1]) * scale + TILE / 2


def ring(pen: Any, at: tuple[float, float], radius_mm: float, middle: NDArray[np.float64], colour: Any) -> None:
    """Draw a circle around a position."""
    column, row = pixel(at, middle)
    r = radius_mm * TILE / SIDE_MM
    pen.ellipse((column - r, row - r, column + r, row + r), outline=colour, width=2)


def cross(pen: Any, at: tuple[float, float], middle: NDArray[np.float64]) -> None:
    """Draw a cross at a position."""
    column, row = pixel(at, middle)
    for side in (-1, 1):
        pen.line((column - 5, row - 5 * side, column + 5, row + 5 * side), fill=(255, 80, 200), width=2)


if __name__ == "__main__":
    main()
