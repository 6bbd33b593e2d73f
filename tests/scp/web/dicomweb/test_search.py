"""QIDO-RS: matching, required attributes, pages, warnings."""

import pytest
from pydicom import Dataset

pytestmark = pytest.mark.component

REQUIRED = {  # PS3.18 tables 10.6.3-3 to 10.6.3-5, without those that the index does not have
    "studies": "StudyDate StudyTime AccessionNumber InstanceAvailability ModalitiesInStudy ReferringPhysicianName "
    "RetrieveURL PatientName PatientID PatientBirthDate PatientSex StudyInstanceUID StudyID "
    "NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances",
    "series": "Modality SeriesDescription RetrieveURL SeriesInstanceUID SeriesNumber NumberOfSeriesRelatedInstances "
    "PerformedProcedureStepStartDate PerformedProcedureStepStartTime",
    "instances": "SOPClassUID SOPInstanceUID InstanceAvailability RetrieveURL InstanceNumber Rows Columns",
}


def test_a_client_of_others_finds_what_was_received(client, slices):
    first = next(iter(slices.values()))
    [study] = map(Dataset.from_json, client.search_for_studies(search_filters={"PatientID": first.PatientID}))
    assert (study.PatientName, study.StudyDate) == (first.PatientName, first.StudyDate)
    assert study.NumberOfStudyRelatedInstances == len(slices)
    assert study.ModalitiesInStudy == "CT"
    [series] = map(Dataset.from_json, client.search_for_series(study.StudyInstanceUID))
    assert series.SeriesInstanceUID == first.SeriesInstanceUID
    found = client.search_for_instances(study.StudyInstanceUID, series.SeriesInstanceUID)
    assert {Dataset.from_json(item).SOPInstanceUID for item in found} == slices.keys()
    assert client.search_for_studies(search_filters={"PatientID": "nobody"}) == []


@pytest.mark.parametrize("level", REQUIRED)
def test_a_match_has_the_attributes_of_its_level_and_those_above(web, series, level):
    levels = list(REQUIRED)[: list(REQUIRED).index(level) + 1]
    wanted = {keyword for name in levels for keyword in REQUIRED[name].split()}
    found = Dataset.from_json(web.client.get(f"/dicom-web/{level}", params={"limit": 1}).json()[0])
    assert wanted <= set(found.dir())
    assert web.client.get(found.RetrieveURL, headers={"Accept": "*/*"}).status_code == 200


def test_nothing_found_is_no_content(web, series):
    response = web.client.get("/dicom-web/studies", params={"PatientID": "nobody"})
    assert (response.status_code, response.content) == (204, b"")


def test_pages_have_every_match_once(web, series, slices):
    found = []
    while True:
        page = web.client.get(f"{series}/instances", params={"limit": 10, "offset": len(found)})
        found += [item["00080018"]["Value"][0] for item in page.json()]
        left = len(slices) - len(found)
        if not left:
            break
        assert page.headers["warning"] == (
            f"299 http://127.0.0.1:8080/dicom-web: There are {left} additional results that can be requested"
        )
    assert "warning" not in page.headers
    assert len(found) == len(set(found)) == len(slices)


@pytest.mark.parametrize(
    ("parameters", "matches"),
    [
        ({"00080060": "CT"}, 1),
        ({"Modality": "MR"}, 0),
        ({"SeriesInstanceUID": "1.2,{series},1.3"}, 1),
        ({"SeriesInstanceUID": "1.2\\{series}"}, 1),
        ({"StudyDate": "19000101-20991231"}, 1),
        ({"StudyDate": "-19000101"}, 0),
        ({"PatientName": "*"}, 1),
        ({"Rows": "1"}, 1),  # a key of the level below asks nothing
    ],
)
def test_matching(web, series, parameters, matches):
    uid = series.rsplit("/", 1)[1]
    asked = {name: value.format(series=uid) for name, value in parameters.items()}
    response = web.client.get("/dicom-web/series", params=asked)
    assert len(response.json() if response.content else []) == matches


def test_numbers_are_matched_as_text(web, series, slices):
    rows = next(iter(slices.values())).Rows
    assert len(web.client.get(f"{series}/instances", params={"Rows": str(rows)}).json()) == len(slices)
    assert web.client.get(f"{series}/instances", params={"Rows": str(rows + 1)}).status_code == 204


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"fuzzymatching": "true"}, "Only literal matching has been performed."),
        ({"emptyvaluematching": "true"}, "Empty Value Matching has not been performed."),
        ({"Rows": "1"}, "Rows is not supported for matching"),
        ({"orderby": "x\r\nSet-Cookie: a"}, "The parameter orderby is not known"),
        ({"x\r\ny": "1"}, "The parameter x??y is not known"),
    ],
)
def test_what_is_not_done_is_told(web, series, parameters, words):
    response = web.client.get("/dicom-web/studies", params=parameters)
    assert response.status_code == 200
    assert words in response.headers["warning"]


def test_included_attributes(web, series, slices):
    first = next(iter(slices.values()))
    path = f"{series}/instances"
    [found, *_] = web.client.get(path, params={"includefield": "00180050,ImagePositionPatient"}).json()
    assert found["00180050"] == {"vr": "DS", "Value": [float(first.SliceThickness)]}
    assert len(found["00200032"]["Value"]) == 3
    everything = web.client.get(path, params={"includefield": "all"}).json()[0]
    assert found.keys() <= everything.keys()


@pytest.mark.parametrize("parameters", [{"limit": "x"}, {"offset": "-1"}, {"limit": ""}, {"PatientID": "x" * 2000}])
def test_what_cannot_be_asked_is_a_bad_request(web, series, parameters):
    assert web.client.get("/dicom-web/studies", params=parameters).status_code == 400


def test_matches_as_xml(web, series):
    response = web.client.get(
        "/dicom-web/studies", headers={"Accept": 'multipart/related; type="application/dicom+xml"'}
    )
    assert b'<DicomAttribute tag="0020000D" vr="UI" keyword="StudyInstanceUID">' in response.content
    assert web.client.get("/dicom-web/studies", headers={"Accept": "text/html"}).status_code == 406
