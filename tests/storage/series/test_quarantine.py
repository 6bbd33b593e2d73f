"""What lies in quarantine is found by the series that it claims and by the series that holds its UIDs."""

import pytest

from storage.series.quarantine import (
    Contradiction,
    UnknownQuarantined,
    count_quarantined,
    get_quarantined,
    list_quarantined,
    list_quarantined_series,
)

FIRST, COPY = "1.2.1.1", "1.2.1.99"


@pytest.fixture
def copied(node):
    """Three slices, the same UIDs under another series, and one of them again with another header."""
    node.series(3)
    for number in range(1, 4):
        node.store(
            node.ct(SeriesInstanceUID=COPY, SOPInstanceUID=f"{FIRST}.{number}"), 10 + number, calling_ae="COPIER"
        )
    node.store(node.ct(SOPInstanceUID=f"{FIRST}.1", ImageComments="corrected"), 5, calling_ae="PACS")
    return node


def test_objects_are_listed_latest_first_with_the_series_that_holds_their_uid(copied):
    listed = list_quarantined(copied.db)
    assert [(item.sop_instance_uid, item.series_instance_uid, item.reason) for item in listed] == [
        (f"{FIRST}.3", COPY, Contradiction.OTHER_SERIES),
        (f"{FIRST}.2", COPY, Contradiction.OTHER_SERIES),
        (f"{FIRST}.1", COPY, Contradiction.OTHER_SERIES),
        (f"{FIRST}.1", FIRST, Contradiction.OTHER_BYTES),
    ]
    assert {item.held_by for item in listed} == {FIRST}
    assert (listed[-1].calling_ae, listed[-1].received_at) == ("PACS", copied.at(5))
    assert len(list_quarantined(copied.db, series_instance_uid=COPY, limit=2)) == 2


def test_objects_are_counted_for_a_series_and_altogether(copied):
    assert [count_quarantined(copied.db, uid) for uid in (FIRST, COPY, "9.9", None)] == [1, 3, 0, 4]


def test_series_are_listed_with_those_that_are_known_nowhere_else(copied):
    entries = list_quarantined_series(copied.db)
    assert [(item.series_instance_uid, item.count, item.known) for item in entries] == [
        (COPY, 3, False),
        (FIRST, 1, True),
    ]
    copy = entries[0]
    assert (copy.study_instance_uid, copy.calling_ae, copy.last_received_at) == ("1.2.1", "COPIER", copied.at(13))
    assert (copy.reasons, copy.held_by) == ((Contradiction.OTHER_SERIES,), (FIRST,))


def test_a_series_is_concerned_by_what_it_sent_and_by_what_has_its_uids(copied):
    assert {item.series_instance_uid for item in list_quarantined_series(copied.db, concerning=FIRST)} == {FIRST, COPY}
    assert [item.series_instance_uid for item in list_quarantined_series(copied.db, concerning=COPY)] == [COPY]
    assert list_quarantined_series(copied.db, concerning="9.9") == []


def test_a_number_that_is_not_there_is_said(copied):
    number = list_quarantined(copied.db)[0].id
    assert get_quarantined(copied.db, [number])[0].sop_instance_uid == f"{FIRST}.3"
    with pytest.raises(UnknownQuarantined, match="number 77"):
        get_quarantined(copied.db, [number, 77])
