"""The table of broken inputs names tests that exist."""

from __future__ import annotations

import re

import pytest

_NAME = re.compile(r"`([\w/]*test_\w+\.py)`")


@pytest.fixture(scope="module")
def rows(root):
    text = (root / "docs/robustness.md").read_text(encoding="utf-8")
    found = [line for line in text.splitlines() if line.startswith("| ")]
    return [line for line in found if not line.startswith(("| ---", "| Input |", "| Caller"))]


def test_every_case_has_a_test_that_exists(rows, root):
    assert len(rows) > 30
    previous: list[str] = []
    for row in rows:
        names = _NAME.findall(row.rsplit("|", 2)[1]) or (previous if "the same" in row.rsplit("|", 2)[1] else [])
        assert names, row
        previous = names
        folder = ""
        for name in names:
            # a bare name stands in the folder of the one before it, and `gate/...` below that folder's room
            places = [root / "tests" / name, root / "tests" / folder / name, root / "tests" / folder / ".." / name]
            place = next((place.resolve() for place in places if place.is_file()), None)
            assert place is not None, f"{name} in {row}"
            folder = str(place.parent.relative_to(root / "tests"))
