"""A synthetic thorax CT with a known answer."""

from scoring.phantom.phantom import Phantom, make_phantom
from scoring.phantom.population import draw
from scoring.phantom.series import write_series
from scoring.phantom.spec import (
    DEFAULT_DISTRACTORS,
    DISTRACTOR_KINDS,
    Calcification,
    DistractorKind,
    PatientPosition,
    PhantomSpec,
)
from scoring.phantom.truth import Truth

__all__ = [
    "DEFAULT_DISTRACTORS",
    "DISTRACTOR_KINDS",
    "Calcification",
    "DistractorKind",
    "PatientPosition",
    "Phantom",
    "PhantomSpec",
    "Truth",
    "draw",
    "make_phantom",
    "write_series",
]
