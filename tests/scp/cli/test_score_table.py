"""The table of results is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from scp.cli.terminal.score_table import Row, ScoreTable


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ('=HYPERLINK("http://x","y")', '\'=HYPERLINK("http://x","y")'),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ('a,"b";c\nd', 'a,"b";c\nd'),
        ("archive/patient=1", "archive/patient=1"),
        ("name\udce9", "name\\udce9"),
    ],
)
def test_text_is_never_a_formula_nor_another_cell(path: str, shown: str, tmp_path: Path) -> None:
    with ScoreTable(tmp_path) as table:
        table.add(Row(path, "1.2", "1.3", score=None, error=path, seconds=-1.5))
    with (tmp_path / "scores.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["path"], row["reason"], row["seconds"]) == (shown, shown, "-1.5")
