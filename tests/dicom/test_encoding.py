"""Encoded answers against what pydicom writes for the same answer."""

from __future__ import annotations

import io

from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence

from dicom.answers import BINARY, clean_values
from dicom.encoding import Encoder, Slot, encode_element
from dicom.repertoires import find_repertoire

TAGS = {
    0x00080018: "UI",
    0x00080020: "DA",
    0x00080030: "TM",
    0x00080060: "CS",
    0x0008002A: "DT",
    0x00100010: "PN",
    0x00100020: "LO",
    0x00101010: "AS",
    0x00180050: "DS",
    0x00200011: "IS",
    0x00280010: "US",
    0x00080054: "AE",
    0x00080050: "SH",
}
CONSTANTS = {
    0x00080001: "UL",
    0x00081140: "SQ",
    0x00091001: "UN",
    0x0040A160: "UT",
    0x00420011: "OB",
    0x00720026: "AT",
    0x00189073: "FD",
}
TEXT = st.text(
    alphabet=st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("0123456789\\^=.+-e_ "), max_size=30
)
# As the index holds them: trimmed.
STORED = TEXT.map(lambda text: "\\".join(part.strip() for part in text.split("\\")).strip())
VALUES = STORED | st.integers(-(2**33), 2**33) | st.none() | st.sampled_from(["1\\2", "0.5\\0.5", "-3"])


def make_element(tag: int, vr: str, value: object) -> DataElement:
    """Make an element of the dictionary's `vr` with the values of `clean_values`; zero length when there are none."""
    if vr == "SQ":
        return DataElement(tag, vr, Sequence())
    parts = clean_values(vr, value)
    content: list[object] = [int(part) for part in parts] if vr == "IS" or vr in BINARY else list(parts)
    if len(content) > 1:
        return DataElement(tag, vr, content, validation_mode=IGNORE)
    return DataElement(tag, vr, content[0] if content else None, validation_mode=IGNORE)


def written(dataset: Dataset, *, implicit: bool) -> bytes:
    buffer = io.BytesIO()
    file = DicomIO(buffer)
    file.is_little_endian = True
    file.is_implicit_VR = implicit
    write_dataset(file, dataset)
    return buffer.getvalue()


@settings(max_examples=400, deadline=None)
@given(values=st.fixed_dictionaries({}, optional=dict.fromkeys(TAGS, VALUES)), implicit=st.booleans())
def test_a_row_is_encoded_as_pydicom_encodes_its_answer(values, implicit):
    answer = Dataset()
    slots = [Slot(0x00080052, "CS", varies=False, value="STUDY")]
    answer.add(make_element(0x00080052, "CS", "STUDY"))
    for tag, vr in CONSTANTS.items():
        slots.append(Slot(tag, vr, varies=False))
        answer.add(make_element(tag, vr, None))
    for tag in values:
        slots.append(Slot(tag, TAGS[tag], varies=True))
        answer.add(make_element(tag, TAGS[tag], values[tag]))
    if not all(str(value).isascii() for value in values.values()):
        answer.add(make_element(0x00080005, "CS", "ISO_IR 192"))
    row = tuple(values[tag] for tag in sorted(values))
    encoder = Encoder(slots, implicit=implicit)
    assert encoder.encode(row) == written(answer, implicit=implicit)
    assert encoder.encode(row) == encoder.encode(row)


def test_a_value_too_long_for_its_length_field_is_unknown():
    assert encode_element(0x00080062, "UI", "1" * 65535, implicit=False)[4:12] == b"UN\0\0\0\0\1\0"
    assert encode_element(0x00080062, "UI", "1" * 65535, implicit=True)[4:8] == b"\0\0\1\0"


def test_each_row_is_in_the_preferred_character_sets_where_they_can_express_it():
    slots = [Slot(0x00100010, "PN", varies=True), Slot(0x00100020, "LO", varies=True)]
    encoder = Encoder(slots, implicit=True, preferred=find_repertoire("ISO_IR 100"))
    rows = [("Müller", "1"), ("Muller", "2"), ("山田", "Ü"), ("Müller", "é")]
    for _ in range(2):  # as encoded, and as remembered
        first, second, third, fourth = (read(encoder.encode(row)) for row in rows)
        assert first == {0x00080005: b"ISO_IR 100", 0x00100010: b"M\xfcller", 0x00100020: b"1 "}
        assert second == {0x00100010: b"Muller", 0x00100020: b"2 "}
        assert third == {
            0x00080005: b"ISO_IR 192",
            0x00100010: "山田".encode(),
            0x00100020: "Ü".encode(),
        }
        assert fourth == {0x00080005: b"ISO_IR 100", 0x00100010: b"M\xfcller", 0x00100020: b"\xe9 "}


def read(encoded: bytes) -> dict[int, bytes]:
    dataset = read_dataset(io.BytesIO(encoded), is_implicit_VR=True, is_little_endian=True)
    return {tag: dataset.get_item(tag).value for tag in dataset.keys()}  # noqa: SIM118
