"""Whether contrast medium is in the blood, told by the muscle of the same scan."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import ndimage

from config.errors import NotScorable
from scoring.anatomy.chest import Chest
from scoring.result import Flag

CERTAIN_HU: Final = 100.0
"""No blood is as bright without contrast medium, whatever the muscle."""
RICH_HU: Final = 63.0
"""Blood with 20 g of haemoglobin per dL (HU = (Hb + 0.875) / 0.329, Eur Radiol 2021, PMC8128794)."""
OVER_MUSCLE_HU: Final = 25.0
"""Blood over muscle: 0 (11) HU without contrast medium, of blood that measures 45 (7) and muscle that measures 45 (8).

Venous blood that measures 93 HU lies 40 (9) over muscle, which takes up 8 HU (Clin Nutr 2018;37:1707 and 240 patients
before and after contrast medium, 8.6 and 6.4 HU).
"""
WARNING_HU: Final = 75.0
WARNING_OVER_MUSCLE_HU: Final = 15.0
MUSCLE_HU: Final = (20, 110)
"""Muscle in the wall of the chest: no fat, little of a breast, no bone or cartilage."""
USUAL_MUSCLE_HU: Final = 50.0
"""Muscle without fat, where a narrow field of view shows too little of it."""
FEWEST: Final = 30
"""Cubes of muscle, 2 mL, whose median is certain within 2 HU."""


def muscle_hu(around: Chest) -> float:
    """Return the median HU of muscle in the wall of the chest, away from fat; the usual one if there is too little."""
    depth, height, width = around.cubes.size
    hu = around.cubes.hu[:depth, :height, :width]
    soft = around.found.mask("wall") & (hu > MUSCLE_HU[0]) & (hu < MUSCLE_HU[1])
    values = hu[ndimage.binary_erosion(soft)]
    return float(np.median(values)) if values.size >= FEWEST else USUAL_MUSCLE_HU


def check_core(core: float) -> None:
    """Refuse a heart that is too bright before anything else is asked of it. Raises NotScorable `contrast`."""
    if core > CERTAIN_HU:
        raise _contrast(core)


def check_blood(blood_hu: float, core: float, muscle: float) -> tuple[Flag, ...]:
    """Refuse contrast medium in the blood of the aorta and the heart, flag what may be some.

    `core` is the heart's, `muscle` the muscle's median HU. Raises NotScorable: `contrast`, or `landmarks_disagree` for
    bright blood in a dark heart.
    """
    if blood_hu > CERTAIN_HU:
        if core > WARNING_HU:
            raise _contrast(blood_hu)
        # Something else was taken for the aorta, as in a phantom.
        raise NotScorable(
            "landmarks_disagree", variant="bright_aorta", aorta_hu=round(blood_hu, 1), heart_hu=round(core, 1)
        )
    # The medium is in all of the blood by the time that the veins bring it back; streaks brighten one place.
    both = min(blood_hu, core)
    if both > RICH_HU and both - muscle > OVER_MUSCLE_HU:
        raise NotScorable("contrast", variant="over_muscle", blood_hu=round(both, 1), muscle_hu=round(muscle, 1))
    brightest = float(np.nanmax([blood_hu, core]))
    if brightest > WARNING_HU or (brightest > RICH_HU and brightest - muscle > WARNING_OVER_MUSCLE_HU):
        return (Flag.build("contrast_possible", "warning", blood_hu=round(brightest, 1)),)
    return ()


def _contrast(hu: float) -> NotScorable:
    return NotScorable("contrast", variant="blood", blood_hu=round(hu, 1))
