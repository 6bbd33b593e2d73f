"""Documents of a result that a reader has signed (PS3.3 C.17.2, C.8.20.2; PS3.16 TID 1003)."""

from __future__ import annotations

import dataclasses
import io
import subprocess

import pypdf
import pytest

from scoring.report import seg
from scoring.report.common import signature
from scoring.report.common.request import Predecessor
from scoring.report.common.texts import load
from scoring.report.common.words import summary
from scoring.report.printed import letter, pdf
from scoring.report.sr import reading, structured_report
from scoring.report.typeset.page import page_values
from scoring.report.typeset.site import load_site
from scoring.result import Review, Score

REVIEW = Review("Dr. Änne Müller-Lüdenscheidt", "mueller", "2026-03-02T00:15:00+01:00", 1, 250.5, rejected=1, moved=2)
FORMS = ("tid1500", "tid1500-3d", "tid3900")


@pytest.fixture
def signed(full):
    return dataclasses.replace(full, review=REVIEW)


@pytest.fixture
def second(first):
    named = Predecessor("1.2.840.10008.5.1.4.1.1.88.33", "1.2.3.4", "1.2.3", "1.2")
    return dataclasses.replace(first, version=2, predecessor=named, institution="Klinikum Musterstadt")


def test_a_review_is_part_of_the_result(signed):
    assert Score.from_json(signed.to_json()) == signed
    assert '"review": null' in dataclasses.replace(signed, review=None).to_json(indent=1)


@pytest.mark.parametrize("form", FORMS)
def test_the_report_is_verified_by_the_reader(form, signed, sources, second, read_back, complaints):
    document = read_back(structured_report.build(signed, sources, request=second, template=form))
    assert (document.CompletionFlag, document.VerificationFlag, document.PreliminaryFlag) == (
        "COMPLETE",
        "VERIFIED",
        "FINAL",
    )
    (observer,) = document.VerifyingObserverSequence
    assert str(observer.VerifyingObserverName) == "Dr. Änne Müller-Lüdenscheidt^"
    assert observer.VerifyingOrganization == "Klinikum Musterstadt"
    assert str(observer.VerificationDateTime) == "20260302001500+0100"
    assert observer.VerifyingObserverIdentificationCodeSequence == []
    assert document.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].SeriesInstanceUID == "1.2.3"
    named = [item for item in document.ContentSequence if item.ValueType == "PNAME"]
    assert [(item.ConceptNameCodeSequence[0].CodeValue, str(item.PersonName)) for item in named] == [
        ("121008", "Dr. Änne Müller-Lüdenscheidt^")
    ]
    observers = [
        item.ConceptCodeSequence[0].CodeValue
        for item in document.ContentSequence
        if item.ValueType == "CODE" and item.ConceptNameCodeSequence[0].CodeValue == "121005"
    ]
    assert observers == ["121006", "121007"], "a person and the device"
    assert complaints(document) == []
    assert reading.read(document, "x").agatston == signed.agatston.total


@pytest.mark.parametrize("form", FORMS)
def test_the_report_of_nobody_stays_unverified(form, full, sources, first):
    document = structured_report.build(full, sources, request=first, template=form)
    assert (document.VerificationFlag, document.PreliminaryFlag) == ("UNVERIFIED", "PRELIMINARY")
    assert "VerifyingObserverSequence" not in document


@pytest.mark.peer
@pytest.mark.parametrize("form", FORMS)
def test_other_programs_read_the_signature(form, signed, sources, second, written, tmp_path, dciodvfy, peer_program):
    path = tmp_path / "report.dcm"
    path.write_bytes(written(structured_report.build(signed, sources, request=second, template=form)))
    dciodvfy(path)
    shown = subprocess.run([peer_program("dsrdump"), path], capture_output=True, text=True, check=True).stdout
    assert "Verification Flag   : VERIFIED" in shown
    assert "Dr. Änne Müller-Lüdenscheidt^, Klinikum Musterstadt" in shown


def test_the_organization_is_the_sites_then_that_of_the_images(first, header_of):
    assert signature.organization(first, header_of(0, InstitutionName="St. Elsewhere\nWard")) == "St. Elsewhere Ward"
    assert signature.organization(first, header_of(0, InstitutionName="")) == "not stated"
    longest = dataclasses.replace(first, institution="x" * 80)
    assert signature.organization(longest, header_of(0)) == "x" * 64


@pytest.mark.parametrize(
    ("printed", "name"),
    [("A^B=C\\D", "A B C D^"), ("x" * 64, "x" * 63 + "^"), ("  Dr.  X ", "Dr. X^"), ("A\x07B", "AB^")],
)
def test_a_name_is_one_component(printed, name):
    assert signature.person_name(dataclasses.replace(REVIEW, reader=printed)) == name


def test_the_segmentation_names_who_created_it(signed, full, sources, second):
    made, automatic = seg.build(signed, sources, second), seg.build(full, sources, second)
    assert {item.SegmentAlgorithmType for item in made.SegmentSequence} == {"SEMIAUTOMATIC"}
    assert {item.SegmentAlgorithmType for item in automatic.SegmentSequence} == {"AUTOMATIC"}
    assert (str(made.ContentCreatorName), str(automatic.ContentCreatorName)) == (
        "Dr. Änne Müller-Lüdenscheidt^",
        "",
    )


@pytest.mark.parametrize(
    ("language", "reviewed", "changed"),
    [
        (
            "en",
            "Reviewed and signed by Dr. Änne Müller-Lüdenscheidt on 2 March 2026.",
            "Changes to the automatic result (Agatston 250.5), lesions: 1 rejected; 2 moved to another artery.",
        ),
        (
            "de",
            "Geprüft und unterschrieben von Dr. Änne Müller-Lüdenscheidt am 2. März 2026.",
            (
                "Änderungen am automatischen Ergebnis (Agatston 250,5), Läsionen: 1 verworfen; "
                "2 einer anderen Arterie zugeordnet."
            ),
        ),
    ],
)
def test_the_summary_tells_who_changed_what(signed, second, language, reviewed, changed):
    texts = load(language)
    words = summary(signed, dataclasses.replace(second, language=language), texts)
    assert f"{reviewed}\n{changed}\n" in words
    assert texts("report.confirm") not in words


def test_a_confirmed_result_says_that_nothing_was_changed():
    same = dataclasses.replace(REVIEW, rejected=0, moved=0)
    words = signature.changes(same, load("en"))
    assert words == "The automatic result (Agatston 250.5) was confirmed without a change."


def test_the_pictures_name_the_reader_and_no_day(signed, second):
    values = page_values(signed, load_site(second), dated=False)
    assert values["confirm"] == "Reviewed and signed by Dr. Änne Müller-Lüdenscheidt."
    assert "2026" not in values["confirm"] + values["changes"]


def test_report_and_letter_name_the_reader(signed, second, sources, pixels):
    content = pdf.report_pdf(signed, second, headers=sources, pixels=pixels)
    words = " ".join(" ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages).split())
    assert "Reviewed and signed by Dr. Änne Müller-Lüdenscheidt on 2 March 2026." in words
    assert "to be confirmed" not in words
    content = letter.letter_pdf(signed, second, headers=sources)
    words = " ".join(" ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages).split())
    assert "has been reviewed by Dr. Änne Müller-Lüdenscheidt" in words
    assert "A physician has to confirm" not in words


@pytest.mark.parametrize(("kind", "flag"), [("pdf", "VERIFIED"), ("letter", "UNVERIFIED")])
def test_the_report_as_pdf_is_verified_and_the_letter_is_not(signed, full, second, sources, kind, flag):
    made = pdf.encapsulate(b"%PDF-1.7 %%EOF", signed, sources, second, kind=kind)
    assert made.VerificationFlag == flag
    assert pdf.encapsulate(b"%PDF-1.7 %%EOF", full, sources, second, kind=kind).VerificationFlag == "UNVERIFIED"
