"""Words on slices: lengths, lines, and signs that the package's own fonts lack."""

from __future__ import annotations

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.report.pictures.lettering import MEDIUM, REGULAR, Lettering, Weight
from scoring.report.typeset.faces import Faces, faces

LETTERING = Lettering(faces())


@pytest.fixture(scope="module")
def eastern(tmp_path_factory: pytest.TempPathFactory) -> Faces:
    """The package's fonts, and one of square signs, as wide as high, for two characters that they lack."""
    folder = tmp_path_factory.mktemp("fonts")
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    for corner in ((100, 700), (900, 700), (900, 0)):
        pen.lineTo(corner)
    pen.closePath()
    names = ["uni7814", "uni7A76"]
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder([".notdef", *names])
    font.setupCharacterMap(dict(zip(map(ord, "研究"), names, strict=True)))
    font.setupGlyf({".notdef": TTGlyphPen(None).glyph(), **dict.fromkeys(names, pen.glyph())})
    font.setupHorizontalMetrics(dict.fromkeys([".notdef", *names], (1000, 100)))
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "East", "styleName": "Regular", "psName": "East-Regular"})
    font.setupOS2(sTypoAscender=800, sTypoDescender=-200, usWeightClass=400)
    font.setupPost()
    font.save(folder / "east.ttf")
    return faces(folder)


def test_a_sign_comes_from_the_first_font_that_has_it(eastern: Faces) -> None:
    lettering = Lettering(eastern)
    runs = [(text, font.getname()[0], length) for text, font, length in lettering.runs("CT 研究 x", 20, MEDIUM)]
    assert [(text, family) for text, family, _ in runs] == [("CT ", "Roboto"), ("研究", "East"), (" x", "Roboto")]
    assert runs[1][2] == 40
    assert lettering.width("CT 研究 x", 20, MEDIUM) == pytest.approx(sum(length for _, _, length in runs))
    assert [text for text, _, _ in LETTERING.runs("CT 研究 x", 20)] == ["CT ?? x"]


@pytest.mark.parametrize("weight", [REGULAR, MEDIUM])
@pytest.mark.parametrize("size", [13, 17, 84])
def test_lengths_add_up_as_the_font_sets_them(weight: Weight, size: int) -> None:
    text = "AVATo, Wa. 12345 Agatston für LM/LAD"
    ((part, font, length),) = LETTERING.runs(text, size, weight)
    assert part == text
    assert length == pytest.approx(font.getlength(text), abs=0.01)
    assert font.getname() == ("Roboto", "Regular" if weight == REGULAR else "Medium")


@given(st.text(max_size=200), st.integers(12, 20), st.integers(60, 600))
@settings(max_examples=40, deadline=None)
def test_wrapped_lines_fit_and_lose_nothing(text: str, size: int, room: int) -> None:
    lines = LETTERING.wrapped(text, size, room)
    assert all(LETTERING.width(line, size) <= room for line in lines)
    assert "".join(lines).replace(" ", "") == faces().printable(text).replace(" ", "")


def test_words_that_fit_at_no_size_end_with_dots() -> None:
    lines, size = LETTERING.fitted("word " * 80, 300, 2, (16, 14))
    assert (len(lines), size) == (2, 14)
    assert lines[-1].endswith("...")
    assert all(LETTERING.width(line, size) <= 300 for line in lines)
