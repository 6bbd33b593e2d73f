"""Is calcium given to the right artery? By the nets alone, with atlas and division, and by all lesions together.

Of a folder with `reference.json` (see `evaluation/reading.py`) the reader's outlines are named: the pixels of 130 HU
and more inside them, so that what was found does not matter. Of phantoms, the candidates that are the true calcium. On
phantoms the nets are hardly ever wrong; `--erring` draws nets that are, by some mm (see `evaluation/erring.py`).

    python bench/naming.py [SCANS] [--phantoms FIRST-LAST] [--erring FIRST-LAST --error MM]
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
from evaluation import erring, reading
from evaluation.table import percent, table
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.spatial import cKDTree

from config.errors import NotScorable
from dicom import elements
from scoring import anatomy
from scoring.anatomy.heart import Heart
from scoring.candidates import agatston, conventions
from scoring.candidates.agatston import Candidate
from scoring.images import geometry, selection, slices
from scoring.images.volume import Volume
from scoring.judgement import arteries
from scoring.judgement.naming import chances, pieces
from scoring.phantom import Phantom, draw, make_phantom
from scoring.phantom.calcium import place_calcification
from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.thorax import Thorax
from scoring.result import ARTERIES

STANDARD: Final = conventions.named("standard")
NEAR_MM, MOST = 2.0, 0.5
LAD: Final = ARTERIES.index("LAD")
WAYS: Final = ("nets", "+ atlas, division", "+ together")

Labels = NDArray[np.intp]


@dataclasses.dataclass(frozen=True)
class Case:
    """Candidates of a volume, and for each the true artery of its voxels, an index into `ARTERIES`."""

    name: str
    volume: Volume
    heart: Heart | erring.ErringHeart
    candidates: list[Candidate]
    truth: list[Labels]


def main() -> None:
    """Print a table with a row for each scan, and one for all phantoms."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scans", type=Path, nargs="*", help="folders with reference.json")
    parser.add_argument("--phantoms", metavar="FIRST-LAST", help="seeds of phantoms")
    parser.add_argument("--erring", metavar="FIRST-LAST", help="seeds of patients whose nets err")
    parser.add_argument("--error", type=float, default=4.0, metavar="MM", help="how far the nets err [default: 4]")
    options = parser.parse_args()
    rows = [measure(case) for case in read_scans(options.scans)]
    if options.phantoms:
        phantoms = [measure(case) for case in make_cases(read_seeds(options.phantoms))]
        rows += [*phantoms, join(f"phantoms {options.phantoms}", phantoms)]
    if options.erring:
        drawn = [(seed, erring.draw_patient(seed, options.error, STANDARD)) for seed in read_seeds(options.erring)]
        patients = [
            measure(Case(str(seed), one.volume, one.heart, one.candidates, one.truth)) for seed, one in drawn if one
        ]
        rows.append(join(f"nets err by {options.error:g} mm, {options.erring}", patients))
    header = ["Scan", *(f"{way}: LM+LAD, LCX, RCA" for way in WAYS), "LM, LAD apart", *ARTERIES, "parts", "ms"]
    print(table(header, [format_row(row) for row in rows]))


def read_seeds(text: str) -> range:
    """`FIRST-LAST` as a range."""
    first, last = (int(value) for value in text.split("-"))
    return range(first, last + 1)


@dataclasses.dataclass(frozen=True)
class Row:
    """Agatston by way, true artery and given artery (3, 4, 4); parts made of candidates; seconds."""

    name: str
    given: NDArray[np.float64]
    parts: int
    candidates: int
    seconds: float


def measure(case: Case) -> Row:
    """Name the candidates of a case in all ways."""
    given = np.zeros((len(WAYS), len(ARTERIES), len(ARTERIES)))
    cut = pieces.cut(case.volume, STANDARD, case.candidates)
    nets = chances.read_shares(case.heart, cut.middles * np.asarray(case.volume.spacing_mm))
    shapes = [case.volume.to_patient(item.voxels.astype(np.float64)) for item in case.candidates]
    alone = chances.weigh(case.volume, case.heart, cut, shapes).argmax(axis=0)
    begun = time.perf_counter()
    divided = arteries.divide(case.volume, STANDARD, case.heart, case.candidates)
    seconds = time.perf_counter() - begun
    for item, truth, number, parts in zip(case.candidates, case.truth, cut.of_voxel, divided, strict=True):
        together = {tuple(v): ARTERIES.index(name) for name, part in parts for v in part.voxels.tolist()}
        ways = (
            np.full(len(truth), nets[:, number].mean(axis=1).argmax()),
            alone[number],
            np.array([together[tuple(v)] for v in item.voxels.tolist()]),
        )
        for way, named in enumerate(ways):
            np.add.at(given[way], (truth, named), item.agatston / len(truth))
    return Row(case.name, given, sum(map(len, divided)), len(divided), seconds)


def join(name: str, rows: list[Row]) -> Row:
    """The sum of rows."""
    return Row(
        name,
        np.sum([row.given for row in rows], axis=0),
        sum(row.parts for row in rows),
        sum(row.candidates for row in rows),
        sum(row.seconds for row in rows) / len(rows),
    )


def format_row(row: Row) -> list[str]:
    """Shares rightly named, with LM and LAD as one, and told apart; then what each artery was given of its Agatston."""
    trunk = np.eye(4)[[LAD, LAD, 2, 3]]
    right = [percent(float(np.trace(way) / way.sum())) for way in (trunk.T @ row.given @ trunk)]
    right += [percent(float(np.trace(row.given[-1]) / row.given[-1].sum()))]
    last = row.given[-1]
    each = [f"{last[k, k]:.0f} of {last[k].sum():.0f}, {last[:, k].sum() - last[k, k]:.0f} false" for k in range(4)]
    return [row.name, *right, *each, f"{row.parts} of {row.candidates}", f"{1000 * row.seconds:.0f}"]


def read_scans(folders: list[Path]) -> Iterator[Case]:
    """The scans that have outlines."""
    for case in reading.cases(folders):
        rois = case.reference.get("rois")
        if not rois:
            continue
        images = [item for path in elements.find([case.folder]) for item in slices.read(path)]
        volume = geometry.decode(geometry.stack_slices(selection.select_images(images).slices))
        owner = np.zeros(volume.hu.shape, np.uint8)
        for roi in rois:
            paint(volume, owner, np.asarray(roi["points_mm"], dtype=np.float64), ARTERIES.index(roi["artery"]) + 1)
        candidates = agatston.candidates(volume, STANDARD, owner > 0)
        truth = [owner[tuple(item.voxels.T)].astype(np.intp) - 1 for item in candidates]
        yield Case(case.name, volume, anatomy.find(volume).heart, candidates, truth)


def paint(volume: Volume, owner: NDArray[np.uint8], points_mm: NDArray[np.float64], value: int) -> None:
    """Fill an outline in its slice."""
    index = volume.to_index(points_mm)
    z = int(np.rint(index[:, 0].mean()))
    canvas = Image.new("1", owner.shape[:0:-1])
    ImageDraw.Draw(canvas).polygon([(x, y) for _, y, x in index.tolist()], fill=1, outline=1)
    owner[z][np.asarray(canvas)] = value


def make_cases(seeds: range) -> Iterator[Case]:
    """Hard phantoms, and of their candidates those that are their calcium."""
    for seed in seeds:
        phantom = make_phantom(draw(seed, hard=True))
        volume = Volume(phantom.hu, phantom.spacing_mm, phantom.origin_mm, phantom.axes, ())
        find = find_owner(phantom)
        if find is None:
            continue
        try:
            heart = anatomy.find(volume).heart
        except NotScorable:
            continue
        found = [
            (item, find(volume.to_patient(item.voxels.astype(np.float64))))
            for item in agatston.candidates(volume, STANDARD)
        ]
        true = [(item, truth) for item, (truth, share) in found if share > MOST]
        if true:
            yield Case(str(seed), volume, heart, [item for item, _ in true], [truth for _, truth in true])


def find_owner(phantom: Phantom) -> Callable[[NDArray[np.float64]], tuple[Labels, float]] | None:
    """For points in patient coordinates the artery of the nearest calcification, and the share of points in one."""
    spec = phantom.spec
    if not spec.lesions:
        return None
    thorax = Thorax.draw(spec.seed, spec.variation)
    tree = CoronaryTree.grow(thorax)
    placed = enumerate(spec.lesions)
    deposits = [place_calcification(thorax, tree, lesion, spec.seed, number) for number, lesion in placed]
    points = [thorax.pose.to_scanner(item.line) + np.asarray(thorax.isocentre_mm) for item in deposits]
    line = cKDTree(np.concatenate(points))
    owner = np.repeat([ARTERIES.index(lesion.artery) for lesion in spec.lesions], [len(item) for item in points])
    radius = np.repeat([item.radius for item in deposits], [len(item) for item in points])

    def find(places: NDArray[np.float64]) -> tuple[Labels, float]:
        apart, index = line.query(places)
        reach = radius[index] + NEAR_MM + phantom.spacing_mm[0] / 2
        return owner[index].astype(np.intp), float((apart <= reach).mean())

    return find


if __name__ == "__main__":
    main()
