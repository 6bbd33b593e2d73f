"""Content items as the templates require them, from quantities, codes and text (PS3.3 C.17.3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import highdicom.sr as hd
from pydicom.dataset import Dataset
from pydicom.valuerep import DSfloat

from dicom.coding import Code
from dicom.legible import clean_paragraphs
from dicom.uids import is_valid_uid
from scoring.report.common.context import population
from scoring.report.common.document import Origin
from scoring.report.sr import codes, technique
from scoring.report.sr.quantities import Quantity
from scoring.result import ImageRef, Percentile, Score

Relationship = hd.RelationshipTypeValues


def concept(code: Code) -> hd.CodedConcept:
    """A code as highdicom represents it."""
    return hd.CodedConcept(code.value, code.scheme_designator, code.meaning)


def text(name: Code, value: str, relationship: Relationship = Relationship.CONTAINS) -> hd.TextContentItem:
    """TEXT without control characters; its container contains it unless another relationship is named."""
    return hd.TextContentItem(name=concept(name), value=clean_paragraphs(value), relationship_type=relationship)


def coded(name: Code, value: Code, relationship: Relationship = Relationship.CONTAINS) -> hd.CodeContentItem:
    """CODE."""
    return hd.CodeContentItem(name=concept(name), value=concept(value), relationship_type=relationship)


def uid(name: Code, value: str) -> hd.UIDRefContentItem | hd.TextContentItem:
    """UIDREF, or TEXT where the UID is invalid, which readers refuse."""
    if not is_valid_uid(value):
        return text(name, value)
    return hd.UIDRefContentItem(name=concept(name), value=value, relationship_type=Relationship.CONTAINS)


def image(
    name: Code | None, shown: ImageRef, origin: Origin
) -> hd.SourceImageForMeasurementGroup | hd.ImageContentItem | hd.TextContentItem:
    """IMAGE of a slice, named or as source of a measurement group; TEXT where its UID is invalid.

    The evidence names the instance in either case, where readers only warn.
    """
    frames = None if shown.frame is None else [shown.frame]
    if not is_valid_uid(shown.sop_instance_uid):
        frame = "" if frames is None else f", frame {shown.frame}"
        return text(codes.SOURCE_IMAGE_NAME, f"{shown.sop_instance_uid}{frame}")
    if name is None:
        return hd.SourceImageForMeasurementGroup(origin.sop_class_uid, shown.sop_instance_uid, frames)
    return hd.ImageContentItem(
        concept(name), origin.sop_class_uid, shown.sop_instance_uid, frames, relationship_type=Relationship.CONTAINS
    )


def container(
    name: Code, children: Sequence[hd.ContentItem], *, template: str | None = None, root: bool = False
) -> hd.ContainerContentItem:
    """CONTAINER with separate content: continuous content is shown as running text, without the names of numbers."""
    item = hd.ContainerContentItem(
        name=concept(name),
        is_content_continuous=False,
        template_id=template,
        relationship_type=None if root else Relationship.CONTAINS,
    )
    item.ContentSequence = hd.ContentSequence(list(children))
    return item


def acquisition(score: Score) -> hd.ContainerContentItem:
    """CT Acquisition Parameters (113822, DCM): the technique of the images."""
    below: list[hd.ContentItem] = [text(name, value) for name, value in technique.names(score.series)]
    below += [number(quantity) for quantity in technique.numbers(score.series, score.provenance.slab_mm)]
    below.append(coded(*technique.gating(score.series)))
    return container(codes.CT_ACQUISITION_PARAMETERS, below)


def measurement(
    quantity: Quantity, derivation: Code | None = None, percentile: Percentile | None = None
) -> hd.Measurement:
    """TID 300 with the percentile in its population as property of the measurement (TID 310, 311)."""
    properties = None
    if percentile is not None:
        properties = hd.MeasurementProperties(measurement_statistical_properties=rank(percentile))
    content = hd.Measurement(
        concept(quantity.name),
        _exact(quantity),
        concept(quantity.unit),
        derivation=None if derivation is None else concept(derivation),
        method=None if quantity.method is None else concept(quantity.method),
        properties=properties,
    )
    _round(content[0], quantity.digits)
    return content


def number(
    quantity: Quantity, children: Iterable[hd.ContentItem] = (), relationship: Relationship = Relationship.CONTAINS
) -> hd.NumContentItem:
    """NUM with its method and whatever else modifies or explains it."""
    item = hd.NumContentItem(
        name=concept(quantity.name), value=_exact(quantity), unit=concept(quantity.unit), relationship_type=relationship
    )
    _round(item, quantity.digits)
    below = list(children)
    if quantity.method is not None:
        below.insert(0, coded(codes.MEASUREMENT_METHOD, quantity.method, Relationship.HAS_CONCEPT_MOD))
    if below:
        item.ContentSequence = hd.ContentSequence(below)
    return item


def rank(percentile: Percentile) -> hd.MeasurementStatisticalProperties:
    """TID 311: Percentile Ranking of measurement (121415, DCM), where there is an estimate, population and source."""
    values = []
    if percentile.estimate is not None:
        quantity = Quantity(codes.PERCENTILE, percentile.estimate, codes.PERCENT, digits=0)
        values.append(number(quantity, relationship=Relationship.HAS_PROPERTIES))
    return hd.MeasurementStatisticalProperties(values, population(percentile), percentile.citation)


def _exact(quantity: Quantity) -> int | float:
    return quantity.value if isinstance(quantity.value, int) else float(quantity.value)


def _round(item: Dataset, digits: int) -> None:
    """Numeric Value as a person reads it; Floating Point Value (0040,A161) keeps the exact number where it differs."""
    value = item.MeasuredValueSequence[0]
    exact = value.get("FloatingPointValue", value.NumericValue)
    shown = f"{exact:.{digits}f}"
    value.NumericValue = DSfloat(shown.rstrip("0").rstrip(".") if "." in shown else shown)
    if float(shown) == exact and "FloatingPointValue" in value:
        del value.FloatingPointValue
