"""UIDs for objects that come without: the same for what belongs together, another for what does not."""

from copy import deepcopy

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID

from scp.reception import identity

HEADER = {
    "PatientID": "4711",
    "StudyID": "1",
    "StudyDate": "20260302",
    "StudyTime": "080000",
    "Modality": "CT",
    "SeriesNumber": "3",
    "FrameOfReferenceUID": "1.2.3.4",
    "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
    "PixelSpacing": [0.5, 0.5],
}


def header(**changes) -> Dataset:
    dataset = Dataset()
    for keyword, value in (HEADER | changes).items():
        if value is not None:
            setattr(dataset, keyword, value)
    return dataset


def derive(dataset: Dataset, association: str = "one") -> tuple[str, str]:
    copy = deepcopy(dataset)
    identity.complete(copy, association)
    return copy.StudyInstanceUID, copy.SeriesInstanceUID


def test_uids_that_are_there_stay():
    assert derive(header(StudyInstanceUID="1.2", SeriesInstanceUID="1.2.3")) == ("1.2", "1.2.3")


@pytest.mark.parametrize("empty", [None, ""])
def test_only_the_missing_one_is_derived(empty):
    study, series = derive(header(StudyInstanceUID="1.2", SeriesInstanceUID=empty))
    assert study == "1.2"
    assert series == derive(header())[1]


def test_derived_uids_are_valid_and_two():
    study, series = derive(header())
    assert study != series
    assert all(UID(uid).is_valid and uid.startswith("2.25.") for uid in (study, series))


def test_slices_of_one_acquisition_belong_together_whoever_sends_them_and_when():
    slices = [header(InstanceNumber=str(k), SOPInstanceUID=f"1.2.9.{k}", SliceLocation=str(3 * k)) for k in range(5)]
    assert len({derive(item, f"association {k}") for k, item in enumerate(slices)}) == 1


def test_the_uids_are_the_same_in_every_version_of_the_node():
    """A series that comes again after an update is the series that is here: these may never change."""
    assert derive(header()) == (
        "2.25.292216209768958794836136622267039344717",
        "2.25.331378470409552949995555377967043873240",
    )


@pytest.mark.parametrize(
    "change",
    [
        {"PatientID": "4712"},
        {"PatientBirthDate": "19500101"},
        {"StudyDate": "20260303"},
        {"StudyTime": "080001"},
        {"StudyID": "2"},
        {"FrameOfReferenceUID": "1.2.3.5"},
        {"IrradiationEventUID": "1.2.3.6"},
    ],
)
def test_another_patient_or_acquisition_is_another_study(change):
    mine, other = derive(header()), derive(header(**change))
    assert mine[0] != other[0]
    assert mine[1] != other[1]


@pytest.mark.parametrize(
    "change",
    [
        {"SeriesNumber": "4"},
        {"ConvolutionKernel": "B35f"},
        {"SliceThickness": "3"},
        {"PixelSpacing": [0.4, 0.4]},
        {"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]},
        {"SeriesTime": "080100"},
    ],
)
def test_another_reconstruction_is_another_series_of_the_same_study(change):
    mine, other = derive(header()), derive(header(**change))
    assert mine[0] == other[0]
    assert mine[1] != other[1]


def test_where_nothing_names_the_acquisition_only_one_association_belongs_together():
    """Two patients without an ID, from one scanner on one day, must never become one series."""
    bare = header(FrameOfReferenceUID=None)
    assert derive(bare, "one") == derive(bare, "one")
    assert not set(derive(bare, "one")) & set(derive(bare, "two"))
