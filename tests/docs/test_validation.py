"""The tables of the page on validation are what the code computes."""

from __future__ import annotations

import pytest

from scoring.validation.sample_size import cases_for_kappa, cases_for_share
from scp.validating.table import COLUMNS


@pytest.fixture(scope="module")
def words(root):
    return (root / "docs/validation.md").read_text("utf-8")


def rows(words, head):
    lines = words[words.index(head) :].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[: lines.index("")]]


def test_cases_for_kappa(words):
    found = rows(words, "| Kappa | ±0.10")
    assert found
    for kappa, *counts in found:
        assert [int(count) for count in counts] == [cases_for_kappa(float(kappa), half) for half in (0.1, 0.075, 0.05)]


def test_cases_for_a_sensitivity(words):
    found = rows(words, "| Sensitivity | ±5 %")
    assert found
    for share, *counts in found:
        expected = [cases_for_share(int(share.rstrip(" %")) / 100, half) for half in (0.05, 0.03, 0.02)]
        assert [int(count) for count in counts] == expected


def test_every_column_of_a_file_is_explained(words):
    explained = words[words.index("| Column | Content |") : words.index("Commas, semicolons")]
    assert [column for column in COLUMNS if f"`{column}`" not in explained] == []
