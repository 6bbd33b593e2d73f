"""What deposits belong to: arteries, root, annulus or none of them."""

import numpy as np
import pytest

from scoring.phantom.calcium import Deposit
from scoring.phantom.coronary import CoronaryTree
from scoring.phantom.distractors import Distractor, build_distractors
from scoring.phantom.place import PLACES, place_of
from scoring.phantom.thorax import Thorax
from scoring.result import ARTERIES


@pytest.fixture(scope="module")
def thorax():
    return Thorax.draw(3, 0.7)


@pytest.fixture(scope="module")
def tree(thorax):
    return CoronaryTree.grow(thorax)


def test_the_places_are_those_that_nets_are_taught():
    assert PLACES == ("none", "LM", "LAD", "LCX", "RCA", "root", "annulus")


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("ascending aorta wall", "root"),
        ("descending aorta wall", "none"),
        ("aortic root", "root"),
        ("coronary origin", "root"),
        ("aortic root ring", "root"),
        ("aortic valve", "root"),
        ("mitral annulus", "annulus"),
        ("papillary muscle", "none"),
        ("pericardium", "none"),
        ("hilar lymph node", "none"),
        ("surgical clip", "none"),
        ("pacemaker lead", "none"),
    ],
)
def test_a_kind_has_its_place(thorax, tree, kind, place):
    found = build_distractors(thorax, tree, (kind,), 1.0)
    assert {place_of(d, thorax, tree) for d in found} == {place}


@pytest.mark.parametrize("artery", ARTERIES)
def test_a_stent_belongs_to_the_artery_that_it_is_in(thorax, tree, artery):
    # The end of the left main is the beginning of two other arteries: its first half is its alone.
    line = tree.arteries[artery].points
    part = line[: len(line) // 2] if artery == "LM" else line[len(line) // 3 : len(line) // 2]
    assert place_of(Distractor("stent", Deposit(part + 0.8, 0.2, 9000.0)), thorax, tree) == artery


def test_a_plaque_belongs_to_the_root_in_the_ascending_aorta_alone(thorax, tree):
    def plaque(aorta):
        x, y = aorta.at_height(30.0)
        return Distractor("aortic plaques", Deposit(np.array([[x + 10.0, y, 30.0]]), 1.0, 600.0))

    assert place_of(plaque(thorax.ascending), thorax, tree) == "root"
    assert place_of(plaque(thorax.descending), thorax, tree) == "none"


def test_a_mechanical_valve_belongs_to_where_it_is(thorax, tree):
    def ring(middle):
        turn = np.linspace(0, 2 * np.pi, 40)
        return Deposit(middle + 10 * np.column_stack([np.cos(turn), np.sin(turn), 0 * turn]), 1.0, 3000.0)

    assert place_of(Distractor("mechanical valve", ring(thorax.valve)), thorax, tree) == "root"
    below = thorax.valve + np.array([25.0, 15.0, -25.0])
    assert place_of(Distractor("mechanical valve", ring(below)), thorax, tree) == "annulus"
