"""Series that are scored and delivered, for the rules to find."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from storage.outbox import deliveries, outcomes, outgoing
from storage.outbox.deliveries import Document
from storage.series import documents, lifecycle, results
from storage.series.results import Report
from tests.storage.conftest import SR, Node, at, ct

LATER = at(0) + timedelta(days=40)
"""When everything that was made at the start is old."""


@pytest.fixture
def deliver(node: Node) -> Callable[..., str]:
    """Store, score, report and deliver a series; the last argument ends the deliveries."""

    def run(
        uid: str = "1.2.1.1", destinations: tuple[str, ...] = ("PACS",), end: Callable[..., Any] | None = None
    ) -> str:
        study = uid.rpartition(".")[0]
        node.series(3, uid, StudyInstanceUID=study, PatientID=f"P{study}")
        version = node.complete(uid, 10)
        assert version is not None
        lifecycle.start_scoring(node.db, uid, version, at(11))
        lifecycle.finish(node.db, uid, version, "{}", "scored", now=at(12))
        report = node.store(
            ct(
                SOPClassUID=SR,
                SOPInstanceUID=f"{uid}.99.1",
                SeriesInstanceUID=f"{uid}.99",
                StudyInstanceUID=study,
                Modality="SR",
            ),
            13,
            origin="made",
        )
        sop = f"{uid}.99.1"
        documents.note(node.db, sop, uid, version)
        results.set_report(node.db, uid, version, Report(SR, sop, f"{uid}.99"))
        outgoing.add(node.db, [Document(uid, version, sop, "sr", report.path)], destinations, at(14))
        for item in deliveries.list_deliveries(node.db, series_instance_uid=uid):
            (end or (lambda one: outcomes.mark_delivered(node.db, one, at(15))))(item.id)
        return uid

    return run
