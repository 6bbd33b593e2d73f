"""The matrix of services and peers is what the tests do: each cell has its test, or a reason."""

from __future__ import annotations

import ast
import re
from types import FunctionType

from tests.scp.interoperability import conftest, test_archives, test_fetching, test_identity, test_users

OF_SERVICES = (test_archives, test_fetching, test_identity, test_users)
MODULES = {f"{module.__name__.rpartition('.')[2]}.py": module for module in OF_SERVICES}
PEERS = {"DCMTK": "DCMTK", "Orthanc": "ORTHANC", "dcmjs-dimse": "DCMJS", "pynetdicom": "PYNETDICOM"}
WITHOUT_PEER = {"test_dcmtk_names_a_user": ("DCMTK",)}
"""Tests that run one peer without the fixture."""
ELSEWHERE = {
    "test_dcmtk_is_rejected_as_nobody",
    "test_dcmjs_is_rejected_as_nobody",
    "test_killed_in_the_middle_every_study_comes_once",
    "test_orthanc_is_a_witness_and_gives_what_it_did_not_send",
}
"""Rejections, and stories."""


def names_of(function: FunctionType) -> tuple[str, ...]:
    """The peers with which a test runs."""
    if function.__name__ in WITHOUT_PEER:
        return WITHOUT_PEER[function.__name__]
    for mark in getattr(function, "pytestmark", ()):
        if mark.name == "parametrize" and mark.args[0] == "peer_name":
            return tuple(mark.args[1])
    return conftest.NAMES


def rows(interoperability):
    return interoperability.table("Service", "Test", *PEERS)


def test_every_cell_says_what_its_test_does(interoperability):
    for service, place, *cells in rows(interoperability):
        path, _, name = place.partition("::")
        run = names_of(getattr(MODULES[path], name))
        for (title, peer), cell in zip(PEERS.items(), cells, strict=True):
            ways = [way for way, suffix in (("plain", ""), ("TLS", "-TLS")) if peer + suffix in run]
            told = re.sub(r" \(\d+\)$", "", cell)
            assert told == (", ".join(ways) or "none"), f"{service}, {title}"
            if told != "plain, TLS" or cell != told:
                assert re.fullmatch(r".+ \((\d+)\)", cell), f"{service}, {title}: says no reason"


def test_every_reason_is_given_and_used(interoperability):
    used = {number for row in rows(interoperability) for number in re.findall(r"\((\d+)\)", " ".join(row[2:]))}
    given = re.findall(r"^(\d+)\. ", interoperability.text, re.MULTILINE)
    assert given == [str(number) for number in range(1, len(given) + 1)]
    assert used == set(given)


def test_every_test_has_its_row(interoperability):
    told = {place for _, place, *_ in rows(interoperability)}
    there = {
        f"{path}::{name}"
        for path, module in MODULES.items()
        for name in vars(module)
        if name.startswith("test_") and name not in ELSEWHERE
    }
    assert told == there


def test_every_other_test_that_is_named_exists(interoperability, root):
    places = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", interoperability.text)
    assert places
    for path, name in places:
        tree = ast.parse((root / path).read_text("utf-8"))
        functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert not name or name in functions, f"{path}::{name}"
