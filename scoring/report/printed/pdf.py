"""The report as PDF for the referring physician, and a PDF as DICOM object (PS3.3 A.45.1, Encapsulated PDF)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from pydicom.dataset import Dataset
from pydicom.uid import EncapsulatedPDFStorage

from dicom.dates import format_date
from dicom.elements import text
from scoring.report.common.colours import PAPER
from scoring.report.common.document import find_origin, local_time, put_uid, reference, start
from scoring.report.common.identifiers import pdf_instance_uid, pdf_series_uid
from scoring.report.common.request import ReportRequest
from scoring.report.common.signature import signed_on
from scoring.report.common.source import copy_patient_and_study
from scoring.report.common.texts import Texts, load
from scoring.report.printed.person import Person, format_names, read_all, read_person
from scoring.report.printed.slice_figures import Pixels, SliceFigure, build_slice_figures
from scoring.report.slices.slice_picture import WINDOW_CENTRE_HU, WINDOW_WIDTH_HU
from scoring.report.typeset import typesetter
from scoring.report.typeset.page import page_values
from scoring.report.typeset.site import Site, load_site
from scoring.result import Score

Kind = Literal["pdf", "letter"]

_SERIES_OFFSET: Final[dict[Kind, int]] = {"pdf": 3, "letter": 4}
_TITLE: Final[dict[Kind, str]] = {"pdf": "report.title", "letter": "letter.title"}
_MOST_NAMED: Final = 6
# letters of a word that fit a quarter and a half of the width
_SHORT: Final = 16
_MIDDLE: Final = 36
# of the head: name, Patient ID, date of birth
_ON_EVERY_PAGE: Final = 3


def report_pdf(
    score: Score, request: ReportRequest, *, headers: Sequence[Dataset], pixels: Pixels | None = None
) -> bytes:
    """One or two pages: the result, the comparisons, flags, technique and method, and slices where `pixels` gives them.

    `headers` are those of the series, at least one: they name the patient. Raises ValueError when the series was not
    scored or there is no header, ConfigurationError when the site's words, logo or fonts cannot be used.
    """
    if not headers:
        raise ValueError("a report needs a header of its series: it names the patient")
    site = load_site(request)
    figures = [] if pixels is None else build_slice_figures(score, headers, pixels)
    files = {f"slice-{number}.jpg": figure.content for number, figure in enumerate(figures)}
    values = _values(score, request, headers[0], site, figures)
    created = moment(headers[0], request)
    files |= site.files()
    return typesetter.set_pdf("report.typ", values, files, faces=site.faces, palette=PAPER, created=created)


def encapsulate(
    content: bytes, score: Score, headers: Sequence[Dataset], request: ReportRequest, *, kind: Kind = "pdf"
) -> Dataset:
    """A PDF as an object of the patient's study, in a series of its own kind; Explicit VR Little Endian.

    Raises ValueError when there is no header.
    """
    if not headers:
        raise ValueError("an encapsulated PDF needs a header of its series")
    origin = find_origin(score, headers[0])
    document = start(
        sop_class_uid=EncapsulatedPDFStorage,
        sop_instance_uid=pdf_instance_uid(origin.series_instance_uid, kind, request.version),
        source=headers[0],
        origin=origin,
        request=request,
        made_by=score.provenance,
    )
    document.Modality = "DOC"
    document.SeriesInstanceUID = pdf_series_uid(origin.series_instance_uid, kind)
    document.SeriesNumber = request.series_number + _SERIES_OFFSET[kind]
    document.ConversionType = "WSD"
    document.InstanceNumber = request.version
    document.AcquisitionDateTime = ""
    document.BurnedInAnnotation = "YES"
    document.DocumentTitle = load(request.language, request.texts)(_TITLE[kind])
    document.ConceptNameCodeSequence = []
    # the letter carries no reader's signature: the doctor who hands it over signs it
    document.VerificationFlag = "VERIFIED" if score.review is not None and kind == "pdf" else "UNVERIFIED"
    document.MIMETypeOfEncapsulatedDocument = "application/pdf"
    document.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    document.EncapsulatedDocumentLength = len(content)
    images = dict.fromkeys(image.sop_instance_uid for lesion in score.lesions for image in lesion.images)
    document.SourceInstanceSequence = [
        reference(origin.sop_class_uid, uid) for uid in images or [text(headers[0], "SOPInstanceUID")]
    ]
    if score.series.frame_of_reference_uid:
        put_uid(document, "FrameOfReferenceUID", score.series.frame_of_reference_uid)
    return document


def moment(header: Dataset, request: ReportRequest) -> datetime:
    """When the document was made, in the time zone of its study."""
    return local_time(copy_patient_and_study(header), request.created)


def _values(
    score: Score, request: ReportRequest, header: Dataset, site: Site, figures: Sequence[SliceFigure]
) -> dict[str, Any]:
    texts = site.texts
    created = moment(header, request).date().isoformat()
    patient = list(_patient(score, header, site))
    return {
        **page_values(score, site, dated=True),
        "patient": patient,
        "columns": _count_columns(patient),
        "foot": " · ".join(value for _, value in patient[:_ON_EVERY_PAGE]),
        "pictures": _build_pictures(score, texts, figures),
        "sign": _build_signature(score, site),
        "origin": [
            f"{score.provenance.software} {score.provenance.version}",
            texts("report.version", version=request.version, date=texts.date(created)),
            texts("report.series", series=score.series.series_instance_uid),
        ],
    }


def _build_signature(score: Score, site: Site) -> list[tuple[str, str]]:
    """The labels under the lines for name and date, and what stands on the lines."""
    texts, review = site.texts, score.review
    if review is None:
        return [(texts("report.confirmed"), ""), (texts("report.confirmed_on"), "")]
    return [
        (texts("report.confirmed"), site.faces.legible(review.reader)),
        (texts("report.confirmed_on"), texts.date(signed_on(review))),
    ]


def _patient(score: Score, header: Dataset, site: Site) -> Iterator[tuple[str, str]]:
    """Labels and values of the head: who, and which examination."""
    texts, person = site.texts, read_person(header, site.faces)
    yield texts("report.patient"), format_identity(person.named, texts)
    yield texts("report.patient_id"), format_identity(person.patient_id, texts)
    yield texts("report.born"), _format_birth_date(person, score, texts)
    sexes = {"F": "report.sex_female", "M": "report.sex_male", "O": "report.sex_other"}
    yield texts("report.sex"), texts(sexes.get(person.sex, "report.not_known"))
    scanned = score.series.date or format_date(text(header, "StudyDate"))
    others = (
        ("report.study", site.faces.legible(read_all(header, "StudyDescription"))),
        ("report.scanned", texts.date(scanned)),
        ("report.accession", site.faces.legible(read_all(header, "AccessionNumber"))),
        ("report.referring", format_names(header, "ReferringPhysicianName", site.faces) or ""),
    )
    yield from ((texts(key), value) for key, value in others if value)


def _count_columns(pairs: Sequence[tuple[str, str]]) -> int:
    """The number of columns in which the longest word still fits: a Patient ID may be a word of 64 letters."""
    longest = max(len(word) for _, value in pairs for word in re.split(r"[\s-]+", value))
    return 4 if longest <= _SHORT else 2 if longest <= _MIDDLE else 1


def format_identity(value: str | None, texts: Texts) -> str:
    """A name or number, or the reason why it is not shown."""
    return texts("report.not_shown") if value is None else value or texts("report.not_known")


def _format_birth_date(person: Person, score: Score, texts: Texts) -> str:
    age = score.patient.age_years if score.patient is not None else None
    years = "" if age is None else texts("report.years", years=texts.short(age, 3))
    if not person.born:
        return years or texts("report.not_known")
    return texts.date(person.born) + (f" ({years})" if years else "")


def _build_pictures(score: Score, texts: Texts, figures: Sequence[SliceFigure]) -> dict[str, Any]:
    items = []
    for number, one in enumerate(figures):
        named = [f"{lesion.artery or texts('arteries.none')} {texts.number(lesion.agatston)}" for lesion in one.lesions]
        more = "" if len(named) <= _MOST_NAMED else " …"
        words = {
            "slice": one.image.slice + 1,
            "slices": score.series.slices,
            "lesions": ", ".join(named[:_MOST_NAMED]) + more,
        }
        left, right, top = one.letters
        items.append(
            {
                "file": f"slice-{number}.jpg",
                "alt": texts("report.picture_alt", **words),
                "words": texts("report.picture", **words),
                "left": left,
                "right": right,
                "top": top,
            }
        )
    note = texts("report.outlines", centre=WINDOW_CENTRE_HU, width=WINDOW_WIDTH_HU)
    return {"title": texts("report.pictures"), "items": items, "note": note}
