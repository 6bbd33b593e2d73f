"""A synthetic thorax CT with a known answer."""

from scoring.phantom.phantom import Phantom, make_phantom
from scoring.phantom.population import draw
from scoring.phantom.series import write_series
from scoring.phantom.spec import (
    DEFAULT_DISTRACTORS,
    DISTRACTOR_KINDS,
    METAL,
    METAL_IN_HEART,
    Calcification,
    DistractorKind,
    NoiseTexture,
    PatientPosition,
    PhantomSpec,
)
from scoring.phantom.truth import Truth
from scoring.phantom.unfit import UNFIT_KINDS, Unfit, UnfitKind, unfit

__all__ = [
    "DEFAULT_DISTRACTORS",
    "DISTRACTOR_KINDS",
    "METAL",
    "METAL_IN_HEART",
    "UNFIT_KINDS",
    "Calcification",
    "DistractorKind",
    "NoiseTexture",
    "PatientPosition",
    "Phantom",
    "PhantomSpec",
    "Truth",
    "Unfit",
    "UnfitKind",
    "draw",
    "make_phantom",
    "unfit",
    "write_series",
]
