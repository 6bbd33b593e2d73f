"""The result as a structured report, in the form that a destination requires.

| Form | Template (PS3.16) | SOP class (PS3.3) |
| --- | --- | --- |
| tid1500 | TID 1500 Measurement Report | Comprehensive SR, A.35.3 |
| tid1500-3d | the same | Comprehensive 3D SR, A.35.13 |
| tid3900 | TID 3900 CT/MR Cardiovascular Analysis Report | Enhanced SR, A.35.2 |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydicom.dataset import Dataset

from config.results import SrTemplate
from dicom.elements import text
from scoring.report.common.catalogue import in_language
from scoring.report.common.document import Origin, find_origin, hierarchy, put_uid, reference, start
from scoring.report.common.identifiers import SR_SOP_CLASSES, sr_instance_uid, sr_series_uid
from scoring.report.common.request import ReportRequest
from scoring.report.common.signature import verify
from scoring.report.common.source import copy_request_attributes
from scoring.report.common.texts import load
from scoring.report.sr import codes
from scoring.report.sr.cardiovascular import cardiovascular_report
from scoring.report.sr.measurement_report import measurement_report
from scoring.result import Score

_ORDER_KEYWORDS: Final = (
    "AccessionNumber",
    "IssuerOfAccessionNumberSequence",
    "PlacerOrderNumberImagingServiceRequest",
    "FillerOrderNumberImagingServiceRequest",
    "RequestedProcedureID",
    "RequestedProcedureDescription",
    "RequestedProcedureCodeSequence",
)


def build(
    score: Score, sources: Sequence[Dataset], *, request: ReportRequest, template: SrTemplate = "tid1500"
) -> Dataset:
    """SR of a series, ready for dcmwrite or C-STORE, the same bytes for the same arguments.

    `sources` are headers of the series, without pixels: one is enough; every one given is named as evidence,
    besides the images with lesions, which the score names itself. The first one gives patient and study.
    A score of 0 is a full report; one that a reader has signed gives a verified report; a series that was not scored
    gives a report with the reason. Sentences are in the language of the request; codes, their meanings and the names of
    groups are English.

    Raises ValueError when no source is given, ConfigurationError when the site's own texts cannot be used.
    """
    if not sources:
        raise ValueError("a report needs the header of at least one image of its series")
    source = sources[0]
    origin = find_origin(score, source)
    document = start(
        sop_class_uid=SR_SOP_CLASSES[template],
        sop_instance_uid=sr_instance_uid(origin.series_instance_uid, request.version, template),
        source=source,
        origin=origin,
        request=request,
        made_by=score.provenance,
    )
    document.Modality = "SR"
    document.SeriesInstanceUID = sr_series_uid(origin.series_instance_uid)
    document.ReferencedPerformedProcedureStepSequence = []
    document.InstanceNumber = request.version
    document.CompletionFlag = "COMPLETE"
    document.VerificationFlag = "UNVERIFIED"
    document.PreliminaryFlag = "PRELIMINARY"
    if score.review is not None:
        verify(document, score.review, request, source)
    document.PerformedProcedureCodeSequence = []
    document.CodingSchemeIdentificationSequence = [codes.private_scheme()]
    document.CurrentRequestedProcedureEvidenceSequence = [_evidence(score, sources, origin)]
    _add_requests(document, source, origin)
    _add_predecessor(document, request)
    tree = cardiovascular_report if template == "tid3900" else measurement_report
    texts = load(request.language, request.texts)
    document.update(tree(in_language(score, texts), origin, request, texts))
    return document


def _evidence(score: Score, sources: Sequence[Dataset], origin: Origin) -> Dataset:
    """Every image of `sources` and every image with a lesion, once, in the order of the arguments."""
    instances = {text(source, "SOPInstanceUID"): text(source, "SOPClassUID") for source in sources}
    for lesion in score.lesions:
        for image in lesion.images:
            instances.setdefault(image.sop_instance_uid, origin.sop_class_uid)
    items = [reference(sop_class, instance) for instance, sop_class in instances.items()]
    return hierarchy(origin.study_instance_uid, origin.series_instance_uid, items)


def _add_requests(document: Dataset, source: Dataset, origin: Origin) -> None:
    """Referenced Request Sequence (0040,A370) from the order that the source names, type 2 inside filled up."""
    items = []
    for attributes in copy_request_attributes(source):
        item = Dataset()
        for keyword in _ORDER_KEYWORDS:
            if keyword in attributes:
                item[keyword] = attributes[keyword]
            elif keyword == "RequestedProcedureCodeSequence":
                item.RequestedProcedureCodeSequence = []
            elif keyword == "AccessionNumber":
                item[keyword] = document[keyword]
            elif keyword != "IssuerOfAccessionNumberSequence":
                setattr(item, keyword, "")
        item.ReferencedStudySequence = []
        put_uid(item, "StudyInstanceUID", origin.study_instance_uid)
        items.append(item)
    if items:
        document.ReferencedRequestSequence = items


def _add_predecessor(document: Dataset, request: ReportRequest) -> None:
    old = request.predecessor
    if old is not None:
        instance = reference(old.sop_class_uid, old.sop_instance_uid)
        item = hierarchy(old.study_instance_uid, old.series_instance_uid, [instance])
        document.PredecessorDocumentsSequence = [item]
