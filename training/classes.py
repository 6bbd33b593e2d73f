"""Classes and fields of the nets: the class of each tissue, and the fields of the heart net."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.anatomy.network import Kind
from scoring.phantom.place import PLACES
from scoring.phantom.tissue import Tissue

__all__ = ["CHEST", "HEART", "LANDMARKS", "NAMES", "PLACES", "class_of_tissue"]

Labels = NDArray[np.uint8]

CHEST: Final[dict[str, tuple[str, ...]]] = {
    "outside": ("AIR", "TABLE", "FOAM", "CLOTH"),
    "lung": ("LUNG", "LUNG_VESSEL"),
    "heart": (
        "PERICARDIUM",
        "EPICARDIAL_FAT",
        "MYOCARDIUM",
        "LEFT_VENTRICLE",
        "RIGHT_VENTRICLE",
        "LEFT_ATRIUM",
        "RIGHT_ATRIUM",
        "CORONARY",
    ),
    "ascending": ("ASCENDING_AORTA",),
    "descending": ("DESCENDING_AORTA", "AORTIC_ARCH"),
    "pulmonary": ("PULMONARY_TRUNK",),
    "spine": ("VERTEBRA_CORTEX", "VERTEBRA_MARROW", "DISC", "SPINAL_CANAL"),
    "rib": ("RIB_CORTEX", "RIB_MARROW", "CARTILAGE", "STERNUM_CORTEX", "STERNUM_MARROW", "BONE_CORTEX", "BONE_MARROW"),
    "airway": ("AIRWAY",),
    "abdomen": ("DIAPHRAGM", "LIVER", "SPLEEN", "STOMACH", "GAS", "ABDOMINAL_FAT", "KIDNEY", "BOWEL"),
    "wall": ("SKIN", "FAT", "MUSCLE", "BREAST"),
    "vein": ("VEIN",),
    "oesophagus": ("OESOPHAGUS", "OESOPHAGUS_GAS", "HERNIA", "HERNIA_GAS"),
}
"""Classes of the chest net (4 mm); every other tissue belongs to the last class, the mediastinum."""

HEART: Final[dict[str, tuple[str, ...]]] = {
    "other": (),
    "fat": ("PERICARDIUM", "EPICARDIAL_FAT", "CORONARY"),
    "left ventricle": ("MYOCARDIUM", "LEFT_VENTRICLE"),
    "right ventricle": ("RIGHT_VENTRICLE",),
    "left atrium": ("LEFT_ATRIUM",),
    "right atrium": ("RIGHT_ATRIUM",),
    "ascending": ("ASCENDING_AORTA",),
    "pulmonary": ("PULMONARY_TRUNK",),
}
"""Classes of the heart net (3 mm); tissues not listed are `other`."""

LANDMARKS: Final = (
    "left_main_ostium",
    "left_main_bifurcation",
    "right_ostium",
    "aortic_valve",
    "mitral_valve",
    "apex",
)
LANDMARK_SD_MM: Final = 5.0

NAMES: Final[dict[Kind, tuple[str, ...]]] = {"chest": (*CHEST, "mediastinum"), "heart": tuple(HEART)}
STEP_MM: Final[dict[Kind, float]] = {"chest": 4.0, "heart": 3.0}
PAINT_MM: Final[dict[Kind, float]] = {"chest": 4.0, "heart": 2.4}


def class_of_tissue(kind: Kind) -> Labels:
    """Return the class of every tissue, uint8 (256,), for the net `kind`."""
    classes, rest = (CHEST, len(CHEST)) if kind == "chest" else (HEART, 0)
    classes_of_tissue = np.full(256, rest, np.uint8)
    for number, tissues in enumerate(classes.values()):
        for name in tissues:
            classes_of_tissue[Tissue[name]] = number
    return classes_of_tissue
