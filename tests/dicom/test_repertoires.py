"""Text in the character sets of a request, against the Standard's examples, pydicom's decoder and sample files."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.charset import convert_encodings, decode_bytes

from dicom.character_sets import decode_value, find_codecs
from dicom.repertoires import find_repertoire
from dicom.stored import stored_element
from dicom.text import read_text

SAMPLES = Path(pydicom.__file__).parent / "data/charset_files"
NAME, CHARACTER_SET = 0x00100010, 0x00080005


@pytest.mark.parametrize(
    ("terms", "name", "expected"),
    [
        pytest.param(
            "\\ISO 2022 IR 87",
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
            id="PS3.5 H.3.1",
        ),
        pytest.param(
            "ISO 2022 IR 13\\ISO 2022 IR 87",
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
            b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
            id="PS3.5 H.3.2",
        ),
        pytest.param(
            "\\ISO 2022 IR 149",
            "Hong^Gildong=洪^吉洞=홍^길동",
            b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
            id="PS3.5 I.2",
        ),
        pytest.param(
            "ISO_IR 192",
            "Wang^XiaoDong=王^小東=",
            b"Wang^XiaoDong=\xe7\x8e\x8b^\xe5\xb0\x8f\xe6\x9d\xb1=",
            id="PS3.5 J.1",
        ),
        pytest.param("GB18030", "Wang^XiaoDong=王^小东=", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=", id="PS3.5 J.3"),
        pytest.param(
            "\\ISO 2022 IR 58",
            "Zhang^XiaoDong=张^小东=",
            b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
            id="PS3.5 K.2",
        ),
        pytest.param("GBK", "Wang^XiaoDong=王^小东=", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=", id="GBK"),
    ],
)
def test_the_standards_examples(terms, name, expected):
    repertoire = find_repertoire(terms)
    assert repertoire.terms == terms
    assert repertoire.encode(name, "PN") == expected


@pytest.mark.parametrize(
    "name", ["Arab", "Fren", "Germ", "Greek", "H31", "H32", "Hbrw", "I2", "JapMulti", "Russ", "X1", "X2"]
)
def test_the_names_of_sample_files_come_back_byte_for_byte(name):
    dataset = dcmread(SAMPLES / f"chr{name}.dcm", stop_before_pixels=True)
    declared = read_text(dataset, CHARACTER_SET, "CS")
    written = find_repertoire(declared).encode(read_text(dataset, NAME, "PN"), "PN")
    assert written == bytes(stored_element(dataset, NAME).value).rstrip(b" ")


SETS = [
    *(f"ISO_IR {number}" for number in (13, 100, 101, 109, 110, 126, 127, 138, 144, 148, 166, 192)),
    "GB18030",
    "GBK",
    "ISO 2022 IR 100\\ISO 2022 IR 144",
    "ISO 2022 IR 100\\ISO 2022 IR 87",
    "\\ISO 2022 IR 100\\ISO 2022 IR 149",
    "\\ISO 2022 IR 87\\ISO 2022 IR 159",
    "ISO 2022 IR 13\\ISO 2022 IR 87",
    "\\ISO 2022 IR 58",
    "ISO 2022 IR 6\\ISO 2022 IR 101\\ISO 2022 IR 126\\ISO 2022 IR 166",
]
LETTERS = st.text(alphabet="ab ^=Müéłőщжλώشשไทย山田丂홍길동张小东ヤﾔまだ☃", max_size=12)


@given(terms=st.sampled_from(SETS), text=LETTERS)
def test_what_is_written_is_read_by_pydicom(terms, text):
    with contextlib.suppress(UnicodeEncodeError):
        check_it_is_read(terms, text, find_repertoire(terms).encode(text, "PN"))


def check_it_is_read(terms, text, written):
    read = decode_bytes(written, convert_encodings(terms.split("\\")), {0x5C, 0x5E, 0x3D})
    assert read.replace("\x1b$)A", "") == text  # pydicom leaves the escape sequence of GB 2312
    assert decode_value(written, "PN", find_codecs(terms)) == text


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        ("ISO_IR 100", "山"),
        ("ISO_IR 100", "\u0153"),  # in Windows-1252, not in Latin-1
        ("ISO_IR 126", "€"),  # in the Greek of 2003, not in ISO-IR 126
        ("ISO_IR 13", "~ﾔ"),
        ("ISO_IR 13", "山"),
        ("\\ISO 2022 IR 149", "똠"),  # composed in KS X 1001:1998, not in its table
        ("\\ISO 2022 IR 58", "東"),
        ("\\ISO 2022 IR 87", "홍"),
        ("GBK", "홍"),
    ],
)
def test_what_a_set_lacks_is_an_error_and_never_a_substitute(terms, text):
    with pytest.raises(UnicodeEncodeError):
        find_repertoire(terms).encode(text, "LO")


def test_a_text_returns_to_the_first_set_before_a_delimiter_and_at_its_end():
    repertoire = find_repertoire("ISO 2022 IR 100\\ISO 2022 IR 144")
    assert repertoire.encode("é щ\\щé", "LO") == b"\xe9 \x1b-L\xe9\x1b-A\\\x1b-L\xe9\x1b-A\xe9"
    # in a text, the delimiters of names are letters like any other
    assert repertoire.encode("щ^щ", "LO") == b"\x1b-L\xe9^\xe9\x1b-A"


@pytest.mark.parametrize(
    ("declared", "terms"),
    [
        ("iso_ir_100", "ISO_IR 100"),
        ("UTF-8", "ISO_IR 192"),
        ("ISO_IR 203", "ISO_IR 203"),
        ("\\ISO-2022-IR-87", "\\ISO 2022 IR 87"),
        ("ISO 2022 IR 87", "ISO 2022 IR 87"),
    ],
)
def test_terms_in_other_spellings(declared, terms):
    assert find_repertoire(declared).terms == terms


@pytest.mark.parametrize(
    "declared",
    ["", "ISO_IR 6", "ISO 2022 IR 6", "NONSENSE", "ISO_IR 100\\ISO_IR 101", "ISO_IR 192\\ISO 2022 IR 87", "\\\\\\X"],
)
def test_no_set_and_impossible_sets(declared):
    assert find_repertoire(declared) is None
