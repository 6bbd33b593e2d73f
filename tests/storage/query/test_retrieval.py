"""The objects that the unique keys of a retrieval select (PS3.4 C.4.2.1.4)."""

import pytest
from pydicom.dataset import Dataset
from sqlalchemy import update

from config.errors import Rejected
from storage.database.models import InstanceRow
from storage.query import retrieval
from storage.query.retrieval import Part, Retrieval
from storage.query.search import Search

CT, EXPLICIT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1"


def identifier(level, **keys):
    made = Dataset()
    made.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(made, keyword, value)
    return made


def parse(root, level, *, relational=False, **keys):
    return Retrieval.parse(root, identifier(level, **keys), relational=relational)


def uids(node, wanted):
    return [item.sop_instance_uid for item in wanted.select(node.db).read_objects(node.db)]


@pytest.fixture
def filled(node):
    """Two patients with one ID at two clinics, one of them with two studies, and one patient without an ID."""
    node.series(3, "1.2.1.1", StudyInstanceUID="1.2.1", PatientID="P1", IssuerOfPatientID="A")
    node.series(2, "1.2.1.2", StudyInstanceUID="1.2.1", PatientID="P1", IssuerOfPatientID="A")
    node.series(2, "1.2.2.1", StudyInstanceUID="1.2.2", PatientID="P1", IssuerOfPatientID="A")
    node.series(1, "1.2.3.1", StudyInstanceUID="1.2.3", PatientID="P1", IssuerOfPatientID="B")
    node.series(1, "1.2.4.1", StudyInstanceUID="1.2.4", PatientID="")
    node.store(
        node.ct(StudyInstanceUID="1.2.1", SeriesInstanceUID="1.2.1.9", SOPInstanceUID="1.2.1.9.1", PatientID="P1"),
        origin="made",
    )
    return node


@pytest.mark.parametrize(
    ("root", "level", "keys", "count"),
    [
        ("patient", "PATIENT", {"PatientID": "P1"}, 9),
        ("patient", "PATIENT", {"PatientID": "P1", "IssuerOfPatientID": "B"}, 1),
        ("patient", "PATIENT", {"PatientID": "p1"}, 0),
        ("patient", "STUDY", {"PatientID": "P1", "StudyInstanceUID": "1.2.1"}, 6),
        ("patient", "STUDY", {"PatientID": "", "StudyInstanceUID": "1.2.4"}, 1),
        ("patient", "STUDY", {"PatientID": "", "StudyInstanceUID": "1.2.1"}, 0),
        ("study", "STUDY", {"StudyInstanceUID": ["1.2.1", "1.2.3"]}, 7),
        ("study", "SERIES", {"StudyInstanceUID": "1.2.1", "SeriesInstanceUID": ["1.2.1.1", "1.2.2.1"]}, 3),
        ("study", "SERIES", {"StudyInstanceUID": "1.2.1", "SeriesInstanceUID": "1.2.1.9"}, 1),
        ("study", "STUDY", {"StudyInstanceUID": "1.2.1", "Modality": "MR", "SeriesInstanceUID": ""}, 6),
    ],
)
def test_objects_of_the_levels(filled, root, level, keys, count):
    assert len(uids(filled, parse(root, level, **keys))) == count


def test_images_once_each_and_only_where_they_belong(filled):
    wanted = ["1.2.1.1.3", "1.2.1.1.1", "1.2.1.1.3", "1.2.2.1.1", "1.9"]
    keys = {"StudyInstanceUID": "1.2.1", "SeriesInstanceUID": "1.2.1.1", "SOPInstanceUID": wanted}
    assert uids(filled, parse("study", "IMAGE", **keys)) == ["1.2.1.1.1", "1.2.1.1.3"]


def test_with_relational_retrieval_keys_above_may_be_missing(filled):
    assert uids(filled, parse("patient", "IMAGE", relational=True, SOPInstanceUID=["1.2.1.2.1", "1.2.2.1.2"])) == [
        "1.2.1.2.1",
        "1.2.2.1.2",
    ]
    assert len(uids(filled, parse("study", "SERIES", relational=True, SeriesInstanceUID="1.2.1.1"))) == 3
    with pytest.raises(Rejected, match="SeriesInstanceUID is missing"):
        parse("study", "SERIES", relational=True, StudyInstanceUID="1.2.1")


def test_pages_keep_the_order_and_kinds_are_counted(filled, monkeypatch):
    monkeypatch.setattr(retrieval, "_PAGE", 2)
    monkeypatch.setattr(retrieval, "_SERIES_AT_ONCE", 1)
    selection = parse("study", "STUDY", StudyInstanceUID="1.2.1").select(filled.db)
    expected = ["1.2.1.1.1", "1.2.1.1.2", "1.2.1.1.3", "1.2.1.2.1", "1.2.1.2.2", "1.2.1.9.1"]
    assert [item.sop_instance_uid for item in selection.read_objects(filled.db)] == expected
    assert (len(selection), selection.kinds) == (6, {(CT, EXPLICIT): 6})
    assert selection.list_parts(filled.db) == [
        Part("1.2.1", "1.2.1.1", CT, 3),
        Part("1.2.1", "1.2.1.2", CT, 2),
        Part("1.2.1", "1.2.1.9", CT, 1),
    ]
    for item in selection.read_objects(filled.db):
        assert filled.files.path(item.path).stat().st_size == item.size


def test_numbers_agree_with_those_of_a_query(filled):
    query = identifier("STUDY", StudyInstanceUID="1.2.1", NumberOfStudyRelatedInstances="")
    (match,) = Search.parse("study", query).encode_matches(filled.db, implicit=False)
    selection = parse("study", "STUDY", StudyInstanceUID="1.2.1").select(filled.db)
    assert match.endswith(f"{len(selection)} ".encode())


def test_rejected_and_superseded_objects_are_not_sent(filled):
    with filled.db.session() as session:
        for uid, hidden in (("1.2.1.1.1", {"rejected": True}), ("1.2.1.1.2", {"superseded": True})):
            session.execute(update(InstanceRow).where(InstanceRow.sop_instance_uid == uid).values(hidden))
    keys = {"StudyInstanceUID": "1.2.1", "SeriesInstanceUID": "1.2.1.1"}
    assert uids(filled, parse("study", "SERIES", **keys)) == ["1.2.1.1.3"]
    named = parse("study", "IMAGE", **keys, SOPInstanceUID=["1.2.1.1.1", "1.2.1.1.2", "1.2.1.1.3"])
    assert uids(filled, named) == ["1.2.1.1.2", "1.2.1.1.3"], "a superseded one is still sent by its own UID"


def test_too_many_objects_cannot_be_counted(filled, monkeypatch):
    monkeypatch.setattr(retrieval, "MOST_OBJECTS", 5)
    with pytest.raises(Rejected) as refused:
        parse("study", "STUDY", StudyInstanceUID="1.2.1").select(filled.db)
    assert refused.value.status == 0xA701


@pytest.mark.parametrize("value", [["1.2"] * 10_001, "1.2.?"])
def test_lists_and_wildcards_that_are_not_allowed(value):
    with pytest.raises(Rejected) as refused:
        parse("study", "STUDY", StudyInstanceUID=value)
    assert refused.value.status == 0xA900
    assert len(refused.value.reason) <= 64


def test_each_page_and_each_selection_is_served_by_an_index(filled):
    """Else one retrieval would look at a million objects."""
    keys = {"StudyInstanceUID": "1.2.1", "SeriesInstanceUID": "1.2.1.1"}
    for wanted in (
        parse("patient", "PATIENT", PatientID="P1"),
        parse("study", "SERIES", **keys),
        parse("study", "IMAGE", **keys, SOPInstanceUID=["1.2.1.1.1", "1.2.1.1.2"]),
    ):
        with filled.db.reading() as session:
            for statement in wanted._build_statements(session):
                compiled = statement.compile(filled.db.engine, compile_kwargs={"literal_binds": True})
                plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}").all()
                assert not [row for row in plan if row[-1].startswith("SCAN")], plan
