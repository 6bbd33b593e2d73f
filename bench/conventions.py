"""Score the six larger inserts of the QRM phantom by every convention, side by side, as a Markdown table.

The folder holds the scan in `dicom/` and the centres of the inserts (patient coordinates, mm) in `reference.json`.

    python bench/conventions.py ../shared/data/qrm
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dicom import elements
from scoring.candidates import agatston, conventions
from scoring.images import geometry, slices
from scoring.images.volume import Volume

RADIUS_MM: Final = 7.0


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("../shared/data/qrm"))
    print("\n".join(table(*inserts(parser.parse_args().folder))))


def inserts(folder: Path) -> tuple[Volume, list[NDArray[np.bool_]], float | None]:
    """Return the scan, a mask around each insert whose centre is known, and the tube voltage (kVp)."""
    images = [item for path in elements.find([folder / "dicom"]) for item in slices.read(path)]
    volume = geometry.decode(geometry.stack_slices(images))
    references = json.loads((folder / "reference.json").read_text("utf-8"))["inserts"].values()
    return volume, [ball(volume, item["center_mm"]) for item in references if "center_mm" in item], images[0].kvp


def ball(volume: Volume, centre_mm: Sequence[float]) -> NDArray[np.bool_]:
    """Return the mask of the voxels within 7 mm of a point in patient coordinates (mm)."""
    middle = volume.to_index(np.asarray(centre_mm))
    reach = RADIUS_MM / np.asarray(volume.spacing_mm) + 1
    box = tuple(
        slice(max(math.floor(low), 0), math.ceil(high) + 1)
        for low, high in zip(middle - reach, middle + reach, strict=True)
    )
    inside = np.zeros(volume.hu.shape, dtype=bool)
    part = inside[box]
    index = np.moveaxis(np.indices(part.shape), 0, -1) + [side.start for side in box]
    part[:] = np.linalg.norm(volume.to_patient(index) - np.asarray(centre_mm), axis=-1) <= RADIUS_MM
    return inside


def table(volume: Volume, masks: Sequence[NDArray[np.bool_]], kvp: float | None) -> Iterator[str]:
    """Yield one row per convention: Agatston of all masks and of the smallest, volume (mm3), each with its change."""
    yield "| Convention | Agatston | change | smallest insert | change | Volume (mm3) | change |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    standard: list[float] = []
    for name in conventions.PRESETS:
        convention = conventions.named(name, kvp)
        parts = [agatston.candidates(volume, convention, mask) for mask in masks]
        scores = [math.fsum(item.agatston for item in part) for part in parts]
        size = math.fsum(item.volume_mm3 for part in parts for item in part)
        row = [math.fsum(scores), min(scores), size]
        standard = standard or row
        cells = [f"{value:.2f} | {change(value, first)}" for value, first in zip(row, standard, strict=True)]
        yield f"| `{name}` | {' | '.join(cells)} |"


def change(value: float, standard: float) -> str:
    """Format the difference in per cent of the standard's value."""
    return "none" if value == standard else f"{100 * (value / standard - 1):+.2f} %"


if __name__ == "__main__":
    main()
