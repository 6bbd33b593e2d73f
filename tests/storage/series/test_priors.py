"""Which earlier results are of the same patient: Patient ID and issuer say it, and nothing else."""

import pytest

from storage.series import priors, results
from storage.series.priors import Person

SR = "1.2.840.10008.5.1.4.1.1.88.33"
ANN = {"PatientID": "42", "IssuerOfPatientID": "Clinic", "PatientName": "Ann^Other", "PatientBirthDate": "19600101"}


@pytest.fixture
def study(node):
    """`study("1.2.5", "20250101", **patient)` stores a CT series of a study; with a score it also has a result."""

    def make(uid, date, *, series="1", scores=("{}",), status="scored", **patient):
        series_instance_uid = f"{uid}.{series}"
        attributes = {"StudyInstanceUID": uid, "StudyDate": date, "PatientSex": "F"} | ANN | patient
        node.series(1, series_instance_uid, **attributes)
        for version, text in enumerate(scores, start=1):
            results.save(node.db, series_instance_uid, version, status, text, now=node.at(version))
        return series_instance_uid

    return make


@pytest.fixture
def found(node):
    return lambda series_instance_uid: priors.find(node.db, series_instance_uid, (SR,))


def studies(found) -> list[str]:
    return [item.study_instance_uid for item in found.results]


def test_earlier_results_are_found_the_latest_study_first(study, found):
    study("1.2.5", "20240101", scores=["old"])
    study("1.2.6", "20250101", scores=["new"])
    now = study("1.2.7", "20260101")
    told = found(now)
    assert [(item.study_instance_uid, item.study_date, item.score_json) for item in told.results] == [
        ("1.2.6", "20250101", "new"),
        ("1.2.5", "20240101", "old"),
    ]
    assert (told.person, told.study_date) == (Person("42", "Clinic", "19600101", "F"), "20260101")


def test_the_latest_version_of_each_series_counts(study, found, node):
    study("1.2.5", "20240101", scores=["first", "second"])
    study("1.2.5", "20240101", series="2", scores=["other series"])
    assert {item.score_json for item in found(study("1.2.7", "20260101")).results} == {"second", "other series"}


def test_a_series_whose_latest_version_gave_no_score_has_no_result(study, found, node):
    series_instance_uid = study("1.2.5", "20240101")
    results.save(node.db, series_instance_uid, 2, "not_scorable", "", now=node.at(9))
    assert studies(found(study("1.2.7", "20260101"))) == []


@pytest.mark.parametrize(
    "other",
    [
        {"PatientID": "43"},
        {"IssuerOfPatientID": "Elsewhere"},
        {"IssuerOfPatientID": ""},
        {"PatientID": ""},
        {"PatientID": "4*"},
        {"PatientID": "42a"},
    ],
    ids=str,
)
def test_another_id_or_issuer_is_another_patient_of_whatever_name(study, found, other):
    study("1.2.5", "20240101", **other)
    told = found(study("1.2.7", "20260101"))
    assert (studies(told), told.contradicting) == ([], ())


def test_an_empty_id_is_nobodys(study, found):
    study("1.2.5", "20240101", PatientID="")
    assert studies(found(study("1.2.7", "20260101", PatientID=""))) == []
    assert not Person("").is_same(Person(""))


def test_two_empty_issuers_are_the_same(study, found):
    study("1.2.5", "20240101", IssuerOfPatientID="")
    assert studies(found(study("1.2.7", "20260101", IssuerOfPatientID=""))) == ["1.2.5"]


def test_a_name_may_change(study, found):
    study("1.2.5", "20240101", PatientName="Maiden^Ann")
    assert studies(found(study("1.2.7", "20260101"))) == ["1.2.5"]


@pytest.mark.parametrize("other", [{"PatientBirthDate": "19600102"}, {"PatientSex": "M"}], ids=str)
def test_sex_or_birth_date_that_contradict_are_another_patient_and_said(study, found, other):
    study("1.2.5", "20240101", **other)
    study("1.2.6", "20250101", PatientBirthDate="", PatientSex="")
    told = found(study("1.2.7", "20260101"))
    assert (studies(told), told.contradicting) == (["1.2.6"], ("20240101",))


def test_the_study_itself_is_no_prior(study, found):
    study("1.2.7", "20260101", series="2")
    assert studies(found(study("1.2.7", "20260101"))) == []


def test_reports_that_came_in_are_told_and_those_made_here_are_not(node, study, found):
    def report(study_instance_uid, sop_instance_uid, origin="received", sop_class=SR):
        attributes = {
            "StudyInstanceUID": study_instance_uid,
            "SeriesInstanceUID": f"{sop_instance_uid}.1",
            "SOPInstanceUID": sop_instance_uid,
        }
        attributes |= {"SOPClassUID": sop_class, "Modality": "SR", "StudyDate": "20240101"} | ANN
        node.store(node.ct(**attributes), origin=origin)

    report("1.2.5", "1.9.1")
    report("1.2.5", "1.9.2", origin="made")
    report("1.2.5", "1.9.3", sop_class="1.2.840.10008.5.1.4.1.1.88.67")
    report("1.2.7", "1.9.4")
    (told,) = found(study("1.2.7", "20260101")).reports
    assert (told.study_instance_uid, told.study_date, told.sop_instance_uid) == ("1.2.5", "20240101", "1.9.1")
    assert node.files.path(told.path).exists()


def test_a_series_that_is_not_there(found):
    with pytest.raises(LookupError, match="no series"):
        found("1.2.3")
