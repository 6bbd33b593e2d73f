"""The page about the rooms names every room that there is, and no other."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

PACKAGES = ("config", "dicom", "scoring", "scp", "storage")
VERSIONS = "storage/migrations/versions"


@pytest.fixture(scope="module")
def rooms(root):
    """Folders with modules, as the page writes them."""
    folders = {path.parent for package in PACKAGES for path in (root / package).rglob("__init__.py")}
    return {folder.relative_to(root).as_posix() for folder in folders} - {VERSIONS}


def test_every_room_has_a_row_and_every_row_a_room(architecture, rooms):
    named = [row[0] for row in architecture.table("Room", "What it holds", "Rule")]
    assert len(named) == len(set(named))
    assert set(named) == rooms


def test_the_drawing_shows_rooms_that_exist(root, rooms):
    drawing = ET.parse(root / "docs/images/architecture.svg")  # noqa: S314  # a file of our own
    drawn = {text.text for text in drawing.iter("{http://www.w3.org/2000/svg}text") if text.get("class") == "room"}
    assert drawn <= rooms
    # no legs of the way: values that travel, a test bed, the history of the tables, what describes the node, who may
    # use it, and what people do with results
    not_drawn = {
        "scoring/calibration",
        "scoring/phantom",
        "scoring/result",
        "scoring/review",
        "scoring/validation",
        "scp/auditing",
        "scp/calibrating",
        "scp/conformance",
        "scp/group",
        "scp/receivers",
        "scp/retention",
        "scp/reviewing",
        "scp/validating",
        "scp/watching",
        "storage/accounts",
        "storage/auditing",
        "storage/backup",
        "storage/calibrations",
        "storage/group",
        "storage/migrations",
        "storage/overview",
        "storage/retention",
        "storage/reviews",
        "storage/validation",
    }
    inner = {room for room in rooms if room.count("/") == 1}
    assert inner - drawn == not_drawn, "every leg of the way stands in the drawing"


def test_places_named_for_new_things_exist(architecture, root):
    advice = architecture.section("Where new things go").text
    places = re.findall(r"`((?:config|dicom|scoring|scp|storage)/[\w/.]+)`", advice)
    assert places
    assert [place for place in places if not (root / place).exists()] == []


@pytest.mark.parametrize("folder", ["scp", "scoring", "storage", "config", "dicom", "training"])
def test_a_test_stands_where_its_module_stands(root, folder):
    """Tests mirror the tree: a folder of tests is a room, or holds tests of the whole."""
    tests = {
        path.parent.relative_to(root / "tests").as_posix() for path in (root / "tests" / folder).rglob("test_*.py")
    }
    whole = {"scp/node", "scp/interoperability"}
    assert {name for name in tests - whole if not (root / name).is_dir()} == set()
