"""Small scans with deposits at known places, of which a mask counts some."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread

from config.risk import RiskSettings
from scoring import engine
from scoring.result import Score
from scoring.review.applying import apply_all
from scoring.review.correction import correct
from scoring.review.edits import Edit, Numbered
from scoring.review.region import Region, Regions, list_regions
from scoring.review.scan import Scan, open_scan

SIZE = 64
TISSUE = 40


def draw(slices: int = 12) -> NDArray[np.int16]:
    """Tissue with four deposits, pixels of 0.5 mm, slices of 3 mm, (slices, rows, columns).

    At rows 5-8 from column 5: a bar of three slices at 350 HU. At rows 20-21: one slice at 250 HU. At rows 30-33 from
    column 40: two slices at 450 HU. Around row 48: an arm that leads up to the left and one that leads up to the right
    from slice 2, where they meet.
    """
    hu = np.full((slices, SIZE, SIZE), TISSUE, dtype=np.int16)
    hu[3:6, 5:9, 5:11] = 350
    hu[7, 20:22, 20:24] = 250
    hu[5:7, 30:34, 40:44] = 450
    for step in range(6):
        for side in (-1, 1):
            middle = 30 + side * step * 3
            hu[2 + step, 46:50, middle - 2 : middle + 2] = 350
    return hu


@dataclass(frozen=True)
class Case:
    """A scan with its automatic result, and how edits change it."""

    scan: Scan
    automatic: Score
    files: tuple[Path, ...]

    @property
    def regions(self) -> Regions:
        """The regions before any edit."""
        return list_regions(self.scan, self.automatic)

    def apply(self, *edits: Edit) -> Regions:
        """The regions after edits, numbered from 1."""
        return apply_all(self.scan, self.regions, [Numbered(number, edit) for number, edit in enumerate(edits, 1)])

    def correct(self, *edits: Edit) -> Score:
        """The score after edits."""
        return correct(self.scan, self.automatic, self.apply(*edits), RiskSettings())

    def region(self, name: str, *edits: Edit) -> Region:
        """One region after edits."""
        return next(item for item in self.apply(*edits) if item.id == name)


@pytest.fixture
def make_case(ct, series, tmp_path: Path) -> Callable[..., Case]:
    """`make_case(hu, masks)` scores what the masks (rows, columns by artery) hold; attributes are the images'."""

    def make(hu: NDArray[np.int16], masks: dict[str, tuple[slice, slice]], **options: object) -> Case:
        paths = series(hu, CalciumScoringMassFactorDevice=[0.7, 0.8, 0.9], **options)
        drawn = {}
        for artery, (rows, columns) in masks.items():
            drawn[artery] = np.zeros(hu.shape, dtype=bool)
            drawn[artery][:, rows, columns] = True
        mask = ct.segmentation(paths, drawn, tmp_path / "mask.dcm")
        automatic = engine.score(paths, mask=mask, version="1")
        assert automatic.status == "scored"
        return Case(open_scan(paths, automatic), automatic, tuple(paths))

    return make


@pytest.fixture
def case(make_case: Callable[..., Case]) -> Case:
    """The deposits of `draw`, the third of which was not counted: lesions 1 (LCX, the fork), 2 (LAD) and 3 (RCA)."""
    masks = {
        "LAD": (slice(0, 15), slice(0, SIZE)),
        "RCA": (slice(16, 26), slice(0, SIZE)),
        "LCX": (slice(40, 60), slice(0, SIZE)),
    }
    return make_case(draw(), masks)


@pytest.fixture
def turned_case(ct, case: Case, tmp_path: Path) -> Callable[..., Case]:
    """`turned_case(transpose=..., flip_rows=..., flip_columns=...)`: the same scan, stored in another order."""

    def make(**how: bool) -> Case:
        paths = []
        for path in case.files:
            image = ct.turned(dcmread(path), **how)
            paths.append(ct.write(image, tmp_path / "turned" / path.name))
        mask = ct.segmentation(
            paths, {"LAD": np.ones((len(paths), image.Rows, image.Columns), dtype=bool)}, tmp_path / "turned.dcm"
        )
        automatic = engine.score(paths, mask=mask, version="1")
        return Case(open_scan(paths, automatic), replace(automatic, lesions=()), tuple(paths))

    return make
