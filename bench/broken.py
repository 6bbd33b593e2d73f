"""Break scans on purpose and count what the gate before the score catches.

Each folder below those given holds one CT series. Its volume is decoded once; then some of its slices are broken in
memory: one in the middle, nine beside each other, nine scattered, the first, the last, every second, four of five, all.
A row is a kind of breakage, a cell "caught of tried", with the number of those whose broken slices were named exactly.
What a gate misses is listed below, with `--score` also what the score would have been with and without the breakage
in the slices with the most calcium; this takes minutes for each scan.

    python bench/broken.py SCANS [SCANS ...] [--case gated-1] [--score]
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.robustness import load, read
from config.errors import NotScorable
from scoring.candidates.conventions import AGATSTON
from scoring.images.gate import fitness
from scoring.images.volume import Volume

Image = NDArray[np.int32]
_INTERCEPT: Final = -1024
_RANDOM: Final = np.random.default_rng(1)


@dataclass(frozen=True)
class Breakage:
    """A way to break the slice `index` of a volume (z, y, x), from HU to HU."""

    name: str
    change: Callable[[NDArray[np.int16], int], Image]


def on_image(change: Callable[[Image], Image]) -> Callable[[NDArray[np.int16], int], Image]:
    """A breakage that looks at the slice alone."""
    return lambda hu, index: change(hu[index].astype(np.int32))


def stored(change: Callable[[Image], Image]) -> Callable[[NDArray[np.int16], int], Image]:
    """A breakage of the stored values: unsigned, with the usual intercept."""
    return on_image(lambda image: change(np.clip(image - _INTERCEPT, 0, 65535)) + _INTERCEPT)


def fill(share: float, value: int) -> Callable[[NDArray[np.int16], int], Image]:
    """Fill the lowest rows with one value."""

    def change(image: Image) -> Image:
        image[round(len(image) * (1 - share)) :] = value
        return image

    return on_image(change)


def take(by: float) -> Callable[[NDArray[np.int16], int], Image]:
    """The pixels of the slice that lies a fraction of the scan further."""
    return lambda hu, index: hu[(index + round(by * len(hu))) % len(hu)].astype(np.int32)


def zoom(image: Image) -> Image:
    """Enlarge by 4/3, nearest pixels."""
    rows, columns = (size // 8 + np.arange(size) * 3 // 4 for size in image.shape)
    return image[np.ix_(rows, columns)]


BREAKAGES: Final = (
    Breakage("blank, lowest value", fill(1.0, _INTERCEPT)),
    Breakage("blank, 0 HU", fill(1.0, 0)),
    Breakage("saturated", fill(1.0, 3071)),
    Breakage("half grey", fill(0.5, 0)),
    Breakage("half black", fill(0.5, _INTERCEPT)),
    Breakage("quarter grey", fill(0.25, 0)),
    Breakage("quarter black", fill(0.25, _INTERCEPT)),
    Breakage("bytes swapped", stored(lambda image: image.astype(np.uint16).byteswap().astype(np.int32))),
    Breakage("noise", on_image(lambda image: _RANDOM.normal(0, 400, image.shape).astype(np.int32))),
    Breakage("1024 HU high", on_image(lambda image: image + 1024)),
    Breakage("1024 HU low", on_image(lambda image: image - 1024)),
    Breakage("176 HU high", on_image(lambda image: image + 176)),
    Breakage("176 HU low", on_image(lambda image: image - 176)),
    Breakage("100 HU high", on_image(lambda image: image + 100)),
    Breakage("100 HU low", on_image(lambda image: image - 100)),
    Breakage("slope 2", stored(lambda image: image * 2)),
    Breakage("slope 0.5", stored(lambda image: image // 2)),
    Breakage("slope 1.1", stored(lambda image: image * 11 // 10)),
    Breakage("inverted", stored(lambda image: 2 * -_INTERCEPT - np.minimum(image, 2048))),
    Breakage("upside down", on_image(lambda image: image[::-1])),
    Breakage("mirrored", on_image(lambda image: image[:, ::-1])),
    Breakage("turned by 180", on_image(lambda image: image[::-1, ::-1])),
    Breakage("transposed", on_image(lambda image: image.T if image.shape[0] == image.shape[1] else image[::-1])),
    Breakage("moved by a quarter", on_image(lambda image: np.roll(image, image.shape[1] // 4, axis=1))),
    Breakage("moved by an eighth", on_image(lambda image: np.roll(image, image.shape[1] // 8, axis=1))),
    Breakage("enlarged", on_image(zoom)),
    Breakage("a slice from elsewhere", take(0.5)),
)


def places(count: int) -> dict[str, list[int]]:
    """Which slices are broken, by the name of the pattern."""
    middle = count // 2
    return {
        "one": [middle],
        "nine": list(range(middle - 4, middle + 5)),
        "scattered": [round(place * (count - 3) / 8) + 1 for place in range(9)],
        "first": [0],
        "last": [count - 1],
        "every second": list(range(0, count, 2)),
        "four of five": [index for index in range(count) if index % 5],
        "all": list(range(count)),
    }


def broken(volume: Volume, breakage: Breakage, indices: Sequence[int]) -> Volume:
    """The volume with some slices broken."""
    hu = volume.hu.copy()
    for index in indices:
        hu[index] = np.clip(breakage.change(volume.hu, index), -32768, 32767)
    return replace(volume, hu=hu)


def named(volume: Volume) -> tuple[int, ...] | None:
    """The slices that the gate names (all are none), from 0; None when it lets the volume pass."""
    try:
        fitness.check_pixels(volume)
    except NotScorable as verdict:
        found = verdict.values.get("slices", ())
        return tuple(int(number) - 1 for number in found) if isinstance(found, tuple) else ()
    return None


def try_all(volume: Volume) -> Iterator[tuple[str, str, bool, bool]]:
    """Yield breakage, pattern, whether it was caught, and whether the first broken slices were named exactly."""
    for breakage in BREAKAGES:
        for pattern, indices in places(len(volume.hu)).items():
            found = named(broken(volume, breakage, indices))
            exact = found is not None and found == tuple(indices[: len(found)])
            yield breakage.name, pattern, found is not None, exact


def print_scores(volume: Volume) -> None:
    """Print what the score of a scan would be without the gate."""
    brightest = np.argsort([np.count_nonzero(image >= AGATSTON[0]) for image in volume.hu])
    middle = len(volume.hu) // 2
    print(f"as it is: {_word(volume)}; slice {middle + 1} broken (brightest: {brightest[-1] + 1}):")
    for breakage in BREAKAGES:
        print(f"  {breakage.name}: {_word(broken(volume, breakage, [middle]))}", flush=True)


def _word(volume: Volume) -> str:
    reading = read(volume)
    return reading.label if reading.total is None else f"{reading.total:.1f}"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scans", type=Path, nargs="+", help="folders that hold one folder per series")
    parser.add_argument("--case", action="append", help="only the series of this name")
    parser.add_argument("--score", action="store_true", help="also score broken copies without the gate")
    args = parser.parse_args()
    folders = [path for scans in args.scans for path in sorted(scans.iterdir()) if path.is_dir()]
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    missed: list[str] = []
    for folder in folders:
        if args.case and folder.name not in args.case:
            continue
        volume = load(folder)
        start = time.process_time()
        refused = named(volume)
        print(
            f"{folder.name}: gate {time.process_time() - start:.2f} s, {'REFUSED' if refused is not None else 'passes'}"
        )
        for kind, pattern, caught, exact in try_all(volume):
            counts[kind, pattern] = [
                one + two for one, two in zip(counts[kind, pattern], (caught, exact, 1), strict=True)
            ]
            if not caught:
                missed.append(f"{folder.name}: {kind}, {pattern}")
        if args.score:
            print_scores(volume)
    patterns = list(places(10))
    print("\n| broken |", " | ".join(patterns), "|")
    print("| --- " * (len(patterns) + 1) + "|")
    for breakage in BREAKAGES:
        cells = [counts[breakage.name, pattern] for pattern in patterns]
        print(f"| {breakage.name} |", " | ".join(f"{c} of {n} ({e})" for c, e, n in cells), "|")
    print("\nmissed:", *(missed or ["none"]), sep="\n  ")


if __name__ == "__main__":
    main()
