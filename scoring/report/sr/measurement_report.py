"""The content tree of the report as TID 1500, Measurement Report (PS3.16)."""

from __future__ import annotations

from collections.abc import Sequence

import highdicom.sr as hd
from pydicom.dataset import Dataset

from dicom.legible import clean_line
from dicom.uids import derived_uid
from scoring.report.common import context
from scoring.report.common.document import MANUFACTURER, Origin
from scoring.report.common.identifiers import DEVICE_UID
from scoring.report.common.request import ReportRequest
from scoring.report.common.signature import person_name
from scoring.report.common.texts import Texts
from scoring.report.common.words import NO_ARTERY, method, summary
from scoring.report.sr import codes, items, quantities, statements
from scoring.result import ARTERIES, Artery, Change, Lesion, Score

Group = hd.MeasurementsAndQualitativeEvaluations


def measurement_report(score: Score, origin: Origin, request: ReportRequest, texts: Texts) -> Dataset:
    """Root container of TID 1500: device, summary, then one measurement group for the tree, each artery, each lesion.

    The summary follows the procedure, so that a viewer shows the whole answer before its parts; then come the
    acquisition parameters, which the template (extensible) leaves room for. The comparison with an
    earlier scan is a group of its own. Without a score there is one group: the images, and why they give none.
    """
    groups = [_tree(score, origin, texts)]
    if score.status == "scored":
        if score.change is not None:
            groups.append(_change(score, score.change, origin, texts))
        groups += [_artery(score, artery, origin) for artery in ARTERIES]
        groups += [_lesion(score, lesion, origin) for lesion in score.lesions]
    report = hd.MeasurementReport(
        observation_context=hd.ObservationContext(
            observer_person_context=person(score), observer_device_context=device(score, request)
        ),
        procedure_reported=items.concept(codes.PROCEDURE),
        imaging_measurements=groups,
        title=items.concept(codes.TITLE),
        language_of_content_item_and_descendants=language(request),
    )
    root: Dataset = report[0]
    children = root.ContentSequence
    for item in (items.text(codes.SUMMARY, summary(score, request, texts)), items.acquisition(score)):
        children.insert(len(children) - 1, item)
    # Continuous content is shown as running text, without the names of numbers.
    for container in (root, children[-1], *(group[0] for group in groups)):
        container.ContinuityOfContent = "SEPARATE"
    return root


def device(score: Score, request: ReportRequest) -> hd.ObserverContext:
    """TID 1004: the installation and its software."""
    origin = score.provenance
    return hd.ObserverContext(
        observer_type=items.concept(codes.DEVICE),
        observer_identifying_attributes=hd.DeviceObserverIdentifyingAttributes(
            uid=request.device_uid or DEVICE_UID,
            name="CORONODE",
            manufacturer_name=MANUFACTURER,
            model_name=f"{origin.software} {origin.version}",
        ),
    )


def person(score: Score) -> hd.ObserverContext | None:
    """TID 1003: the reader who has signed the result, None while nobody has."""
    review = score.review
    if review is None:
        return None
    return hd.ObserverContext(
        observer_type=items.concept(codes.PERSON),
        observer_identifying_attributes=hd.PersonObserverIdentifyingAttributes(
            name=person_name(review), login_name=clean_line(review.account) or None
        ),
    )


def language(request: ReportRequest) -> hd.LanguageOfContentItemAndDescendants:
    """TID 1204: the language of the sentences."""
    return hd.LanguageOfContentItemAndDescendants(items.concept(codes.LANGUAGES[request.language]))


def algorithm(score: Score, parameters: Sequence[str] = ()) -> hd.AlgorithmIdentification:
    """TID 4019: name, version and parameters, one a line."""
    origin = score.provenance
    return hd.AlgorithmIdentification(name=origin.software, version=origin.version, parameters=parameters or None)


def tracking(identifier: str, origin: Origin) -> hd.TrackingIdentifier:
    """Name of a group, and a UID that every version of the report gives it."""
    return hd.TrackingIdentifier(
        uid=derived_uid(origin.series_instance_uid, "tracking", identifier), identifier=identifier
    )


def _tree(score: Score, origin: Origin, texts: Texts) -> Group:
    """All coronary arteries: totals, interval, category, risk, method, quality."""
    measurements = []
    if score.status == "scored":
        for quantity in quantities.calcium(score, None):
            percentile = score.percentile if quantity.name == codes.AGATSTON else None
            measurements.append(items.measurement(quantity, codes.TOTAL, percentile))
        own = [*quantities.interval(score), quantities.territories(score), quantities.threshold(score)]
        calibration = quantities.calibration(score)
        own += [] if calibration is None else [calibration]
        own += quantities.risk(score)
        measurements += [items.measurement(quantity) for quantity in own]
    group = _group(
        "All coronary arteries",
        None,
        score,
        origin,
        measurements,
        statements.evaluations(score),
        parameters=method(score, texts),
    )
    group[0].ContentSequence.extend(items.text(name, value) for name, value in statements.notes(score, texts))
    return group


def _change(score: Score, change: Change, origin: Origin, texts: Texts) -> Group:
    """The comparison with the earlier scan."""
    measurements = [items.measurement(quantity) for quantity in quantities.change(change)]
    group = _group(f"Change since {change.date}", None, score, origin, measurements, statements.verdicts(change))
    children = group[0].ContentSequence
    children.append(items.text(codes.CHANGE_NAME, "\n".join(context.change(score, texts))))
    children.extend(refer_to_earlier(change))
    return group


def refer_to_earlier(change: Change) -> list[hd.ContentItem]:
    """Study and report of the scan that was compared, where they are known."""
    compared = next((item for item in reversed(change.history) if item.date == change.date), None)
    if compared is None:
        return []
    named = ((codes.EARLIER_STUDY, compared.study_instance_uid), (codes.EARLIER_REPORT, compared.sop_instance_uid))
    return [items.uid(name, value) for name, value in named if value]


def _artery(score: Score, artery: Artery, origin: Origin) -> Group:
    measurements = [items.measurement(quantity) for quantity in quantities.calcium(score, artery)]
    return _group(artery, artery, score, origin, measurements)


def _lesion(score: Score, lesion: Lesion, origin: Origin) -> Group:
    measurements = [items.measurement(quantity) for quantity in quantities.of_lesion(lesion)]
    group = _group(f"Lesion {lesion.id}, {lesion.artery or NO_ARTERY}", lesion.artery, score, origin, measurements)
    group[0].ContentSequence.extend(items.image(None, image, origin) for image in lesion.images)
    return group


def _group(
    name: str,
    artery: Artery | None,
    score: Score,
    origin: Origin,
    measurements: Sequence[hd.Measurement],
    evaluations: Sequence[statements.Evaluation] = (),
    parameters: Sequence[str] = (),
) -> Group:
    """TID 1501. Only the first group states the method, which the others share."""
    site = codes.CORONARY_ARTERY if artery is None else codes.ARTERY[artery]
    return Group(
        tracking_identifier=tracking(name, origin),
        finding_type=items.concept(codes.CALCIFICATION),
        finding_sites=[hd.FindingSite(items.concept(site))],
        algorithm_id=algorithm(score, parameters),
        measurements=measurements,
        qualitative_evaluations=[
            hd.QualitativeEvaluation(items.concept(name), items.concept(value)) for name, value in evaluations
        ],
    )
