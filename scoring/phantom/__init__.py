"""Synthetic thorax CT with a known true score."""

from scoring.phantom.distractor_kinds import (
    DEFAULT_DISTRACTORS,
    DISTRACTOR_KINDS,
    METAL,
    METAL_IN_HEART,
    DistractorKind,
)
from scoring.phantom.phantom import Phantom, make_phantom
from scoring.phantom.population import draw
from scoring.phantom.series import write_series
from scoring.phantom.spec import Calcification, NoiseTexture, PatientPosition, PhantomSpec
from scoring.phantom.truth import Truth
from scoring.phantom.unfit import UNFIT_KINDS, Unfit, UnfitKind, draw_unfit

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
    "draw_unfit",
    "make_phantom",
    "write_series",
]
