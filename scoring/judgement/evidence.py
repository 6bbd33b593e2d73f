"""Evidence for what a candidate is: its measurements as bounded numbers of order one, so that none can decide alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.judgement.features import Features
from scoring.judgement.look import FAR_MM, Look

Floats = NDArray[np.float64]
Evidence = dict[str, Floats]

SURE_LOGIT: Final = 5.0
USUAL: Final = Look(
    darkest_hu=-70.0, median_hu=0.0, lung=0.0, touching_lung=0.0, noise_hu=0.0, thick_mm=3.0, off_lung_mm=FAR_MM
)
"""What is assumed of a candidate that has not been looked at: calcium in fat."""


def gather(features: Features, looks: Sequence[Look | None], blood_hu: float) -> Evidence:
    """Each piece of evidence as an array (n,), from the places of candidates and from what they look like.

    Probabilities enter as log-odds, drawn towards 0 where the nets disagree.
    """
    seen = [item or USUAL for item in looks]
    agreed = 1.0 - np.clip(features.doubt, 0.0, 1.0)

    def of_look(name: str) -> Floats:
        return np.array([getattr(item, name) for item in seen], dtype=np.float64)

    return {
        "coronary": _log_odds(features.coronary) * agreed,
        "beside": _log_odds(features.beside) * agreed,
        "root": _log_odds(features.root) * agreed,
        "annulus": _log_odds(features.annulus) * agreed,
        "off_wall": np.clip(features.ascending_mm, -10.0, 10.0) / 5,
        "off_root": np.clip(features.root_mm, -10.0, 10.0) / 5,
        "off_valve": np.clip(features.valve_mm, 0.0, 40.0) / 10,
        "off_hinge": np.clip(features.hinge_mm, -5.0, 15.0) / 5,
        "off_mitral": np.clip(features.mitral_mm, 0.0, 60.0) / 10,
        "off_chambers": np.clip(features.chamber_mm, -10.0, 10.0) / 5,
        "outside": np.clip(features.heart_mm, -10.0, 10.0) / 5,
        "roots": np.log1p(features.roots_mm3) / 2,
        "annuli": np.log1p(features.annuli_mm3) / 2,
        "size": np.clip(np.log(np.maximum(features.volume_mm3, 1.0) / 30.0), -3.0, 5.0),
        "length": np.clip(features.length_mm, 0.0, 60.0) / 10,
        "thick": np.clip(of_look("thick_mm"), 0.0, 15.0) / 3,
        "no_fat": np.clip(of_look("darkest_hu") - blood_hu, -120.0, 20.0) / 50,
        "solid": np.clip(of_look("median_hu") - blood_hu, -120.0, 20.0) / 50,
        "lung": 2 * of_look("lung"),
        "at_lung": 2 * of_look("touching_lung"),
        "bright": np.log(np.maximum(features.max_hu, 130.0) / 400.0),
    }


def _log_odds(probability: Floats) -> Floats:
    share = np.clip(probability, 1e-6, 1 - 1e-6)
    return np.clip(np.log(share / (1 - share)), -SURE_LOGIT, SURE_LOGIT)
