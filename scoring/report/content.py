"""The content tree of the report: what was counted, in the words of TID 1500 (PS3.16)."""

from __future__ import annotations

import highdicom.sr as hd
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code
from pydicom.valuerep import DSfloat

from scoring.report import codes
from scoring.report.document import MANUFACTURER, Origin
from scoring.report.identifiers import DEVICE_UID, derived_uid, is_valid_uid
from scoring.report.request import ReportRequest
from scoring.report.text import NO_ARTERY, lesion_count, method, summary
from scoring.result import ARTERIES, Artery, ImageRef, Lesion, Score


def measurement_report(score: Score, origin: Origin, request: ReportRequest) -> Dataset:
    """Root container of TID 1500: device, summary, then one measurement group for the tree, each artery, each lesion.

    The summary follows the procedure, so that a viewer shows the whole answer before its parts.
    """
    groups = [_tree(score, origin)]
    groups += [_artery(score, artery, origin) for artery in ARTERIES]
    groups += [_lesion(score, lesion, origin) for lesion in score.lesions]
    report = hd.MeasurementReport(
        observation_context=hd.ObservationContext(observer_device_context=_device(score, request)),
        procedure_reported=codes.PROCEDURE,
        imaging_measurements=groups,
        title=codes.TITLE,
        language_of_content_item_and_descendants=hd.LanguageOfContentItemAndDescendants(_concept(codes.LANGUAGE)),
    )
    root: Dataset = report[0]
    items = root.ContentSequence
    items.insert(len(items) - 1, _text(codes.SUMMARY, summary(score, request)))
    # Continuous content is shown as running text, where a number loses its name.
    for container in (root, items[-1], *(group[0] for group in groups)):
        container.ContinuityOfContent = "SEPARATE"
    return root


def _device(score: Score, request: ReportRequest) -> hd.ObserverContext:
    """TID 1004: the installation and its software."""
    origin = score.provenance
    return hd.ObserverContext(
        observer_type=_concept(codes.DEVICE),
        observer_identifying_attributes=hd.DeviceObserverIdentifyingAttributes(
            uid=request.device_uid or DEVICE_UID,
            name="CORONODE",
            manufacturer_name=MANUFACTURER,
            model_name=f"{origin.software} {origin.version}",
        ),
    )


def _algorithm(score: Score, *, parameters: bool) -> hd.AlgorithmIdentification:
    origin = score.provenance
    return hd.AlgorithmIdentification(
        name=origin.software, version=origin.version, parameters=method(score) if parameters else None
    )


def _tree(score: Score, origin: Origin) -> hd.MeasurementsAndQualitativeEvaluations:
    """All coronary arteries: totals, category, method."""
    measurements = _calcium(score, None, codes.TOTAL)
    if score.agatston_range is not None:
        low, high = score.agatston_range
        measurements.append(_agatston(codes.INTERVAL_LOW, low))
        measurements.append(_agatston(codes.INTERVAL_HIGH, high))
    diseased = sum(lesion_count(score, artery) > 0 for artery in ARTERIES)
    measurements.append(_number(codes.DISEASED_TERRITORIES, diseased, codes.TERRITORIES))
    measurements.append(_number(codes.THRESHOLD, score.provenance.threshold_hu, codes.HOUNSFIELD))
    if score.provenance.mass_factor is not None:
        measurements.append(_number(codes.CALIBRATION, score.provenance.mass_factor, codes.MASS_FACTOR, digits=4))
    evaluations = []
    if score.category is not None:
        evaluations.append(hd.QualitativeEvaluation(codes.RISK_NAME, codes.RISK[score.category]))
        evaluations.append(hd.QualitativeEvaluation(codes.CATEGORY_NAME, codes.category_code(score.category)))
    if score.cac_drs:
        evaluations.append(hd.QualitativeEvaluation(codes.CAC_DRS_NAME, codes.cac_drs_code(score.cac_drs)))
    group = hd.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking("All coronary arteries", origin),
        finding_type=codes.CALCIFICATION,
        finding_sites=[hd.FindingSite(_site(None))],
        algorithm_id=_algorithm(score, parameters=True),
        measurements=measurements,
        qualitative_evaluations=evaluations,
    )
    for flag in score.flags:
        group[0].ContentSequence.append(_text(codes.FLAG_NAME, f"{flag.severity}: {flag.message} [{flag.code}]"))
    return group


def _artery(score: Score, artery: Artery, origin: Origin) -> hd.MeasurementsAndQualitativeEvaluations:
    return hd.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(artery, origin),
        finding_type=codes.CALCIFICATION,
        finding_sites=[hd.FindingSite(_site(artery))],
        algorithm_id=_algorithm(score, parameters=False),
        measurements=_calcium(score, artery, None),
    )


def _lesion(score: Score, lesion: Lesion, origin: Origin) -> hd.MeasurementsAndQualitativeEvaluations:
    measurements = [_agatston(codes.AGATSTON, lesion.agatston)]
    measurements.append(_number(codes.VOLUME, lesion.volume_mm3, codes.CUBIC_MILLIMETRE))
    if lesion.mass_mg is not None:
        measurements.append(_number(codes.MASS, lesion.mass_mg, codes.MILLIGRAM))
    measurements.append(_number(codes.MEAN_ATTENUATION, lesion.mean_hu, codes.HOUNSFIELD, digits=1))
    measurements.append(_number(codes.MAXIMUM_ATTENUATION, lesion.max_hu, codes.HOUNSFIELD, digits=1))
    measurements.append(_number(codes.CERTAINTY, lesion.confidence * 100, codes.PERCENT, digits=0))
    group = hd.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(f"Lesion {lesion.id}, {lesion.artery or NO_ARTERY}", origin),
        finding_type=codes.CALCIFICATION,
        finding_sites=[hd.FindingSite(_site(lesion.artery))],
        algorithm_id=_algorithm(score, parameters=False),
        measurements=measurements,
    )
    group[0].ContentSequence.extend(_image(image, origin) for image in lesion.images)
    return group


def _image(image: ImageRef, origin: Origin) -> hd.ContentItem:
    """A slice with the lesion; as text where its UID is invalid, because readers refuse it in a content tree.

    The evidence names the instance in either case, where readers only warn.
    """
    if not is_valid_uid(image.sop_instance_uid):
        frame = "" if image.frame is None else f", frame {image.frame}"
        return _text(codes.SOURCE_IMAGE_NAME, f"{image.sop_instance_uid}{frame}")
    return hd.SourceImageForMeasurementGroup(
        origin.sop_class_uid,
        image.sop_instance_uid,
        referenced_frame_numbers=None if image.frame is None else [image.frame],
    )


def _calcium(score: Score, artery: Artery | None, derivation: Code | None) -> list[hd.Measurement]:
    """Agatston, volume, mass and number of lesions of one artery, or of all."""

    def of(values: object) -> float:
        return float(getattr(values, artery or "total"))

    measurements = [_agatston(codes.AGATSTON, of(score.agatston), derivation)]
    if score.volume_mm3 is not None:
        measurements.append(_number(codes.VOLUME, of(score.volume_mm3), codes.CUBIC_MILLIMETRE, derivation))
    if score.mass_mg is not None:
        measurements.append(_number(codes.MASS, of(score.mass_mg), codes.MILLIGRAM, derivation))
    measurements.append(_number(codes.NUMBER_OF_LESIONS, lesion_count(score, artery), codes.LESIONS, derivation))
    return measurements


def _agatston(name: Code, value: float, derivation: Code | None = None) -> hd.Measurement:
    return _rounded(
        hd.Measurement(name, float(value), codes.NO_UNITS, method=codes.AGATSTON_METHOD, derivation=derivation), 2
    )


def _number(name: Code, value: float, unit: Code, derivation: Code | None = None, *, digits: int = 2) -> hd.Measurement:
    exact = value if isinstance(value, int) else float(value)
    return _rounded(hd.Measurement(name, exact, unit, derivation=derivation), digits)


def _rounded(measurement: hd.Measurement, digits: int) -> hd.Measurement:
    """Numeric Value as a person reads it; Floating Point Value (0040,A161) keeps the exact number where it differs."""
    item = measurement[0].MeasuredValueSequence[0]
    exact = item.get("FloatingPointValue", item.NumericValue)
    shown = f"{exact:.{digits}f}"
    item.NumericValue = DSfloat(shown.rstrip("0").rstrip(".") if "." in shown else shown)
    if float(shown) == exact and "FloatingPointValue" in item:
        del item.FloatingPointValue
    return measurement


def _site(artery: Artery | None) -> Code:
    return codes.CORONARY_ARTERY if artery is None else codes.ARTERY[artery]


def _concept(code: Code) -> hd.CodedConcept:
    return hd.CodedConcept.from_code(code)


def _tracking(identifier: str, origin: Origin) -> hd.TrackingIdentifier:
    return hd.TrackingIdentifier(uid=derived_uid(origin.series_uid, "tracking", identifier), identifier=identifier)


def _text(name: Code, value: str) -> hd.TextContentItem:
    return hd.TextContentItem(name=name, value=value, relationship_type=hd.RelationshipTypeValues.CONTAINS)
