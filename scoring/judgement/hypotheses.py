"""What a candidate may be instead of coronary calcium: the odds of each hypothesis against coronary calcium.

Every hypothesis is a linear function, the logarithm of its odds: some fixed by physics and anatomy, the others learnt
from synthetic patients whose calcium is known (`python -m training judgement`). Odds add up, so a candidate counts
when coronary calcium is more likely than everything else together.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from scoring.judgement.evidence import Evidence
from scoring.judgement.features import Features

Floats = NDArray[np.float64]

Reason = Literal[
    "aortic_root",
    "aortic_valve",
    "mitral_annulus",
    "pericardium",
    "lymph_node",
    "in_lung",
    "lung_edge",
    "inside_heart",
    "clip",
    "off_course",
    "outside_heart",
    "above_arteries",
    "too_large",
    "descending_aorta",
    "at_bone",
    "airway_wall",
    "below_diaphragm",
    "at_oesophagus",
    "like_noise",
    "in_streak",
    "beside_metal",
    "like_stent",
]
"""What speaks most against coronary calcium, as codes of the reports' catalogue."""

NOISE: Final[Reason] = "like_noise"
MOST: Final = 40.0


@dataclass(frozen=True, slots=True)
class Limit:
    """A hypothesis fixed by physics or anatomy: even odds where `feature` is at `limit`.

    The odds fall by a factor of e with each `width` beyond it, upwards, or downwards if `width` is negative.
    """

    feature: str
    limit: float
    width: float
    reason: Reason


LIMITS: Final = (
    # One and a half cubes of the chest net.
    Limit("heart_mm", 6.5, -1.2, "outside_heart"),
    # A ventricle's wall is up to 10 mm thick, and arteries lie on it.
    Limit("chamber_mm", -9.0, 1.3, "inside_heart"),
    # The pulmonary trunk and the arch begin there.
    Limit("above_mm", 24.0, -3.0, "above_arteries"),
    Limit("volume_mm3", 20000.0, -2000.0, "too_large"),
    # A wall, and the blur of its calcium.
    Limit("descending_mm", 4.5, 0.8, "descending_aorta"),
    # One cube, and the blur.
    Limit("bone_mm", 4.0, 1.0, "at_bone"),
    Limit("airway_mm", 5.0, 1.0, "airway_wall"),
    Limit("abdomen_mm", -4.0, 1.5, "below_diaphragm"),
    Limit("oesophagus_mm", 1.0, 1.0, "at_oesophagus"),
    # Brighter than any calcium.
    Limit("max_hu", 2000.0, -100.0, "clip"),
)

# The left main is 4.5 (0.5) mm wide (Dodge, Circulation 1992;86:232): with three standard deviations and the blur of a
# dense wall over 130 HU, 1.5 mm on either side.
THICK_MM, THICK_WIDTH = 9.0, 1.0
# Nothing around an artery but calcium is brighter than blood.
BRIGHT_HU, BRIGHT_WIDTH = 8.0, 2.5
# An artery lies on the heart: even where no fat covers it, half of what surrounds it is heart.
LUNG_SHARE, LUNG_WIDTH = 0.65, 0.05
# Sharp kernels and motion draw a bright rim along the lung, one or two pixels wide; between an artery and the lung lie
# its wall and the pericardium. In synthetic patients, one calcification in a hundred is nearer to the lung than 3.9 mm.
EDGE_MM, EDGE_WIDTH = 1.8, -0.25

LEARNT: Final[dict[Reason, dict[str, int]]] = {
    "aortic_root": {
        "coronary": -1,
        "beside": -1,
        "root": 1,
        "off_wall": -1,
        "off_root": -1,
        "roots": 1,
        "no_fat": 1,
        "length": 0,
    },
    "aortic_valve": {"coronary": -1, "beside": -1, "root": 1, "off_valve": -1, "off_root": -1, "roots": 1, "no_fat": 1},
    "mitral_annulus": {
        "coronary": -1,
        "beside": -1,
        "annulus": 1,
        "off_hinge": -1,
        "off_mitral": -1,
        "annuli": 1,
        "off_chambers": -1,
        "thick": 1,
        "size": 1,
        "no_fat": 1,
    },
    "pericardium": {"coronary": -1, "beside": -1, "outside": 1, "at_lung": 1, "length": 1, "off_chambers": 1},
    "lymph_node": {"coronary": -1, "beside": -1, "outside": 1, "off_chambers": 1, "thick": 1},
    "in_lung": {"coronary": -1, "beside": -1, "outside": 1, "lung": 1, "at_lung": 1},
    "inside_heart": {"coronary": -1, "beside": -1, "off_chambers": -1, "no_fat": 1, "solid": 1},
    "clip": {"coronary": -1, "beside": -1, "outside": 1, "bright": 1, "size": -1},
    "off_course": {"coronary": -1, "beside": -1, "outside": 0, "no_fat": 1, "size": -1, "bright": -1},
}
"""The evidence that each learnt hypothesis rests on; 1: only for it, -1: only against it, 0: either."""


@lru_cache(maxsize=1)
def load_weights() -> dict[str, dict[str, float]]:
    """The weights of the learnt hypotheses, by name of the hypothesis and of its evidence, with an `intercept`."""
    return tomllib.loads((files("scoring.judgement") / "weights" / "hypotheses.toml").read_text(encoding="utf-8"))


def weigh(evidence: Evidence, weights: Mapping[str, Mapping[str, float]] | None = None) -> dict[Reason, Floats]:
    """The log-odds of each learnt hypothesis against coronary calcium, arrays (n,)."""
    learnt = weights if weights is not None else load_weights()
    return {
        reason: np.clip(
            learnt[reason]["intercept"] + sum(learnt[reason][name] * evidence[name] for name in names), -MOST, MOST
        )
        for reason, names in LEARNT.items()
    }


def exclude(features: Features) -> dict[Reason, Floats]:
    """The log-odds of the hypotheses about place that are fixed, arrays (n,)."""
    return {
        rule.reason: np.clip(-(getattr(features, rule.feature) - rule.limit) / rule.width, -MOST, MOST)
        for rule in LIMITS
    }


def exclude_by_look(thick_mm: Floats, over_blood_hu: Floats, lung: Floats, off_lung_mm: Floats) -> dict[Reason, Floats]:
    """The log-odds of the fixed hypotheses about looks.

    They rest on the thickness, the ring's median over blood and its share of lung, and the distance from the lung.
    """
    return {
        "too_large": np.clip((thick_mm - THICK_MM) / THICK_WIDTH, -MOST, MOST),
        "in_streak": np.clip((over_blood_hu - BRIGHT_HU) / BRIGHT_WIDTH, -MOST, MOST),
        "in_lung": np.clip((lung - LUNG_SHARE) / LUNG_WIDTH, -MOST, MOST),
        "lung_edge": np.clip((off_lung_mm - EDGE_MM) / EDGE_WIDTH, -MOST, MOST),
    }


def decide(*groups: dict[Reason, Floats]) -> tuple[Floats, list[Reason]]:
    """The probability of coronary calcium, and the likeliest alternative of each candidate.

    The odds of one hypothesis in several groups add up.
    """
    odds: dict[Reason, Floats] = {}
    for group in groups:
        for reason, values in group.items():
            odds[reason] = odds.get(reason, np.zeros(len(values))) + np.exp(values)
    table, names = np.array(list(odds.values())), list(odds)
    return 1 / (1 + table.sum(axis=0)), [names[index] for index in table.argmax(axis=0)]
