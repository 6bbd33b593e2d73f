"""The content tree of the report as TID 3900, CT/MR Cardiovascular Analysis Report (PS3.16).

Cardiovascular Analysis Report                  TID 3900
Current Procedure Descriptions
Summary
Findings (Vascular Morphological Analysis)    TID 3902
Coronary artery                             TID 3906
Findings (all arteries), Findings (LM) ...  with calcium scores, TID 3905
Findings (one lesion) ...
Comparison with the earlier scan
"""

from __future__ import annotations

from collections.abc import Sequence

import highdicom.sr as hd
from pydicom.dataset import Dataset

from dicom.coding import Code
from scoring.report.common import context
from scoring.report.common.document import Origin
from scoring.report.common.request import ReportRequest
from scoring.report.common.texts import Texts
from scoring.report.common.words import NO_ARTERY, method, summary, technique
from scoring.report.sr import codes, items, measurement_report, quantities, statements
from scoring.report.sr.quantities import Quantity
from scoring.result import ARTERIES, Artery, Change, Lesion, Score


def cardiovascular_report(score: Score, origin: Origin, request: ReportRequest, texts: Texts) -> Dataset:
    """Root container of TID 3900: the same facts as in TID 1500, artery by artery, lesions below their artery."""
    below: list[hd.ContentItem] = [
        *measurement_report.language(request),
        items.coded(codes.PROCEDURE_REPORTED, codes.CALCIUM_SCORING_PROCEDURE, items.Relationship.HAS_CONCEPT_MOD),
        *(measurement_report.person(score) or ()),
        *measurement_report.device(score, request),
        items.container(
            codes.PROCEDURE_SUMMARY,
            [items.text(codes.PROCEDURE_DESCRIPTION, technique(score.series, texts)), items.acquisition(score)],
        ),
        items.text(codes.SUMMARY, summary(score, request, texts)),
        _analysis(score, origin, texts),
    ]
    return items.container(codes.CARDIOVASCULAR_TITLE, below, template="3900", root=True)


def _analysis(score: Score, origin: Origin, texts: Texts) -> hd.ContentItem:
    """TID 3902 with the coronary arteries as its one section (TID 3906)."""
    findings = [_tree(score, origin, texts)]
    if score.status == "scored":
        findings += [_artery(score, artery, origin) for artery in ARTERIES]
        findings += [_lesion(lesion, origin) for lesion in score.lesions if lesion.artery is None]
    below: list[hd.ContentItem] = [
        items.coded(codes.ANALYSIS_PERFORMED, codes.VASCULAR_MORPHOLOGY, items.Relationship.HAS_CONCEPT_MOD),
        items.container(codes.CORONARY_ARTERY, findings),
    ]
    if score.change is not None:
        below.append(_comparison(score, score.change, texts))
    return items.container(codes.FINDINGS, below)


def _tree(score: Score, origin: Origin, texts: Texts) -> hd.ContentItem:
    below: list[hd.ContentItem] = []
    if score.status == "scored":
        below += _calcium(score, None)
        own = [*quantities.interval(score), quantities.territories(score), *quantities.risk(score)]
        below += [items.number(quantity) for quantity in own]
    below += [items.coded(name, value) for name, value in statements.evaluations(score)]
    below += [items.text(name, value) for name, value in statements.notes(score, texts)]
    head = [
        *measurement_report.algorithm(score, method(score, texts)),
        *measurement_report.tracking("All coronary arteries", origin),
    ]
    return _findings(codes.CORONARY_ARTERY, [*head, *below])


def _artery(score: Score, artery: Artery, origin: Origin) -> hd.ContentItem:
    lesions = [_lesion(lesion, origin) for lesion in score.lesions if lesion.artery == artery]
    below = [*measurement_report.tracking(artery, origin), *_calcium(score, artery), *lesions]
    return _findings(codes.ARTERY[artery], below)


def _lesion(lesion: Lesion, origin: Origin) -> hd.ContentItem:
    below: list[hd.ContentItem] = [
        *measurement_report.tracking(f"Lesion {lesion.id}, {lesion.artery or NO_ARTERY}", origin)
    ]
    below += [items.image(codes.BEST_ILLUSTRATION, image, origin) for image in lesion.images]
    below += [items.number(quantity) for quantity in quantities.of_lesion(lesion)]
    return _findings(codes.CORONARY_ARTERY if lesion.artery is None else codes.ARTERY[lesion.artery], below)


def _calcium(score: Score, artery: Artery | None) -> list[hd.ContentItem]:
    """TID 3905: each score with what it was inferred from, the total also with its rank among other people."""
    calibration = quantities.calibration(score)
    sources: dict[Code, Quantity | None] = {codes.AGATSTON: quantities.threshold(score), codes.MASS: calibration}
    content: list[hd.ContentItem] = []
    for quantity in quantities.calcium(score, artery):
        below: list[hd.ContentItem] = []
        if artery is None:
            below.append(items.coded(codes.DERIVATION, codes.TOTAL, items.Relationship.HAS_CONCEPT_MOD))
        source = sources.get(quantity.name)
        if source is not None:
            below.append(items.number(source, relationship=items.Relationship.INFERRED_FROM))
        if artery is None and quantity.name == codes.AGATSTON and score.percentile is not None:
            below = [*below, *items.rank(score.percentile)]
        content.append(items.number(quantity, below))
    return content


def _comparison(score: Score, change: Change, texts: Texts) -> hd.ContentItem:
    below: list[hd.ContentItem] = [items.number(quantity) for quantity in quantities.change(change)]
    below += [items.coded(name, value) for name, value in statements.verdicts(change)]
    below.append(items.text(codes.CHANGE_NAME, "\n".join(context.change(score, texts))))
    return items.container(codes.COMPARISON, [*below, *measurement_report.refer_to_earlier(change)])


def _findings(site: Code, below: Sequence[hd.ContentItem]) -> hd.ContentItem:
    where = items.coded(codes.FINDING_SITE, site, items.Relationship.HAS_CONCEPT_MOD)
    return items.container(codes.FINDINGS, [where, *below])
