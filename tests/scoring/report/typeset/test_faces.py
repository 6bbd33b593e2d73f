"""Signs that fonts have: nothing is set as an empty box."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.report.typeset.faces import faces


@pytest.mark.parametrize(
    ("text", "legible", "printable"),
    [
        ("Universitätsklinikum Łódź", "Universitätsklinikum Łódź", "Universitätsklinikum Łódź"),
        ("Αθήνα Москва", "Αθήνα Москва", "Αθήνα Москва"),
        ("東京 Heart Centre", "", "?? Heart Centre"),
        ("ﬁne Ⅳ", "fine IV", "fine IV"),
        ("a\tb\n c", "a b c", "a b c"),
    ],
)
def test_signs_that_no_font_has_are_taken_apart_or_marked(text: str, legible: str, printable: str) -> None:
    assert (faces().legible(text), faces().printable(text)) == (legible, printable)


@given(st.text())
def test_what_is_called_legible_has_a_sign_for_every_character(text: str) -> None:
    known = faces()
    assert all(known.shows(char) for char in known.legible(text))
    assert all(known.shows(char) for char in known.printable(text))
