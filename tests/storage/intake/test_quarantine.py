"""What contradicts a stored object says how, by what the two headers show."""

import pytest

from storage.intake.arrivals import Arrival
from storage.intake.quarantine import Holder, compare
from storage.objects.header import InstanceHeader
from storage.objects.incoming import StoredFile
from storage.series.quarantine import Contradiction

EXPLICIT, JPEG_LS = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.80"
FIRST = {"ImagePositionPatient": [-100.0, -100.0, 30.0], "InstanceNumber": 7}


@pytest.mark.parametrize(
    ("changes", "syntax", "reason"),
    [
        ({}, EXPLICIT, Contradiction.OTHER_BYTES),
        ({"InstanceNumber": 8}, EXPLICIT, Contradiction.OTHER_BYTES),
        ({"ImagePositionPatient": "-1.0E2\\-100\\30.000"}, EXPLICIT, Contradiction.OTHER_BYTES),
        ({}, JPEG_LS, Contradiction.OTHER_ENCODING),
        ({"ImagePositionPatient": [-100.0, -100.0, 33.0]}, EXPLICIT, Contradiction.REPEATED_UID),
        ({"ImagePositionPatient": [-100.0, -100.0, 33.0]}, JPEG_LS, Contradiction.REPEATED_UID),
        ({"ImagePositionPatient": None, "InstanceNumber": 8}, EXPLICIT, Contradiction.REPEATED_UID),
        ({"ImagePositionPatient": None}, EXPLICIT, Contradiction.OTHER_BYTES),
        ({"SeriesInstanceUID": "1.2.1.9"}, EXPLICIT, Contradiction.OTHER_SERIES),
        ({"SeriesInstanceUID": "1.2.1.9", "StudyInstanceUID": "1.2.9"}, EXPLICIT, Contradiction.OTHER_SERIES),
        ({"StudyInstanceUID": "1.2.9"}, EXPLICIT, Contradiction.OTHER_STUDY),
    ],
)
def test_the_reason_follows_from_series_study_place_and_encoding(node, changes, syntax, reason):
    first = InstanceHeader.from_dataset(node.ct(**FIRST), EXPLICIT)
    holder = Holder(
        1,
        "a" * 64,
        "instances/x.dcm",
        100,
        EXPLICIT,
        first.image["image_position_patient"],
        first.image["instance_number"],
        first.series_instance_uid,
        first.study_instance_uid,
        "received",
    )
    other = InstanceHeader.from_dataset(node.ct(**(FIRST | changes)), syntax)
    assert compare(holder, Arrival(other, StoredFile("instances/y.dcm", 1, "b" * 64), node.at(0))) == reason
