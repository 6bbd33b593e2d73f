import subprocess

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE

from dicom.sop_classes import PATIENT_ROOT_FIND, STUDY_ROOT_FIND
from scp.services.storage import IMAGE_STORAGE


@pytest.fixture
def filled(site, slice_of, keep):
    """Two studies; the first has two series."""
    for number in (1, 2, 3):
        keep(slice_of(number))
    keep(slice_of(1, series=2, SeriesDescription="Lung"))
    keep(slice_of(1, study=2, PatientName="Müller^Jörg", StudyDate="20250101"))
    return site


def find(port, model, **keys):
    ae = AE(ae_title="VIEWER")
    ae.add_requested_context(model)
    association = ae.associate("127.0.0.1", port, ae_title="CORONODE")
    assert association.is_established
    query = Dataset()
    for keyword, value in keys.items():
        setattr(query, keyword, value)
    found, last = [], None
    for answer, identifier in association.send_c_find(query, model):
        last = answer
        if answer.Status == 0xFF00:
            found.append(identifier)
    association.release()
    return found, last


def test_studies_with_counts_and_modalities(filled):
    found, last = find(
        filled.port,
        STUDY_ROOT_FIND,
        QueryRetrieveLevel="STUDY",
        StudyInstanceUID="",
        ModalitiesInStudy="CT",
        NumberOfStudyRelatedSeries="",
        NumberOfStudyRelatedInstances="",
    )
    assert last.Status == 0
    counts = {
        item.StudyInstanceUID: (item.NumberOfStudyRelatedSeries, item.NumberOfStudyRelatedInstances) for item in found
    }
    assert counts == {"1.2.826.0.1.1": (2, 4), "1.2.826.0.1.2": (1, 1)}


def test_patients_in_the_patient_root(filled):
    found, _ = find(filled.port, PATIENT_ROOT_FIND, QueryRetrieveLevel="PATIENT", PatientID="ID*", PatientName="")
    assert {item.PatientID: str(item.PatientName) for item in found} == {"ID1": "Test^Patient1", "ID2": "Müller^Jörg"}


def test_images_of_a_series(filled):
    found, _ = find(
        filled.port,
        STUDY_ROOT_FIND,
        QueryRetrieveLevel="IMAGE",
        StudyInstanceUID="1.2.826.0.1.1",
        SeriesInstanceUID="1.2.826.0.1.1.1",
        SOPInstanceUID="",
        SOPClassUID="",
        InstanceNumber="",
    )
    assert sorted(item.InstanceNumber for item in found) == [1, 2, 3]
    assert {item.SOPClassUID for item in found} == {IMAGE_STORAGE[0]}


def test_a_query_without_level_is_refused_with_a_reason(filled):
    found, last = find(filled.port, STUDY_ROOT_FIND, StudyInstanceUID="")
    assert found == []
    assert last.Status == 0xA900
    assert "Level" in last.ErrorComment or "level" in last.ErrorComment


def test_patient_level_is_not_in_the_study_root(filled):
    _, last = find(filled.port, STUDY_ROOT_FIND, QueryRetrieveLevel="PATIENT", PatientID="")
    assert last.Status == 0xA900


@pytest.mark.peer
@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["0008,0052=STUDY", "0020,000D", "0008,0020=20240101-20241231"], 1),
        (["0008,0052=STUDY", "0020,000D", "0010,0010=test*"], 1),
        (["0008,0052=SERIES", "0020,000D=1.2.826.0.1.1", "0020,000E", "0020,1209"], 2),
        (["0008,0052=SERIES", "0020,000D=1.2.826.0.1.1", "0020,000E=1.2.826.0.1.1.2\\1.2.826.0.1.1.9"], 1),
        (["0008,0052=IMAGE", "0020,000D=1.2.826.0.1.1", "0020,000E=1.2.826.0.1.1.1", "0008,0018"], 3),
        (["0008,0052=STUDY", "0020,000D", "0008,0050=NONE"], 0),
    ],
)
def test_findscu_finds(filled, peer_program, tmp_path, keys, expected):
    arguments = [part for key in keys for part in ("-k", key)]
    command = [peer_program("findscu"), "-S", "-X", "-od", str(tmp_path), "-aec", "CORONODE", *arguments]
    subprocess.run([*command, "127.0.0.1", str(filled.port)], check=True, timeout=60)
    assert len(list(tmp_path.glob("rsp*.dcm"))) == expected
