"""Control characters have no place in a value (PS3.5 6.1.3), but those that shape a paragraph."""

from __future__ import annotations

import pytest

from dicom.legible import clean_line, clean_paragraphs, clean_text


@pytest.mark.parametrize(
    ("text", "line"),
    [("a\r\nb", "a b"), ("a\x00\x07\x7f\x85b", "a b"), ("a\x00b", "ab"), ("a\x9bb", "ab"), ("a  b", "a  b")],
)
def test_a_line(text: str, line: str) -> None:
    assert clean_line(text) == line


def test_paragraphs_keep_their_shape() -> None:
    assert clean_paragraphs("a\r\n\tb\x0c\x00\x1b\x85c") == "a\r\n\tb\x0cc"


def test_a_lone_surrogate_is_a_question_mark() -> None:
    assert clean_line("a\ud800b") == clean_paragraphs("a\ud800b") == "a?b"


@pytest.mark.parametrize(
    ("value", "vr", "clean"), [(" 1.2\n3\0", "UI", "1.2\n3"), (" a\nb ", "LO", "a b"), (" a\nb ", "UT", "a\nb")]
)
def test_what_is_no_text_keeps_its_characters(value: str, vr: str, clean: str) -> None:
    assert clean_text(value, vr) == clean
