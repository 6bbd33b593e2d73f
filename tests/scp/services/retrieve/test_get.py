"""C-GET against pynetdicom as requestor (PS3.4 C.4.3)."""

import pytest

from dicom.sop_classes import PATIENT_ROOT_GET, STUDY_ROOT_GET

STUDY, SERIES = "1.2.826.0.1.1", "1.2.826.0.1.1.1"


@pytest.mark.parametrize(
    ("model", "level", "keys", "count"),
    [
        (STUDY_ROOT_GET, "STUDY", {"StudyInstanceUID": STUDY}, 4),
        (STUDY_ROOT_GET, "STUDY", {"StudyInstanceUID": [STUDY, "1.2.826.0.1.2", "1.2.9"]}, 5),
        (STUDY_ROOT_GET, "SERIES", {"StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES}, 3),
        (STUDY_ROOT_GET, "SERIES", {"StudyInstanceUID": STUDY, "SeriesInstanceUID": [SERIES, f"{STUDY}.2"]}, 4),
        (STUDY_ROOT_GET, "SERIES", {"StudyInstanceUID": "1.2.826.0.1.2", "SeriesInstanceUID": SERIES}, 0),
        (PATIENT_ROOT_GET, "PATIENT", {"PatientID": "ID1"}, 4),
        (PATIENT_ROOT_GET, "STUDY", {"PatientID": "ID2", "StudyInstanceUID": STUDY}, 0),
        (PATIENT_ROOT_GET, "STUDY", {"PatientID": "ID1", "StudyInstanceUID": STUDY}, 4),
        (
            STUDY_ROOT_GET,
            "IMAGE",
            {"StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES, "SOPInstanceUID": [f"{SERIES}.1", f"{SERIES}.3"]},
            2,
        ),
    ],
)
def test_each_level_brings_its_objects_byte_for_byte(filled, get, taken, model, level, keys, count):
    ended = get(taken, model, level, **keys)
    assert ended.final.Status == 0
    assert ended.counts == (None, count, 0, 0)
    assert ended.identifier is None
    assert len(taken.data) == count
    assert taken.data.items() <= filled.items()
