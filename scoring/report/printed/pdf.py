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
from scoring.report.common.document import local_time, origin_of, put_uid, reference, start
from scoring.report.common.identifiers import pdf_instance_uid, pdf_series_uid
from scoring.report.common.request import ReportRequest
from scoring.report.common.source import patient_and_study
from scoring.report.pictures.slice_picture import WINDOW_CENTRE_HU, WINDOW_WIDTH_HU
from scoring.report.printed import charts, report_values, typeset
from scoring.report.printed.person import Person, person_of, printed
from scoring.report.printed.site import Site, site_of
from scoring.report.printed.slice_figures import Pixels, SliceFigure, slice_figures
from scoring.report.printed.texts import Texts
from scoring.result import Score, SeriesInfo

Kind = Literal["pdf", "letter"]

_SERIES_OFFSET: Final[dict[Kind, int]] = {"pdf": 3, "letter": 4}
_TITLE: Final[dict[Kind, str]] = {"pdf": "report.title", "letter": "letter.title"}
_MOST_NAMED: Final = 6
# letters of a word that a quarter and a half of the width have room for
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
    site = site_of(request)
    figures = [] if pixels is None else slice_figures(score, headers, pixels)
    files = {f"slice-{number}.jpg": figure.content for number, figure in enumerate(figures)}
    values = _values(score, request, headers[0], site, figures)
    return typeset.pdf(
        "report.typ", values, {**files, **site.pictures()}, faces=site.faces, created=moment(headers[0], request)
    )


def encapsulated(
    content: bytes, score: Score, headers: Sequence[Dataset], request: ReportRequest, *, kind: Kind = "pdf"
) -> Dataset:
    """A PDF as an object of the patient's study, in a series of its own kind; Explicit VR Little Endian.

    Raises ValueError when there is no header.
    """
    if not headers:
        raise ValueError("an encapsulated PDF needs a header of its series")
    origin = origin_of(score, headers[0])
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
    document.DocumentTitle = site_of(request).texts(_TITLE[kind])
    document.ConceptNameCodeSequence = []
    document.VerificationFlag = "UNVERIFIED"
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
    return local_time(patient_and_study(header), request.created)


def _values(
    score: Score, request: ReportRequest, header: Dataset, site: Site, figures: Sequence[SliceFigure]
) -> dict[str, Any]:
    texts = site.texts
    result = report_values.headline(score, texts)
    if score.agatston is None or score.category is None:
        raise ValueError("a series that was not scored has no report to print")
    made = moment(header, request).date().isoformat()
    patient = list(_patient(score, header, site))
    return {
        **site.common(texts("report.title")),
        "confirm": texts("report.confirm"),
        "patient": patient,
        "columns": _columns(patient),
        "foot": " · ".join(value for _, value in patient[:_ON_EVERY_PAGE]),
        "score": result,
        "scale": charts.scale(texts, score.agatston.total, score.category),
        "table": report_values.table(score, texts),
        "percentile": report_values.comparison(score, texts),
        "change": report_values.change(score, texts),
        "flags": report_values.flags(score, texts),
        "pictures": _pictures(score, texts, figures),
        "technique": {"title": texts("report.technique"), "rows": list(_technique(score.series, texts))},
        "method": {"title": texts("report.method"), "lines": [", ".join(_method(score, texts)) + "."]},
        "sources": report_values.sources(score, texts),
        "sign": [texts("report.confirmed"), texts("report.confirmed_on")],
        "made": [
            f"{score.provenance.software} {score.provenance.version}",
            texts("report.version", version=request.version, date=texts.date(made)),
            texts("report.series", series=score.series.series_instance_uid),
        ],
    }


def _patient(score: Score, header: Dataset, site: Site) -> Iterator[tuple[str, str]]:
    """Labels and values of the head: who, and which examination."""
    texts, person = site.texts, person_of(header, site.faces)
    yield texts("report.patient"), told(person.named, texts)
    yield texts("report.patient_id"), told(person.patient_id, texts)
    yield texts("report.born"), _born(person, score, texts)
    sexes = {"F": "report.sex_female", "M": "report.sex_male", "O": "report.sex_other"}
    yield texts("report.sex"), texts(sexes.get(person.sex, "report.not_known"))
    scanned = score.series.date or format_date(text(header, "StudyDate"))
    others = (
        ("report.study", site.faces.legible(text(header, "StudyDescription"))),
        ("report.scanned", texts.date(scanned)),
        ("report.accession", site.faces.legible(text(header, "AccessionNumber"))),
        ("report.referring", printed(text(header, "ReferringPhysicianName"), site.faces) or ""),
    )
    yield from ((texts(key), value) for key, value in others if value)


def _columns(pairs: Sequence[tuple[str, str]]) -> int:
    """So many columns that the longest word has room: a Patient ID may be one of 64 letters."""
    longest = max(len(word) for _, value in pairs for word in re.split(r"[\s-]+", value))
    return 4 if longest <= _SHORT else 2 if longest <= _MIDDLE else 1


def told(value: str | None, texts: Texts) -> str:
    """A name or number, or why it does not stand there."""
    return texts("report.not_shown") if value is None else value or texts("report.not_known")


def _born(person: Person, score: Score, texts: Texts) -> str:
    age = score.patient.age_years if score.patient is not None else None
    years = "" if age is None else texts("report.years", years=texts.short(age, 3))
    if not person.born:
        return years or texts("report.not_known")
    return texts.date(person.born) + (f" ({years})" if years else "")


def _pictures(score: Score, texts: Texts, figures: Sequence[SliceFigure]) -> dict[str, Any]:
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


def _technique(series: SeriesInfo, texts: Texts) -> Iterator[tuple[str, str]]:
    maker = " ".join(word for word in (series.manufacturer, series.model) if word)
    if maker:
        yield texts("report.scanner"), maker
    tube = [texts("report.tube_kvp", kvp=texts.short(series.kvp))] if series.kvp is not None else []
    if series.exposure_mas is not None:
        tube.append(texts("report.tube_mas", mas=texts.short(series.exposure_mas)))
    if tube:
        yield texts("report.tube"), ", ".join(tube)
    if series.kernel:
        yield texts("report.kernel"), series.kernel.replace("\\", ", ")
    slices = [str(series.slices)]
    if series.slice_thickness_mm is not None:
        slices.append(texts("report.slices_thickness", thickness=texts.short(series.slice_thickness_mm)))
    if series.spacing_mm is not None:
        slices.append(texts("report.slices_spacing", spacing=texts.short(series.spacing_mm[0])))
    yield texts("report.slices"), ", ".join(slices)
    pixel = []
    if series.spacing_mm is not None:
        _, row, column = series.spacing_mm
        pixel.append(texts("report.pixel_size", rows=texts.short(row, 3), columns=texts.short(column, 3)))
    if series.field_of_view_mm is not None:
        pixel.append(texts("report.field", field=texts.short(series.field_of_view_mm)))
    if pixel:
        yield texts("report.pixel"), ", ".join(pixel)
    yield texts("report.gating"), texts("report.gated" if series.gated else "report.not_gated")


def _method(score: Score, texts: Texts) -> Iterator[str]:
    made = score.provenance
    yield texts("report.convention", convention=made.convention)
    yield texts(
        "report.threshold",
        threshold=texts.short(made.threshold_hu),
        area=texts.short(made.minimum_area_mm2),
        connectivity=made.connectivity,
    )
    yield texts("report.weighting")
    yield texts("report.volume_definition", definition=texts.said(made.volume_definition))
    if made.mass_factor is None:
        yield texts("report.no_mass_factor")
    else:
        origin = texts.said(made.mass_factor_origin or "") or texts("report.not_known")
        yield texts("report.mass_factor", factor=texts.short(made.mass_factor), origin=origin)
    yield texts("report.engine", engine=made.engine)
    if made.weights:
        yield texts("report.weights", weights=made.weights)
