"""A reader signs beside the running node: the PACS gets the verified report, and a late slice replaces it."""

from __future__ import annotations

from contextlib import closing

import pytest

from scoring.report.sr import reading
from scp.installation import Installation
from scp.reviewing.desk import Desk
from scp.reviewing.scans import Scans
from storage.database.opening import open_database
from storage.reviews.drafts import Author
from storage.series.states import State
from storage.series.store import open_store

pytestmark = pytest.mark.component

READER = Author("reader", "Dr. A. Reader")


def predecessor(document):
    (study,) = document.PredecessorDocumentsSequence
    return study.ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID


def test_a_signed_result_reaches_the_pacs_and_a_late_slice_replaces_it(
    patient, pacs, configured, run_node, scanner_of, state_of, eventually
):
    images = patient()
    uid, last = images[0].SeriesInstanceUID, images.pop()
    settings = configured({"PACS": pacs.port}, completion={"quiet_seconds": 1})
    with run_node(settings) as node, closing(open_database(settings)) as database:
        scanner = scanner_of(node)
        assert set(scanner.send(images)) == {0}
        eventually("the automatic result at the PACS", lambda: state_of(node, uid) == State.DELIVERED)

        # as the web process does: another connection to the same index
        desk = Desk(Installation(settings, database, open_store(settings, database)), Scans(2**30))
        seen = desk.show(uid)
        seen = desk.edit(uid, seen.revision, {"kind": "reject", "lesion": "1"}, READER)
        seen = desk.edit(uid, seen.revision, {"kind": "move", "lesion": "2", "artery": "LM"}, READER)
        assert desk.sign(uid, seen.revision, READER, person="reader") == 2
        eventually("the signed result at the PACS", lambda: len(pacs.received) == 2)
        eventually("its note", lambda: state_of(node, uid) == State.DELIVERED)

        automatic, signed = pacs.received
        assert (automatic.VerificationFlag, signed.VerificationFlag) == ("UNVERIFIED", "VERIFIED")
        assert str(signed.VerifyingObserverSequence[0].VerifyingObserverName) == "Dr. A. Reader^"
        assert predecessor(signed) == automatic.SOPInstanceUID
        assert reading.read(signed, "").agatston == seen.score.agatston.total
        assert seen.score.agatston.total < seen.opened.automatic.agatston.total

        assert scanner.send([last]) == [0]
        eventually("the next automatic result", lambda: len(pacs.received) == 3)
        third = pacs.received[2]
        assert (third.VerificationFlag, predecessor(third)) == ("UNVERIFIED", signed.SOPInstanceUID)
