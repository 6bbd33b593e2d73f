"""`coronode conformance` prints the page that the documentation has."""

from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs/conformance.md"


def test_it_prints_the_page(coronode):
    ended = coronode("conformance")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == PAGE.read_text("utf-8")


def test_it_writes_the_page(coronode, tmp_path):
    ended = coronode("conformance", "--out", "statement.md")
    assert (ended.code, ended.out) == (0, "wrote statement.md\n")
    assert (tmp_path / "statement.md").read_bytes() == PAGE.read_bytes()


def test_a_file_that_cannot_be_written_is_named(coronode):
    ended = coronode("conformance", "--out", "no/such/folder.md")
    assert ended.code == 1
    assert "no/such/folder.md: cannot be written: No such file or directory" in ended.err
