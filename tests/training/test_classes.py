"""Every tissue belongs to one class."""

import numpy as np
import pytest

from scoring.anatomy.heart import CHAMBERS
from scoring.phantom.tissue import Tissue
from scoring.result import ARTERIES
from training import classes


def test_no_tissue_is_in_two_classes(kind):
    class_of_tissue = classes.CHEST if kind == "chest" else classes.HEART
    named = [name for tissues in class_of_tissue.values() for name in tissues]
    assert len(named) == len(set(named))
    assert set(named) <= set(Tissue.__members__)


def test_every_tissue_has_a_class(kind):
    class_of_tissue = classes.class_of_tissue(kind)
    names = classes.NAMES[kind]
    assert class_of_tissue.shape == (256,)
    assert len(names) == len(set(names))
    groups = classes.CHEST if kind == "chest" else classes.HEART
    rest = {"chest": "mediastinum", "heart": "other"}[kind]
    for tissue in Tissue:
        expected = next((group for group, tissues in groups.items() if tissue.name in tissues), rest)
        assert names[class_of_tissue[tissue]] == expected, tissue


@pytest.mark.parametrize(
    ("kind", "tissue", "name"),
    [
        ("chest", Tissue.AIR, "outside"),
        ("chest", Tissue.CORONARY, "heart"),
        ("chest", Tissue.AORTIC_ARCH, "descending"),
        ("chest", Tissue.MEDIASTINAL_FAT, "mediastinum"),
        ("chest", Tissue.STERNUM_CORTEX, "rib"),
        ("heart", Tissue.MYOCARDIUM, "left ventricle"),
        ("heart", Tissue.CORONARY, "fat"),
        ("heart", Tissue.LUNG, "other"),
        ("heart", Tissue.AIR, "other"),
    ],
)
def test_known_tissues(kind, tissue, name):
    assert classes.NAMES[kind][classes.class_of_tissue(kind)[tissue]] == name


def test_classes_used_by_the_analysis_exist():
    assert set(CHAMBERS) <= set(classes.NAMES["heart"])
    assert ("none", *ARTERIES, "root", "annulus") == classes.PLACES
    # The value for "not learnt" is no class.
    assert max(len(names) for names in classes.NAMES.values()) < np.iinfo(np.uint8).max
