"""Values in the form that the Standard allows (PS3.5 6.2), and no other meaning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import config
from pydicom.valuerep import validate_value

from dicom.legal import Legal, make_legal, read_sex


@pytest.mark.parametrize(
    ("vr", "text", "value"),
    [
        ("DA", "2024.01.02", "20240102"),
        ("DA", "2024-01-02", "20240102"),
        ("DA", "2024/01/02", "20240102"),
        ("DA", "00010101", "00010101"),
        ("TM", "10:15:00", "101500"),
        ("TM", "101500,1234567", "101500.123456"),
        ("TM", "1015 AM", "1015"),
        ("DT", "20240102101500.5+0100", "20240102101500.5+0100"),
        ("AS", "64Y", "064Y"),
        ("AS", "064y", "064Y"),
        ("CS", "axial", "AXIAL"),
        ("DS", "72,5", "72.5"),
        ("DS", "0.333333333333333333", "0.33333333333333"),
        ("DS", "-1.23456789012345678e-105", "-1.23456789e-105"),
        ("IS", "5.0", "5"),
        ("IS", "+5", "+5"),
        ("US", "0007", "7"),
        ("UI", "1.02.3", "1.02.3"),
        ("LO", "a\r\nb\tc\x1b", "a b c"),
        ("LO", "\x00ID\x001 ", "ID1"),
        ("LT", "a\r\nb\\c\x07", "a\r\nb\\c"),
        ("LO", "\ud800", "?"),
        ("LO", "\U00020bb7" * 64, "\U00020bb7" * 64),
        ("PN", "A^B^C^D^E", "A^B^C^D^E"),
    ],
)
def test_what_can_only_mean_one_thing_is_rewritten(vr: str, text: str, value: str) -> None:
    assert make_legal(vr, text) == Legal((value,))


@pytest.mark.parametrize(
    ("vr", "text"),
    [
        ("DA", "02/01/2024"),
        ("DA", "1960"),
        ("DA", "20230229"),
        ("DA", "20241332"),
        ("TM", "996199"),
        ("TM", "1015.5"),
        ("TM", "13:00 PM"),
        ("DT", "202413"),
        ("AS", "64"),
        ("AS", "-01Y"),
        ("CS", "A-B"),
        ("CS", "stra\u00dfe"),
        ("CS", "SEVENTEEN LETTERS"),
        ("DS", "72 kg"),
        ("DS", "1e999"),
        ("DS", "nan"),
        ("IS", "4294967296"),
        ("IS", "1.5"),
        ("US", "-1"),
        ("UI", "STUDY-1"),
        ("UI", "1." * 33),
        ("AE", "K\u00d6LN"),
        ("UR", "no address"),
    ],
)
def test_what_has_no_legal_form_is_left_out_and_told(vr: str, text: str) -> None:
    assert make_legal(vr, text) == Legal((), lossy=True)


@pytest.mark.parametrize(("vr", "text"), [("DA", "00000000"), ("TM", "::"), ("LO", " \x00"), ("DS", ""), ("PN", "^^=")])
def test_what_says_nothing_is_no_loss(vr: str, text: str) -> None:
    assert make_legal(vr, text) == Legal(())


def test_descriptions_are_cut_and_identifiers_are_not() -> None:
    assert make_legal("SH", "S" * 17) == Legal(("S" * 16,), lossy=True)
    assert make_legal("SH", "S" * 17, identifies=True) == Legal((), lossy=True)


@pytest.mark.parametrize(
    ("vr", "text", "most", "identifies", "made"),
    [
        ("LO", "Chest\\Heart", 1, False, Legal(("Chest / Heart",))),
        ("LO", "A\\\\A", 1, True, Legal(("A",))),
        ("LO", "A\\B", 1, True, Legal(("A",), lossy=True)),
        ("CS", "M\\F", 1, False, Legal((), lossy=True)),
        ("PN", "A^B\\C^D", 1, False, Legal(("A^B",), lossy=True)),
        ("PN", "A^B\\C^D", None, False, Legal(("A^B", "C^D"))),
        ("LO", "A\\\\B", None, False, Legal(("A", "", "B"))),
        ("US", "1\\2\\3", 2, False, Legal((), lossy=True)),
        ("UT", "A\\B", 1, False, Legal(("A\\B",))),
    ],
)
def test_several_values(vr: str, text: str, most: int | None, identifies: bool, made: Legal) -> None:
    assert make_legal(vr, text, most=most, identifies=identifies) == made


@pytest.mark.parametrize(
    ("text", "sex"),
    [
        ("M", "M"),
        ("f ", "F"),
        ("MALE", "M"),
        ("female", "F"),
        ("m\u00e4nnlich", "M"),
        ("m\u00e4nnlich".encode().decode("latin-1"), "M"),
        ("divers", "O"),
        ("W", ""),
        ("1", ""),
        ("M\\F", ""),
    ],
)
def test_words_for_a_sex(text: str, sex: str) -> None:
    assert read_sex(text) == sex


STRICT = ("AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UR", "UT")


@given(
    st.sampled_from(STRICT),
    st.text(max_size=100) | st.from_regex(r"[0-9.,:/+ eDMWYAP\\^=-]{0,30}", fullmatch=True),
    st.booleans(),
)
def test_every_value_is_legal_and_stays_so(vr: str, text: str, identifies: bool) -> None:
    made = make_legal(vr, text, most=None, identifies=identifies)
    for value in made.values:
        validate_value(vr, value, config.RAISE)
        assert make_legal(vr, value, identifies=identifies) == Legal((value,) if value else ())


@given(
    st.one_of(
        st.tuples(st.just("DA"), st.dates().map(lambda day: day.isoformat().replace("-", ""))),
        st.tuples(st.just("TM"), st.times().map(lambda time: time.strftime("%H%M%S.%f"))),
        st.tuples(st.just("AS"), st.from_regex(r"[0-9]{3}[DWMY]", fullmatch=True)),
        st.tuples(st.just("CS"), st.from_regex(r"[A-Z0-9_]([A-Z0-9 _]{0,14}[A-Z0-9_])?", fullmatch=True)),
        st.tuples(st.just("DS"), st.from_regex(r"[+-]?[0-9]{1,4}(\.[0-9]{1,4})?([eE][+-]?[0-9])?", fullmatch=True)),
        st.tuples(st.just("IS"), st.integers(-(2**31), 2**31 - 1).map(str)),
        st.tuples(
            st.just("LO"), st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="\\"), max_size=64)
        ),
    )
)
def test_legal_values_stay_as_they_are(value: tuple[str, str]) -> None:
    assert make_legal(*value) == Legal((value[1],) if value[1] else ())
