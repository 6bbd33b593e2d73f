"""Series that must not be scored for coronary calcium."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np

from scoring.phantom.localizer import write_localizer
from scoring.phantom.phantom import make_phantom
from scoring.phantom.population import draw
from scoring.phantom.series import write_series
from scoring.phantom.shapes import stream
from scoring.phantom.spec import PhantomSpec

UnfitKind = Literal[
    "contrast",
    "abdomen",
    "cropped above",
    "cropped below",
    "localizer",
    "noise",
    "thick slices",
    "missing slices",
]
UNFIT_KINDS: Final[tuple[UnfitKind, ...]] = get_args(UnfitKind)


@dataclass(frozen=True, slots=True)
class Unfit:
    """A series that must not be scored, and the reason."""

    kind: UnfitKind
    spec: PhantomSpec

    def write(self, folder: Path) -> list[Path]:
        """Write the files as `write_series` does; a localizer has no truth."""
        phantom = make_phantom(self.spec)
        return write_localizer(phantom, folder) if self.kind == "localizer" else write_series(phantom, folder)


def draw_unfit(kind: UnfitKind, seed: int, matrix: int | None = None) -> Unfit:
    """Draw the unfit series of a kind and a seed: patient and scanner as in `draw`, except for what makes it unfit.

    Raises ValueError for a kind that is not one of `UNFIT_KINDS`.
    """
    if kind not in UNFIT_KINDS:
        raise ValueError(f"kind is {kind!r}, allowed are {', '.join(UNFIT_KINDS)}")
    usual = draw(seed, matrix)
    sound = dataclasses.replace(
        usual, above_left_main_mm=min(usual.above_left_main_mm, 60.0), distractors=tuple(_without_metal(usual))
    )
    return Unfit(kind, dataclasses.replace(sound, **_CHANGES[kind](sound, stream(seed, f"unfit {kind}"))))


def _without_metal(spec: PhantomSpec) -> list[Any]:
    """Return the distractors without metal in the heart, which would be a separate reason to refuse."""
    return [kind for kind in spec.distractor_kinds if kind not in ("stent", "pacemaker lead", "mechanical valve")]


def _leave_gap(spec: PhantomSpec, rng: np.random.Generator) -> dict[str, Any]:
    """Leave a gap of 8 to 20 mm, 15 to 60 mm below the left main ostium."""
    step = spec.slice_increment_mm
    top = (spec.below_left_main_mm - float(rng.uniform(15, 40))) / step
    count = max(2, round(float(rng.uniform(8, 20)) / step))
    return {"missing_slices": tuple(range(int(top) - count + 1, int(top) + 1))}


_CHANGES: Final[dict[UnfitKind, Callable[[PhantomSpec, np.random.Generator], dict[str, Any]]]] = {
    "contrast": lambda _, _rng: {"contrast": True},
    "abdomen": lambda _, rng: {"above_left_main_mm": -float(rng.integers(75, 95)), "below_left_main_mm": 215.0},
    "cropped above": lambda _, rng: {"above_left_main_mm": -float(rng.integers(3, 25))},
    "cropped below": lambda _, rng: {"below_left_main_mm": float(rng.integers(20, 50))},
    "localizer": lambda _, _rng: {
        "above_left_main_mm": 150.0,
        "below_left_main_mm": 200.0,
        "field_of_view_mm": 400.0,
        "slice_thickness_mm": 2.0,
        "slice_increment_mm": 2.0,
        "matrix": 128,
        "noise_sd_hu": 0.0,
        "gantry_tilt_deg": 0.0,
    },
    # Noise hides small calcium, so there is none that would stand out from it.
    "noise": lambda _, _rng: {"noise_sd_hu": 40.0, "noise_texture": "standard", "calcifications": ()},
    "thick slices": lambda _, _rng: {"slice_thickness_mm": 8.0, "slice_increment_mm": 8.0},
    "missing slices": _leave_gap,
}
