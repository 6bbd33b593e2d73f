"""Who answers for a result: nobody yet, or the reader who has signed it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from pydicom.dataset import Dataset

from dicom.elements import text
from dicom.legible import clean_line
from dicom.names import fit_name
from scoring.report.common.document import local_time
from scoring.report.common.request import ReportRequest
from scoring.report.common.texts import Texts
from scoring.result import Review, Score

LONGEST_ORGANIZATION: Final = 64
UNKNOWN_ORGANIZATION: Final = "not stated"
"""Verifying Organization (0040,A027) is type 1: this where neither the site nor the images name an institution."""

_DELIMITERS: Final = re.compile(r"[\\^=]+")
_CHANGES: Final = ("rejected", "accepted", "added", "moved", "trimmed", "split")


def confirmation(score: Score, texts: Texts, *, dated: bool = True) -> str:
    """The sentence on every page: that a physician has to confirm the result, or who has signed it and when."""
    review = score.review
    if review is None:
        return texts("report.confirm")
    if not dated:
        return texts("report.reviewed_undated", reader=review.reader)
    return texts("report.reviewed", reader=review.reader, date=texts.date(signed_on(review)))


def changes(review: Review, texts: Texts) -> str:
    """What the reader changed about the automatic result, in one sentence."""
    if review.is_unchanged:
        return texts("report.unchanged", automatic=review.automatic_agatston)
    return texts("report.changed", automatic=review.automatic_agatston, changes="; ".join(_list_changes(review, texts)))


def _list_changes(review: Review, texts: Texts) -> Iterator[str]:
    for name in _CHANGES:
        count: int = getattr(review, name)
        if count:
            yield texts(f"report.changed_{name}", count=count)


def signed_on(review: Review) -> str:
    """The day of the signature, where the node is, as YYYY-MM-DD."""
    return review.signed_at[:10]


def person_name(review: Review) -> str:
    """The reader's name as a Person Name (PS3.5 6.2): all of it as the family name, since its parts are not known."""
    name = " ".join(_DELIMITERS.sub(" ", clean_line(review.reader)).split())
    # the delimiter says that the name was meant to have one component
    return fit_name(f"{name[:63]}^")[0]


def organization(request: ReportRequest, source: Dataset) -> str:
    """The organization that a reader signs for: the site's institution, else that of the images."""
    stated = request.institution or text(source, "InstitutionName")
    name = " ".join(clean_line(stated).replace("\\", " ").split())
    return name[:LONGEST_ORGANIZATION] or UNKNOWN_ORGANIZATION


def verify(document: Dataset, review: Review, request: ReportRequest, source: Dataset) -> None:
    """Mark an SR document as verified by the reader, and final (PS3.3 C.17.2, table C.17-2)."""
    observer = Dataset()
    observer.VerifyingObserverName = person_name(review)
    observer.VerifyingObserverIdentificationCodeSequence = []
    observer.VerifyingOrganization = organization(request, source)
    moment = local_time(document, datetime.fromisoformat(review.signed_at))
    observer.VerificationDateTime = moment.strftime("%Y%m%d%H%M%S%z")
    document.VerificationFlag = "VERIFIED"
    document.VerifyingObserverSequence = [observer]
    document.PreliminaryFlag = "FINAL"
