"""How well the heart nets see the courses of the arteries, on the outlines that readers drew.

Of each outline the pixels of 130 HU and more are looked at, so that what the engine finds does not matter: the
probability of its own artery and of any artery, the distance to where its own artery is the likeliest, how far the nets
differ, and whether the likeliest artery is the reader's. A folder holds `reference.json` (see `evaluation/reading.py`).

    python bench/courses.py SCANS [--nets FOLDER] [--looked-at gated-0,gated-1,gated-3]
"""

from __future__ import annotations

import argparse
import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from unittest import mock

import numpy as np
from evaluation.table import number, percent, table
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from config.errors import NotScorable
from dicom import elements
from scoring.anatomy import chest, heart
from scoring.anatomy.coarse import coarse
from scoring.anatomy.heart import Heart
from scoring.anatomy.network import Ensemble, Network, network
from scoring.anatomy.region import sampled
from scoring.images import geometry, selection, slices
from scoring.images.volume import Volume
from scoring.result import ARTERIES

BRIGHT_HU: Final = 130
LEVELS: Final = (10, 50, 90)


@dataclass(frozen=True)
class Outline:
    """What the nets say of a reader's outline: medians over its pixels."""

    artery: str
    agatston: float
    own: float
    any: float
    apart_mm: float
    differ: float
    named: str


def main() -> None:
    """Print a row for each scan and each group of scans, then one for each artery."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scans", type=Path, help="folder with reference.json")
    parser.add_argument("--nets", type=Path, help="folder with other nets (KIND*.onnx)")
    parser.add_argument("--looked-at", default="gated-0,gated-1,gated-3", help="scans that limits were set on")
    options = parser.parse_args()
    rows: dict[str, list[Outline]] = {}
    for name, case in json.loads((options.scans / "reference.json").read_text()).items():
        if case.get("rois"):
            rows[name] = measure(options.scans / name, case["rois"], options.nets)
    looked_at = options.looked_at.split(",")
    groups = {
        "scans that limits were set on": [one for name in rows if name in looked_at for one in rows[name]],
        "others": [one for name in rows if name not in looked_at for one in rows[name]],
    }
    every = [one for found in rows.values() for one in found]
    arteries = {name: [one for one in every if one.artery == name] for name in ARTERIES}
    header = ["", "outlines", "own p10/p50/p90", "any p10/p50", "off own course p50/p90 mm", "differ p50", "right"]
    print(table(header, [row(name, found) for name, found in (rows | groups | arteries).items() if found]))


def measure(folder: Path, outlines: list[dict[str, object]], nets: Path | None) -> list[Outline]:
    """Look at the outlines of one scan."""
    images = [item for path in elements.find([folder]) for item in slices.read(path)]
    volume = geometry.decode(geometry.stack_slices(selection.select_images(images).slices))
    try:
        found = find_heart(volume, nets)
    except NotScorable as refusal:
        print(f"{folder.name}: {refusal.code}")
        return []
    own = {name: distance(found, name) for name in ARTERIES}
    return [
        look(found, own[str(outline["artery"])], points, outline)
        for outline in outlines
        if len(points := bright_pixels(volume, np.array(outline["points_mm"])))
    ]


def find_heart(volume: Volume, nets: Path | None) -> Heart:
    """Find the heart with the shipped nets or with those of a folder."""
    grid = coarse(volume)
    with ExitStack() as stack:
        for module in (chest, heart) if nets is not None else ():
            stack.enter_context(
                mock.patch.object(module, "network", lambda kind: ensemble(nets, kind) or network(kind))
            )
        return heart.heart(grid, chest.chest(grid))


def ensemble(folder: Path, kind: str) -> Ensemble | None:
    """Load the nets of a folder."""
    nets = tuple(Network(path.read_bytes()) for path in sorted(folder.glob(f"{kind}*.onnx")))
    return Ensemble(nets) if nets else None


def distance(found: Heart, artery: str) -> NDArray[np.float32]:
    """Distance of every cube in mm to the nearest one where an artery is likelier than the others and than none."""
    likeliest = found.found.place.argmax(axis=0) == found.places.index(artery)
    if not likeliest.any():
        return np.full(likeliest.shape, 100, np.float32)
    away = ndimage.distance_transform_edt(~likeliest) * found.found.cubes.step_mm
    return np.asarray(away, np.float32)


def bright_pixels(volume: Volume, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Positions (n, 3) in mm along the volume's axes of the bright pixels inside an outline in patient coordinates."""
    index = volume.to_index(points_mm)
    z = int(np.rint(index[:, 0].mean()))
    canvas = Image.new("1", volume.hu.shape[:0:-1])
    ImageDraw.Draw(canvas).polygon([(x, y) for _, y, x in index.tolist()], fill=1, outline=1)
    y, x = np.nonzero(np.asarray(canvas) & (volume.hu[z] >= BRIGHT_HU))
    return np.stack([np.full(len(y), z), y, x], 1) * np.array(volume.spacing_mm)


def look(found: Heart, own_mm: NDArray[np.float32], points: NDArray[np.float64], outline: dict[str, object]) -> Outline:
    """Look at one outline."""
    likely = dict(zip(found.places, np.median(found.likelihood(points), axis=1).tolist(), strict=True))
    return Outline(
        artery=str(outline["artery"]),
        agatston=float(str(outline["agatston"])),
        own=likely[str(outline["artery"])],
        any=float(np.median(sum(found.likelihood(points)[found.places.index(name)] for name in ARTERIES))),
        apart_mm=float(np.median(sampled(own_mm, found.found.cubes, points))),
        differ=float(np.median(found.disagreement(points))),
        named=max(ARTERIES, key=lambda name: likely[name]),
    )


def row(name: str, found: list[Outline]) -> list[str]:
    """Format a row."""

    def levels(values: list[float], digits: int, *wanted: int) -> str:
        return " / ".join(number(float(np.percentile(values, level)), digits) for level in wanted)

    whole = sum(one.agatston for one in found)
    right = sum(one.agatston for one in found if one.named == one.artery)
    return [
        name,
        str(len(found)),
        levels([one.own for one in found], 2, *LEVELS),
        levels([one.any for one in found], 2, *LEVELS[:2]),
        levels([one.apart_mm for one in found], 1, *LEVELS[1:]),
        levels([one.differ for one in found], 2, LEVELS[1]),
        percent(right / max(whole, 1e-9)),
    ]


if __name__ == "__main__":
    main()
