"""Perturb real scans in ways that must not change the score, or must be refused, and print the outcome as a table.

Each folder below those given holds one CT series. Every perturbation is applied to the volume in memory: noise (white,
Gaussian), in-plane rotation (linear interpolation), another pixel spacing or size, shift, a smaller field of view
around the heart, ends cut off, files in reverse order. Mirrored volumes are the result of a wrong orientation in the
header: no such patient exists, and only a refusal is correct. A cell is the risk category, or the code of the refusal;
`!` marks a category other than expected, `FALSE ZERO` a 0 where calcium was counted before.

    python bench/robustness.py SCANS [SCANS ...] [--case gated-0] [--only rotate+8]
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from config.errors import NotScorable
from dicom import elements
from scoring import anatomy
from scoring.candidates import conventions
from scoring.images import geometry, selection, slices
from scoring.images.volume import Volume
from scoring.judgement.category import categorise
from scoring.way import ByAnatomy

_OUTSIDE_HU: Final = -1000
FIELD_MM: Final = 200.0
CUT_MM: Final = 15.0
SHIFT_MM: Final = (-12.0, 18.0)
STANDARD: Final = conventions.named("standard")
HEART_FROM_AORTA_MM: Final = (10.0, 25.0)

Outcome = Literal["same", "refused", "other", "false zero"]
Point = tuple[float, float]


@dataclass(frozen=True)
class Perturbation:
    """A change of a volume, given the (y, x) of its heart in mm.

    `factor` is the effect of the change on a true Agatston score; `wrong` marks volumes that no real scan can
    produce, so that a score is an error.
    """

    name: str
    change: Callable[[Volume, Point], Volume]
    factor: float = 1.0
    wrong: bool = False


@dataclass(frozen=True)
class Reading:
    """The result: the total and its category, or the code of the refusal; and the position of the heart."""

    total: float | None
    label: str
    heart: Point | None = None


def add_noise(sd_hu: float) -> Callable[[Volume, Point], Volume]:
    """Add white Gaussian noise, the same at every call."""

    def change(volume: Volume, _: Point) -> Volume:
        random = np.random.default_rng(round(sd_hu))
        added = [image + random.normal(0.0, sd_hu, image.shape).astype(np.float32) for image in volume.hu]
        return with_hu(volume, np.stack(added))

    return change


def rotate(degrees: float) -> Callable[[Volume, Point], Volume]:
    """Rotate in plane about the image centre with linear interpolation; fill with air."""

    def change(volume: Volume, _: Point) -> Volume:
        turned = [
            ndimage.rotate(image.astype(np.float32), degrees, reshape=False, order=1, cval=_OUTSIDE_HU)
            for image in volume.hu
        ]
        return with_hu(volume, np.stack(turned))

    return change


def scale(through: float, in_plane: float) -> Callable[[Volume, Point], Volume]:
    """Keep the pixels but change their stated size."""

    def change(volume: Volume, _: Point) -> Volume:
        z, y, x = volume.spacing_mm
        offsets = volume.offsets_mm and tuple(offset * through for offset in volume.offsets_mm)
        return replace(volume, spacing_mm=(z * through, y * in_plane, x * in_plane), offsets_mm=offsets)

    return change


def shift(volume: Volume, _: Point) -> Volume:
    """Shift in plane by whole pixels; fill with air."""
    rows, columns = (round(by / step) for by, step in zip(SHIFT_MM, volume.spacing_mm[1:], strict=True))
    moved = np.roll(volume.hu, (rows, columns), axis=(1, 2))
    moved[:, rows:] = _OUTSIDE_HU
    moved[:, :, :columns] = _OUTSIDE_HU
    return replace(volume, hu=moved)


def crop(volume: Volume, heart: Point) -> Volume:
    """Crop to 200 mm around the heart, inside the image."""
    window = [slice(None)]
    for middle, step, size in zip(heart, volume.spacing_mm[1:], volume.hu.shape[1:], strict=True):
        width = min(round(FIELD_MM / step), size)
        start = int(np.clip(round(middle / step - width / 2), 0, size - width))
        window.append(slice(start, start + width))
    return replace(volume, hu=np.ascontiguousarray(volume.hu[tuple(window)]))


def cut(*, top: bool) -> Callable[[Volume, Point], Volume]:
    """Cut off 15 mm at the head or foot end."""

    def change(volume: Volume, _: Point) -> Volume:
        count = round(CUT_MM / volume.spacing_mm[0])
        remaining = slice(0, -count) if top else slice(count, None)
        offsets = volume.offsets_mm and tuple(o - volume.offsets_mm[remaining][0] for o in volume.offsets_mm[remaining])
        gaps = tuple(gap if top else replace(gap, after=gap.after - count) for gap in volume.gaps)
        gaps = tuple(gap for gap in gaps if 0 <= gap.after < len(volume.hu) - count - 1)
        return replace(volume, hu=volume.hu[remaining], images=volume.images[remaining], offsets_mm=offsets, gaps=gaps)

    return change


def mirror(axis: int) -> Callable[[Volume, Point], Volume]:
    """Reverse along one axis, contrary to the header."""
    return lambda volume, _: replace(volume, hu=np.ascontiguousarray(np.flip(volume.hu, axis)))


def with_hu(volume: Volume, hu: NDArray[np.float32]) -> Volume:
    """Return the volume with new values, clipped to the CT range."""
    return replace(volume, hu=np.clip(np.rint(hu), -1024, 3071).astype(np.int16))


PERTURBATIONS: Final = (
    Perturbation("noise 10", add_noise(10.0)),
    Perturbation("noise 20", add_noise(20.0)),
    Perturbation("rotate+8", rotate(8.0)),
    Perturbation("rotate-8", rotate(-8.0)),
    Perturbation("rotate+15", rotate(15.0)),
    Perturbation("rotate-15", rotate(-15.0)),
    Perturbation("pixel 0.9", scale(1.0, 0.9), 0.81),
    Perturbation("pixel 1.1", scale(1.0, 1.1), 1.21),
    Perturbation("size 0.9", scale(0.9, 0.9), 0.729),
    Perturbation("size 1.1", scale(1.1, 1.1), 1.331),
    Perturbation("shift", shift),
    Perturbation("field 200", crop),
    Perturbation("top cut", cut(top=True)),
    Perturbation("bottom cut", cut(top=False)),
    Perturbation("reversed", lambda volume, _: volume),
    Perturbation("front-back", mirror(1), wrong=True),
    Perturbation("left-right", mirror(2), wrong=True),
    Perturbation("head-feet", mirror(0), wrong=True),
)


def load(folder: Path, *, backwards: bool = False) -> Volume:
    """Load the volume of one series. Raises NotScorable."""
    paths = sorted(elements.find([folder]), reverse=backwards)
    images = [item for path in paths for item in slices.read(path)]
    return geometry.decode(geometry.stack_slices(selection.select_images(images).slices))


def read(volume: Volume) -> Reading:
    """Score a volume by the standard convention."""
    try:
        landmarks = anatomy.find(volume)
        findings = ByAnatomy("default", lambda _: landmarks).locate(volume, "").judge(STANDARD).findings
    except NotScorable as refusal:
        return Reading(None, refusal.code)
    counted = [item.candidate.agatston for item in findings if item.counted]
    total = float(np.sum(counted))
    at = np.array([landmarks.left_main.z_mm])
    y, x = landmarks.ascending.at(at)[0, :2]
    label = categorise(total, any_lesion=bool(counted))
    return Reading(total, label, (y + HEART_FROM_AORTA_MM[0], x + HEART_FROM_AORTA_MM[1]))


def outcome(base: Reading, reading: Reading, perturbation: Perturbation) -> Outcome:
    """Compare a perturbed scan with the original."""
    if reading.total is None:
        return "refused"
    if base.total is None:
        return "other"
    if base.total > 0 and reading.total == 0:
        return "false zero"
    expected = categorise(base.total * perturbation.factor, any_lesion=base.total > 0)
    return "same" if reading.label == expected else "other"


def cell(result: Outcome, reading: Reading) -> str:
    """Format one cell of the table."""
    if reading.total is None:
        return f"_{reading.label}_"
    mark = {"same": "", "other": " !", "false zero": " FALSE ZERO"}[result]
    return f"{reading.total:.0f} ({reading.label}){mark}"


def rows(
    folders: Sequence[Path], chosen: Sequence[Perturbation]
) -> Iterator[tuple[str, bool, list[tuple[Outcome, str]]]]:
    """Yield a row per scan and whether the scan itself is fit: the original first, then each perturbation."""
    for folder in folders:
        volume = load(folder)
        base = read(volume)
        height, width = (n * step / 2 for n, step in zip(volume.hu.shape[1:], volume.spacing_mm[1:], strict=True))
        heart = base.heart or (height, width)
        cells: list[tuple[Outcome, str]] = [("same", cell("same", base))]
        for perturbation in chosen:
            changed = load(folder, backwards=True) if perturbation.name == "reversed" else volume
            reading = read(perturbation.change(changed, heart))
            result = outcome(base, reading, perturbation)
            cells.append((result, cell(result, reading)))
        yield folder.name, base.total is not None, cells


def summary(results: Sequence[tuple[Perturbation, Outcome]]) -> str:
    """Summarise the outcomes of the perturbed fit scans, and how many of the mirrored ones were refused."""
    fit = Counter(result for perturbation, result in results if not perturbation.wrong)
    wrong = Counter(result for perturbation, result in results if perturbation.wrong)
    number = max(fit.total(), 1)
    return (
        f"{fit.total()} perturbed: same category {100 * fit['same'] / number:.1f} %, "
        f"refused {100 * fit['refused'] / number:.1f} %, other category {100 * fit['other'] / number:.1f} %, "
        f"false zeros {fit['false zero']}. {wrong.total()} mirrored: refused {wrong['refused']}, "
        f"false zeros {wrong['false zero']}."
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scans", type=Path, nargs="+", help="folders that hold one folder per series")
    parser.add_argument("--case", action="append", help="only the series of this name")
    parser.add_argument("--only", action="append", help="only the perturbation of this name")
    args = parser.parse_args()
    folders = [path for scans in args.scans for path in sorted(scans.iterdir()) if path.is_dir()]
    folders = [path for path in folders if not args.case or path.name in args.case]
    chosen = [item for item in PERTURBATIONS if not args.only or item.name in args.only]
    start = time.perf_counter()
    results: list[tuple[Perturbation, Outcome]] = []
    print("| scan | unchanged |", " | ".join(item.name for item in chosen), "|")
    print("| --- " * (len(chosen) + 2) + "|", flush=True)
    for name, fit, cells in rows(folders, chosen):
        print(f"| {name} |", " | ".join(text for _, text in cells), "|", flush=True)
        if fit:
            results += zip(chosen, (result for result, _ in cells[1:]), strict=True)
    print(f"\n{summary(results)} {time.perf_counter() - start:.0f} s.")


if __name__ == "__main__":
    main()
