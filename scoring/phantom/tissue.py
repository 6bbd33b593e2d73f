"""The tissues of the phantom: the values of its label map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from scoring.phantom.grid import Box, Floats


class Tissue(IntEnum):
    """Label of a tissue; each has an attenuation in `rendering`."""

    AIR = 0
    TABLE = 1
    SKIN = 2
    FAT = 3
    MUSCLE = 4
    RIB_CORTEX = 5
    RIB_MARROW = 6
    CARTILAGE = 7
    STERNUM_CORTEX = 8
    STERNUM_MARROW = 9
    VERTEBRA_CORTEX = 10
    VERTEBRA_MARROW = 11
    DISC = 12
    SPINAL_CANAL = 13
    LUNG = 14
    LUNG_VESSEL = 15
    AIRWAY = 16
    AIRWAY_WALL = 17
    MEDIASTINAL_FAT = 18
    PERICARDIUM = 19
    EPICARDIAL_FAT = 20
    MYOCARDIUM = 21
    LEFT_VENTRICLE = 22
    RIGHT_VENTRICLE = 23
    LEFT_ATRIUM = 24
    RIGHT_ATRIUM = 25
    ASCENDING_AORTA = 26
    DESCENDING_AORTA = 27
    PULMONARY_TRUNK = 28
    VEIN = 29
    OESOPHAGUS = 30
    CORONARY = 31
    DIAPHRAGM = 32
    LIVER = 33
    SPLEEN = 34
    STOMACH = 35
    GAS = 36
    ABDOMINAL_FAT = 37
    AORTIC_ARCH = 38
    ARTERY = 39
    BREAST = 40
    BONE_CORTEX = 41
    BONE_MARROW = 42
    KIDNEY = 43
    BOWEL = 44
    EFFUSION = 45
    CONSOLIDATION = 46
    FOAM = 47
    NODE = 48
    HERNIA = 49
    HERNIA_GAS = 50
    OESOPHAGUS_GAS = 51
    THYROID = 52
    CLOTH = 53


@dataclass(frozen=True, slots=True)
class Region:
    """The extent of one tissue: signed distances in mm (negative inside) on a box of the grid.

    Regions come in painting order: each one is painted over the earlier ones.
    """

    tissue: Tissue
    box: Box
    distance: Floats


Regions = Iterator[Region]
