"""A Modality Performed Procedure Step as scanners send it (PS3.4 table F.7.2-1), read as tolerantly as it makes sense.

Nothing of the patient is read. Of the attributes of type 1, those that the node does not need may be missing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Final

from pydicom.dataset import Dataset

from config.errors import Rejected
from dicom import elements, status
from dicom.printable import make_printable
from dicom.sop_classes import IMAGE_STORAGE
from dicom.uids import is_keepable_uid
from storage.series.step_changes import Changes
from storage.series.steps import Images, Reason, Step, StepState

MOST_SERIES: Final = 1000

_STATUS: Final = "Performed Procedure Step Status"
_CODES: Final = ("CodeValue", "LongCodeValue", "URNCodeValue")
_REFERENCES: Final = ("ReferencedImageSequence", "ReferencedNonImageCompositeSOPInstanceSequence")
"""The distinction between the two has no meaning (PS3.4 F.7.2.2.2, note 2)."""


def read_step(dataset: Dataset, sop_instance_uid: str, calling_ae: str) -> tuple[Step, frozenset[str], Images]:
    """Read an N-CREATE: the step, its studies, and the series that it names already.

    Raises Rejected: 0120 or 0121 without status or study, 0106 for a status other than IN PROGRESS (F.7.2.1.3), 0213.
    """
    if _read_state(dataset) != StepState.IN_PROGRESS:
        raise Rejected(status.INVALID_ATTRIBUTE_VALUE, f"{_STATUS} must be IN PROGRESS")
    step = Step(
        sop_instance_uid,
        modality=elements.text(dataset, "Modality").upper(),
        station_ae=elements.text(dataset, "PerformedStationAETitle"),
        started=_read_moment(dataset, "Start"),
        calling_ae=calling_ae,
    )
    return step, _read_studies(dataset), read_series(dataset)


def read_changes(dataset: Dataset) -> Changes:
    """Read an N-SET; attributes that it may not set are left out. Raises Rejected: 0106 for an unknown status, 0213."""
    return Changes(
        state=_read_state(dataset) if "PerformedProcedureStepStatus" in dataset else StepState.IN_PROGRESS,
        ended=_read_moment(dataset, "End"),
        series=read_series(dataset) if _has_items(dataset, "PerformedSeriesSequence") else None,
        reason=_read_reason(dataset),
    )


def read_series(dataset: Dataset) -> Images:
    """Read the CT images of each performed series; a series that is repeated has the images of all its items.

    Left out are an item without a Series Instance UID, and an image under a UID that could not be stored. Raises
    Rejected (0213) for more than `MOST_SERIES`.
    """
    series: defaultdict[str, set[str]] = defaultdict(set)
    for item in _list_items(dataset, "PerformedSeriesSequence"):
        series_instance_uid = elements.text(item, "SeriesInstanceUID")
        if is_keepable_uid(series_instance_uid):
            series[series_instance_uid].update(_read_images(item))
        if len(series) > MOST_SERIES:
            raise Rejected(status.RESOURCE_LIMITATION, f"a procedure step of more than {MOST_SERIES} series")
    return {uid: frozenset(images) for uid, images in series.items()}


def _read_images(item: Dataset) -> Collection[str]:
    """Read what can be scored; dose reports and whatever else a series may hold are not waited for.

    None where a UID stands twice: such a scanner numbers its images wrongly, and the first would seem to be all.
    """
    found = [
        sop_instance_uid
        for keyword in _REFERENCES
        for reference in _list_items(item, keyword)
        if elements.text(reference, "ReferencedSOPClassUID") in (*IMAGE_STORAGE, "")
        and is_keepable_uid(sop_instance_uid := elements.text(reference, "ReferencedSOPInstanceUID"))
    ]
    distinct = set(found)
    return distinct if len(distinct) == len(found) else ()


def _read_state(dataset: Dataset) -> StepState:
    if "PerformedProcedureStepStatus" not in dataset:
        raise Rejected(status.MISSING_ATTRIBUTE, f"{_STATUS} is missing")
    value = elements.text(dataset, "PerformedProcedureStepStatus").upper()
    if not value:
        raise Rejected(status.MISSING_ATTRIBUTE_VALUE, f"{_STATUS} is empty")
    try:
        return StepState(value)
    except ValueError:
        raise Rejected(status.INVALID_ATTRIBUTE_VALUE, f"{_STATUS} is none of {', '.join(StepState)}") from None


def _read_studies(dataset: Dataset) -> frozenset[str]:
    """Read the studies of the scheduled steps, several where one step answers several requests."""
    scheduled = _list_items(dataset, "ScheduledStepAttributesSequence")
    found = {elements.text(item, "StudyInstanceUID") for item in scheduled}
    studies = frozenset(filter(is_keepable_uid, found))
    if not studies:
        is_there = any("StudyInstanceUID" in item for item in scheduled)
        code = status.MISSING_ATTRIBUTE_VALUE if is_there else status.MISSING_ATTRIBUTE
        raise Rejected(code, "Study Instance UID in Scheduled Step Attributes is missing")
    return studies


def _read_reason(dataset: Dataset) -> Reason | None:
    item = elements.inner(dataset, "PerformedProcedureStepDiscontinuationReasonCodeSequence")
    if item is None:
        return None
    code = next(filter(None, (elements.text(item, keyword) for keyword in _CODES)), "")
    scheme, meaning = elements.text(item, "CodingSchemeDesignator"), elements.text(item, "CodeMeaning")
    return Reason(*(make_printable(words, " ").strip() for words in (code, scheme, meaning)))


def _read_moment(dataset: Dataset, which: str) -> str:
    """Read date and time of the start or the end, as they are written."""
    parts = (elements.text(dataset, f"PerformedProcedureStep{which}{part}") for part in ("Date", "Time"))
    return " ".join(filter(None, parts))


def _has_items(dataset: Dataset, keyword: str) -> bool:
    return bool(_list_items(dataset, keyword))


def _list_items(dataset: Dataset, keyword: str) -> Sequence[Dataset]:
    sequence = elements.value(dataset, keyword)
    return sequence if isinstance(sequence, Sequence) and not isinstance(sequence, str) else ()
