"""A series is judged by what the archive says of it."""

from dataclasses import replace

import pytest

from scp.fetching.selection import Rules, SeriesOffer

FIT = SeriesOffer("1.2", "CT", "3", "Thorax nativ 3.0", 60, 60, 3.0)
RULES = Rules(thinnest_mm=0.4, thickest_mm=5.0)


@pytest.mark.parametrize(
    ("changes", "objection"),
    [
        ({}, ""),
        ({"modality": ""}, ""),
        ({"modality": "SR"}, "modality SR"),
        ({"slices": None, "images": None}, ""),
        ({"slices": 20}, ""),
        ({"slices": 19}, "only 19 slices"),
        ({"slices": 1}, "only 1 slice"),
        ({"slices": 2000}, ""),
        ({"slices": 2001}, "2001 slices"),
        ({"thickness_mm": None}, ""),
        ({"thickness_mm": 0.4}, ""),
        ({"thickness_mm": 5.0}, ""),
        ({"thickness_mm": 0.3}, "slices of 0.3 mm"),
        ({"thickness_mm": 7.0}, "slices of 7 mm"),
    ],
)
def test_default_rules(changes, objection):
    assert RULES.find_objection(replace(FIT, **changes)) == objection


@pytest.mark.parametrize(
    ("include", "exclude", "objection"),
    [
        (("*NATIV*",), (), ""),
        (("cor*", "thorax*"), (), ""),
        (("cor*",), (), "description not included"),
        ((), ("*3.0",), "description excluded"),
        (("thorax*",), ("*3.0",), "description excluded"),
        ((), ("thorax",), ""),
    ],
)
def test_descriptions(include, exclude, objection):
    assert replace(RULES, include=include, exclude=exclude).find_objection(FIT) == objection


def test_a_series_of_few_objects_may_hold_frames_unless_something_else_is_against_it():
    assert RULES.may_be_multiframe(replace(FIT, images=1, slices=1))
    assert not RULES.may_be_multiframe(FIT)
    assert not RULES.may_be_multiframe(replace(FIT, images=1, slices=1, modality="SR"))
    assert not RULES.may_be_multiframe(replace(FIT, images=None, slices=None))
