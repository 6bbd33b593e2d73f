"""One decision on character sets, the same for index, scoring and documents."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.tag import Tag

from dicom import elements
from dicom.character_sets import CHARACTER_SET, DEFAULT_REPERTOIRE, decode_value, find_codecs
from dicom.text import decode_text, read_text
from scoring.report.common.source import copy_patient_and_study

NAME, DESCRIPTION = 0x00100010, 0x00081030


@pytest.mark.parametrize(
    ("declared", "codecs"),
    [
        ("", ("iso8859",)),
        ("ISO_IR 6", ("iso8859",)),
        ("ISO_2022_IR_6", ("iso8859",)),
        ("ISO_IR 100", ("latin_1",)),
        ("ISO-IR 100 \0", ("latin_1",)),
        ("ISO_IR 192", ("UTF8",)),
        ("ISO IR 192", ("UTF8",)),
        ("iso_ir_192", ("UTF8",)),
        ("UTF-8", ("UTF8",)),
        ("utf8", ("UTF8",)),
        ("GB18030", ("GB18030",)),
        ("\\ISO 2022 IR 87", ("iso8859", "iso2022_jp")),
        ("NONSENSE\\ISO_IR 144", ("iso_ir_144",)),
        ("ISO_IR 192\\ISO_IR 100", ("UTF8",)),
        ("ISO_IR 100\\ISO_IR 192", ("latin_1",)),
    ],
)
def test_defined_terms_in_every_spelling(declared, codecs):
    assert find_codecs(declared) == codecs


def test_what_is_unknown_is_inherited():
    assert find_codecs("NONSENSE", ("UTF8",)) == ("UTF8",)
    assert find_codecs("NONSENSE") == DEFAULT_REPERTOIRE


def encoded(declared: str | None, text: bytes, tag: int = NAME) -> Dataset:
    """A header as it comes: the bytes of a text, and what it says that they are."""
    dataset = Dataset()
    values = {tag: text} if declared is None else {CHARACTER_SET: declared.encode(), tag: text}
    for number, value in values.items():
        vr = {CHARACTER_SET: "CS", NAME: "PN", DESCRIPTION: "LO"}[number]
        dataset._dict[Tag(number)] = RawDataElement(
            Tag(number), vr, len(value), value, 0, is_implicit_VR=False, is_little_endian=True
        )
    return dataset


@pytest.mark.parametrize(
    ("declared", "name", "codec"),
    [
        (None, "Müller^Jörg", "utf-8"),
        (None, "Müller^Jörg", "latin-1"),
        ("ISO_IR 6", "Müller^Jörg", "utf-8"),
        ("ISO_2022_IR_6", "Müller^Jörg", "utf-8"),
        ("ISO_IR 100", "Müller^Jörg", "latin-1"),
        ("ISO_IR 192", "Müller^Jörg", "latin-1"),
        ("ISO IR 192", "王^小东", "utf-8"),
        ("UTF-8", "王^小东", "utf-8"),
        ("GB18030", "王^小东", "gb18030"),
        ("ISO_IR 144", "Димитр", "iso8859_5"),
        ("NONSENSE", "Müller", "utf-8"),
    ],
)
def test_index_scoring_and_documents_read_the_same_name(declared, name, codec):
    dataset = encoded(declared, name.encode(codec))
    assert read_text(dataset, NAME, "PN") == name
    assert decode_text(name.encode(codec), "PN", (declared or "").encode()) == name
    assert elements.text(dataset, "PatientName") == name
    assert copy_patient_and_study(dataset).PatientName == name


SPELLINGS = [
    "",
    "ISO_IR 6",
    "ISO_IR 100",
    "ISO 2022 IR 100",
    "ISO_IR 192",
    "ISO IR 192",
    "UTF-8",
    "\\ISO 2022 IR 87",
    "ISO_IR 13\\ISO 2022 IR 87",
    "\\ISO 2022 IR 149",
    "ISO_IR 144",
    "GB18030",
    "GB18030\\ISO IR 192",
    "?",
]
ESCAPED = st.lists(
    st.sampled_from([b"\x1b$B", b"\x1b(B", b"\x1b(J", b"\x1b$)C", b"\x1b", b"^", b"=", b"\\"]) | st.binary(max_size=6)
).map(b"".join)


@example(b"\x01\t\\", "")
@given(st.binary(max_size=40) | ESCAPED, st.sampled_from(SPELLINGS))
def test_index_scoring_and_documents_read_any_bytes_the_same(text, declared):
    dataset = encoded(declared, text, DESCRIPTION)
    indexed = read_text(dataset, DESCRIPTION, "LO", None)
    assert decode_text(text, "LO", declared.encode(), longest=10**6) == indexed
    values = [value for value in dict.fromkeys(indexed.split("\\")) if value]
    assert [value for value in dict.fromkeys(elements.texts(dataset, "StudyDescription")) if value] == values
    document = copy_patient_and_study(dataset)
    copied = str(document.get("StudyDescription", ""))
    assert copied == " / ".join(values)[:64].rstrip()
    document.SpecificCharacterSet = "ISO_IR 192"
    assert read_text(read_back(document), DESCRIPTION, "LO") == copied


@pytest.mark.parametrize(
    ("declared", "stored", "text"),
    [
        ("", "M\u00fcller\x1b".encode(), "M\u00fcller"),
        ("ISO_IR 192", "M\u00fcller\x1b".encode(), "M\u00fcller"),
        ("", "\u0160imek \u201eA\u201c".encode("cp1252"), "\u0160imek \u201eA\u201c"),
        ("ISO_IR 100", "\u0160imek".encode("cp1252"), "\u0160imek"),
        ("ISO_IR 192", "\u0160imek".encode("cp1252"), "\u0160imek"),
        ("GB18030", "\u4e57\u4fd3".encode("gb18030"), "\u4e57\u4fd3"),
        ("\\ISO 2022 IR 87", b"A \x1b$BP\\\x1b(B", "A \u4fd1"),
    ],
)
def test_letters_whose_bytes_look_like_something_else(declared, stored, text):
    """A stray escape, a letter where Latin-1 has a control character, a second byte that is a backslash."""
    dataset = encoded(declared, stored, DESCRIPTION)
    assert read_text(dataset, DESCRIPTION, "LO") == text
    assert copy_patient_and_study(dataset).StudyDescription == text


def read_back(dataset: Dataset) -> Dataset:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, dataset)
    return dcmread(BytesIO(buffer.getvalue()), force=True)


def test_an_item_has_the_character_set_of_the_data_set_around_it():
    item = Dataset()
    item.CodeMeaning = "Schädel"
    dataset = Dataset()
    dataset.SpecificCharacterSet, dataset.ProcedureCodeSequence = "ISO_IR 192", [item]
    coded = elements.inner(read_back(dataset), "ProcedureCodeSequence")
    assert coded is not None
    assert elements.text(coded, "CodeMeaning") == "Schädel"


def test_what_is_not_text_is_one_character_a_byte():
    assert decode_value("é".encode(), "CS", ("UTF8",)) == "Ã©"
