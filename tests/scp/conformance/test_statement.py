"""Prose and tables of the statement fit each other, or nothing is written."""

from __future__ import annotations

import pytest

from scp.conformance import statement
from scp.conformance.table import format_table


def test_a_place_without_a_table_is_an_error(monkeypatch):
    monkeypatch.setattr(statement, "_read_prose", lambda: "## 1 Overview\n\n{{no such table}}\n")
    with pytest.raises(LookupError, match="no such table"):
        statement.write_statement()


def test_a_table_without_a_place_is_an_error(monkeypatch):
    prose = statement._read_prose()
    monkeypatch.setattr(statement, "_read_prose", lambda: prose.replace("{{keys}}", ""))
    with pytest.raises(LookupError, match="'keys'"):
        statement.write_statement()


def test_the_contents_link_the_upper_headings():
    text = statement.write_statement()
    contents = text.partition("## 2 Table of contents\n\n")[2].partition("\n\n")[0].splitlines()
    assert "- [1 Overview](#1-overview)" in contents
    assert "  - [5.7 Specific character sets](#57-specific-character-sets)" in contents
    assert len(contents) == sum(line.startswith(("## ", "### ")) for line in text.splitlines())


@pytest.mark.parametrize("row", [("a | b", "c"), ("a\nb", "c"), ("a",)], ids=["bar", "break", "short"])
def test_a_cell_that_would_break_the_table_is_an_error(row):
    with pytest.raises(ValueError, match="not a row"):
        format_table(("One", "Two"), [row])
