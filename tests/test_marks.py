"""Marks say what a test needs: nothing (unit), something whole (component), other software (peer)."""

import re

import pytest

from tests.conftest import SERVED, TESTS


@pytest.mark.parametrize(
    ("folder", "name"), [(folder, name) for folder, names in SERVED.items() for name in sorted(names)]
)
def test_a_fixture_that_marks_its_tests_is_there(folder, name):
    text = "\n".join(path.read_text("utf-8") for path in (TESTS / folder).rglob("*.py"))
    assert re.search(rf"@pytest\.fixture.*\ndef {name}\(", text)
