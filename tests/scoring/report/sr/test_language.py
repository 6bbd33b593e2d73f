"""The report in German: its sentences are translated, its codes and numbers are those of the English one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydicom.dataset import Dataset

from scoring.report.sr import reading, structured_report

FORMS = ("tid1500", "tid1500-3d", "tid3900")


def content(item: Dataset) -> Iterator[Dataset]:
    for child in item.get("ContentSequence", ()):
        yield child
        yield from content(child)


def facts(document: Dataset) -> list[tuple[object, ...]]:
    """Everything but sentences: concept names, codes, numbers, references; the language itself left out."""
    return [
        (
            str(item.ConceptNameCodeSequence[0].CodeValue) if "ConceptNameCodeSequence" in item else "",
            item.ValueType,
            str(item.ConceptCodeSequence[0].CodeValue) if item.ValueType == "CODE" else "",
            str(item.MeasuredValueSequence[0].NumericValue) if item.ValueType == "NUM" else "",
        )
        for item in content(document)
        if not (item.ValueType == "CODE" and item.ConceptCodeSequence[0].CodingSchemeDesignator == "RFC5646")
    ]


def languages(document: Dataset) -> set[str]:
    codes = [item.ConceptCodeSequence[0] for item in content(document) if item.ValueType == "CODE"]
    return {code.CodeValue for code in codes if code.CodingSchemeDesignator == "RFC5646"}


@pytest.fixture(params=FORMS)
def pair(request, full, sources, first, read_back):
    """The same result in English and in German."""
    requests = (first, replace(first, language="de"))
    documents = (structured_report.build(full, sources, request=one, template=request.param) for one in requests)
    return tuple(map(read_back, documents))


def test_sentences_are_german_and_nothing_else_differs(pair):
    english, german = pair
    assert (languages(english), languages(german)) == ({"en"}, {"de"})
    assert facts(english) == facts(german)
    words = "\n".join(item.TextValue for item in content(german) if item.ValueType == "TEXT")
    for phrase in ("NUR FÜR DIE FORSCHUNG", "Koronarkalk", "Kategorie", "Perzentile"):
        assert phrase in words
    for phrase in ("RESEARCH USE", "Category:", "Percentile", "warning:", "physician"):
        assert phrase not in words


def test_both_are_read_back_alike(pair):
    english, german = (reading.read(document, "received SR") for document in pair)
    assert english is not None
    assert english == german


def test_a_site_keeps_its_own_warning(full, sources, first, read_back):
    request = replace(first, language="de", warning_text="Nur intern")
    document = read_back(structured_report.build(full, sources, request=request))
    words = "\n".join(item.TextValue for item in content(document) if item.ValueType == "TEXT")
    assert "Nur intern" in words
    assert "FORSCHUNG" not in words


def test_a_refusal_speaks_german(refused, sources, first, read_back):
    document = read_back(structured_report.build(refused, sources, request=replace(first, language="de")))
    words = "\n".join(item.TextValue for item in content(document) if item.ValueType == "TEXT")
    assert "Koronarkalk: kein Score, die Serie ist nicht auswertbar" in words


@pytest.mark.peer
@pytest.mark.parametrize("form", FORMS)
def test_dciodvfy_finds_no_error(form, full, sources, first, written, dciodvfy, tmp_path):
    path = tmp_path / "sr.dcm"
    document = structured_report.build(full, sources, request=replace(first, language="de"), template=form)
    path.write_bytes(written(document))
    dciodvfy(path)
