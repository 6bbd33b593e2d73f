"""Elements whose value representation a damaged file has changed: absent for every reader, and nothing is raised."""

from __future__ import annotations

import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from dicom import elements
from dicom.character_sets import find_declared_codecs
from dicom.stored import stored_element
from dicom.text import read_text

STUDY_DATE, CODE_VALUE, CHARACTER_SET = 0x00080020, 0x00080100, 0x00080005


def damaged(tag: int, vr: str, value: bytes | None) -> Dataset:
    dataset = Dataset()
    length = 0 if value is None else len(value)
    dataset._dict[Tag(tag)] = RawDataElement(
        Tag(tag), vr, length, value, value_tell=0, is_implicit_VR=False, is_little_endian=True
    )
    return dataset


@pytest.mark.parametrize("vr", ["D\0", "XX"])
def test_an_empty_element_of_an_unknown_vr_is_absent(vr):
    dataset = damaged(STUDY_DATE, vr, None)
    assert stored_element(dataset, STUDY_DATE) is None
    assert elements.text(dataset, "StudyDate") == ""
    assert elements.texts(dataset, "StudyDate") == ()
    assert elements.numbers(dataset, "StudyDate") is None
    assert read_text(dataset, STUDY_DATE, "DA") == ""


def test_items_are_no_text():
    dataset = Dataset()
    inner = damaged(0x48530004, "SC", b"12345678")
    dataset.add_new(CODE_VALUE, "SQ", [inner])
    assert elements.text(dataset, "CodeValue") == ""
    assert read_text(dataset, CODE_VALUE, "SH") == ""


@pytest.mark.parametrize("vr", ["D\0", "SQ"])
def test_a_damaged_character_set_is_not_declared(vr):
    assert find_declared_codecs(damaged(CHARACTER_SET, vr, None), ("utf-8",)) == ("utf-8",)


def test_an_element_is_returned_as_it_is_stored():
    stored = stored_element(damaged(STUDY_DATE, "DA", b"20240229"), STUDY_DATE)
    assert stored is not None
    assert stored.value == b"20240229"
    assert stored_element(Dataset(), STUDY_DATE) is None
