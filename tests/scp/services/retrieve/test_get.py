"""C-GET against pynetdicom as requestor (PS3.4 C.4.3)."""

import pytest
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, RLELossless

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


@pytest.mark.parametrize(
    ("model", "level", "keys", "words"),
    [
        (STUDY_ROOT_GET, "", {"StudyInstanceUID": STUDY}, "Level must be STUDY, SERIES, IMAGE"),
        (STUDY_ROOT_GET, "PATIENT", {"PatientID": "ID1"}, "Level must be STUDY, SERIES, IMAGE"),
        (STUDY_ROOT_GET, "STUDY", {}, "StudyInstanceUID is missing"),
        (STUDY_ROOT_GET, "STUDY", {"StudyInstanceUID": ""}, "StudyInstanceUID is missing"),
        (STUDY_ROOT_GET, "STUDY", {"StudyInstanceUID": "1.2.826.*"}, "a wildcard selects nothing"),
        (STUDY_ROOT_GET, "SERIES", {"SeriesInstanceUID": SERIES}, "StudyInstanceUID is missing"),
        (STUDY_ROOT_GET, "SERIES", {"StudyInstanceUID": [STUDY, "1.2"], "SeriesInstanceUID": SERIES}, "at most 1"),
        (PATIENT_ROOT_GET, "PATIENT", {"PatientID": ""}, "PatientID is empty"),
        (PATIENT_ROOT_GET, "PATIENT", {"PatientID": "ID*"}, "a wildcard selects nothing"),
        (PATIENT_ROOT_GET, "STUDY", {"StudyInstanceUID": STUDY}, "PatientID is missing"),
    ],
)
def test_an_identifier_that_the_model_does_not_allow_is_refused(filled, get, taken, model, level, keys, words):
    ended = get(taken, model, level, **keys)
    assert ended.final.Status == 0xA900
    assert words in ended.final.ErrorComment
    assert taken.requests == []


def test_classes_without_a_context_fail_and_are_named(filled, store, slice_of, picture, get, taken):
    image = picture(slice_of(7))
    store(image)
    ended = get(taken, STUDY_ROOT_GET, "STUDY", StudyInstanceUID=STUDY)
    assert (ended.final.Status, ended.counts) == (0xB000, (None, 4, 1, 0))
    assert ended.failed == [image.SOPInstanceUID]
    assert "not accepted: Secondary Capture" in ended.final.ErrorComment


def test_without_the_role_of_scp_nothing_is_sent(filled, get, taken):
    ended = get(taken, STUDY_ROOT_GET, "STUDY", as_scp=False, StudyInstanceUID=STUDY)
    assert (ended.final.Status, ended.counts) == (0xA702, (None, 0, 4, 0))
    assert taken.requests == []


def test_of_several_contexts_the_one_that_needs_no_decoding_is_taken(store, slice_of, get, taken):
    image = slice_of(1)
    image.compress(RLELossless, generate_instance_uid=False)
    data = store(image)
    contexts = ((CTImageStorage, ExplicitVRLittleEndian), (CTImageStorage, RLELossless))
    ended = get(taken, STUDY_ROOT_GET, "STUDY", contexts=contexts, StudyInstanceUID=STUDY)
    assert ended.final.Status == 0
    assert taken.syntaxes == {image.SOPInstanceUID: RLELossless}
    assert taken.data == {image.SOPInstanceUID: data}


@pytest.mark.parametrize("damage", ["missing", "cut", "longer", "overwritten"])
def test_a_damaged_file_fails_alone(filled, site, get, taken, damage):
    victim = f"{SERIES}.2"
    (path,) = (each for each in site.files.root.rglob("*.dcm") if victim.encode() in each.read_bytes())
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes({"cut": content[:-2], "longer": content + b"xx", "overwritten": bytes(len(content))}[damage])
    ended = get(taken, STUDY_ROOT_GET, "STUDY", StudyInstanceUID=STUDY)
    assert (ended.final.Status, ended.counts) == (0xB000, (None, 3, 1, 0))
    assert ended.failed == [victim]
    assert set(taken.data) == {uid for uid in filled if uid.startswith(f"{STUDY}.")} - {victim}


def test_a_refused_object_is_counted_and_not_sent_again(filled, get, taken):
    taken.answers = [0, 0xA700, 0xB000]
    ended = get(taken, STUDY_ROOT_GET, "SERIES", StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES)
    assert (ended.final.Status, ended.counts) == (0xB000, (None, 1, 1, 1))
    assert ended.failed == [f"{SERIES}.2"]
    assert len(taken.requests) == 3


def test_a_cancelled_retrieval_says_what_is_left(filled, get, taken):
    def cancel(event):
        event.assoc.send_c_cancel(1, query_model=STUDY_ROOT_GET)

    taken.on_store = cancel
    ended = get(taken, STUDY_ROOT_GET, "STUDY", StudyInstanceUID=STUDY)
    assert (ended.final.Status, ended.counts) == (0xFE00, (3, 1, 0, 0))
    assert len(taken.requests) == 1


def test_with_relational_retrieval_negotiated_keys_above_may_be_missing(filled, get, taken):
    ended = get(taken, STUDY_ROOT_GET, "SERIES", options=b"\x01", SeriesInstanceUID=SERIES)
    assert (ended.final.Status, ended.counts) == (0, (None, 3, 0, 0))
