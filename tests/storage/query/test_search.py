"""C-FIND matching against a naive matcher, and what the answers hold."""

from __future__ import annotations

import io
import itertools
import random
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.config import IGNORE, disable_value_validation
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from sqlalchemy import event

from storage.query import search as query
from storage.query.keys import IdentifierError
from storage.query.search import Search

NAMES = [
    "DOE^JOHN",
    "Doe^Jane^^",
    "DOE",
    "",
    "MÜLLER^JÖRG",
    "Straße",
    "Wang^XiaoDong=王^小东",
    "a*b",
    "A_B%C[x]",
    "D-E^J",
    "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "=山田^花子",
    "Doe^Kim=도^김=Doe^Min",
]
DATES = ["20240501", "20240430", "20231231", "00010101", ""]
TIMES = ["1015", "101500", "101500.5", "101559.999", "10", "095959", "000000", ""]
NUMBERS = ["A1", "a1", "A12", "A%", "A_", "[A]", "A]", "", "é1", "A\\B".replace("\\", "/")]
MODALITIES = ["CT", "SR", "OT", "ct"]
WILD = st.text(alphabet="ADOEJN^abjoe*?=_%[]-12ÜÖü王/", min_size=1, max_size=6)


def corpus():
    """60 studies of one or two series, attributes drawn from values that are easily confused."""
    draw = random.Random(7)  # noqa: S311
    objects = []
    for number in range(60):
        study = {
            "StudyInstanceUID": f"1.{number}",
            "PatientName": NAMES[number % len(NAMES)],
            "PatientID": draw.choice(["P1", "P2", f"P{number}"]),
            "StudyDate": draw.choice(DATES),
            "StudyTime": draw.choice(TIMES),
            "AccessionNumber": NUMBERS[(number // 3) % len(NUMBERS)],
        }
        for part in range(draw.choice([1, 2])):
            series = {
                "SeriesInstanceUID": f"1.{number}.{part}",
                "Modality": draw.choice(MODALITIES),
                "SeriesNumber": part,
            }
            objects += [
                study | series | {"SOPInstanceUID": f"1.{number}.{part}.{image}", "InstanceNumber": image}
                for image in range(draw.choice([1, 3]))
            ]
    return objects


OBJECTS = corpus()


@pytest.fixture(scope="module")
def filled(shared_node):
    for values in OBJECTS:
        shared_node.store(shared_node.ct(SpecificCharacterSet="ISO_IR 192", **values))
    return shared_node


def naive_text(pattern, value):
    """Wildcards by a regular expression."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return not pattern.strip("*") or bool(re.fullmatch(expression, value, re.DOTALL))


def naive_name(pattern, value):
    """Names without case and empty tails: any group for a key of one, else each group that the key has."""

    def plain(name):
        return "=".join(group.rstrip("^ ") for group in name.casefold().split("=")).rstrip("=")

    def fits(wanted, group):
        return naive_text(wanted, group) or (wanted.endswith("^*") and fits(wanted[:-2].rstrip("^"), group))

    wanted, groups = plain(pattern).split("=", 2), plain(value).split("=", 2)
    if all(not one.strip("*^") or fits(one, "") for one in wanted):
        return True
    if len(wanted) == 1:
        return any(fits(wanted[0], group) for group in groups)
    groups += [""] * (3 - len(groups))
    return all(not one or fits(one, group) for one, group in zip(wanted, groups, strict=False))


def seconds(text, *, last=False):
    """A time as a number, the missing parts the smallest or the largest."""
    if not text:
        return None
    digits, _, fraction = text.partition(".")
    parts = [int(digits[i : i + 2]) for i in range(0, len(digits), 2)]
    fill = [59, 59] if last else [0, 0]
    whole = parts + fill[len(parts) - 1 :]
    rest = fraction.ljust(6, "9" if last else "0")
    return ((whole[0] * 60 + whole[1]) * 60 + whole[2]) * 10**6 + int(rest)


def ds(**values):
    """An identifier, its values as they are."""
    dataset = Dataset()
    for keyword, value in values.items():
        tag = tag_for_keyword(keyword)
        dataset.add(DataElement(tag, dictionary_VR(tag), value, validation_mode=IGNORE))
    return dataset


def parse(level="STUDY", root="study", **keys):
    return Search.parse(root, ds(QueryRetrieveLevel=level, **keys))


def search(node, level="STUDY", root="study", **keys):
    """The answers as a peer reads them."""
    encoded = parse(level, root, **keys).encode_matches(node.db, implicit=False)
    with disable_value_validation():
        answers = [read_dataset(io.BytesIO(data), is_implicit_VR=False, is_little_endian=True) for data in encoded]
        for answer in answers:
            answer.decode()
            assert list(answer)  # every value is parsed now
    return answers


def studies(node, **keys):
    return {str(answer.StudyInstanceUID) for answer in search(node, **({"StudyInstanceUID": ""} | keys))}


def expected(matches):
    return {values["StudyInstanceUID"] for values in OBJECTS if matches(values)}


KEPT = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@KEPT
@given(
    pattern=WILD
    | st.sampled_from(NAMES[1:])
    | st.sampled_from(["DOE^*", "*^J*", "doe*", "?oe^*", "王*", "*=王^小东", "=*", "^*", "y*==や*", "*=*=や*", "=^*"])
)
def test_names_like_the_naive_matcher(filled, pattern):
    found = studies(filled, PatientName=pattern, SpecificCharacterSet="ISO_IR 192")
    assert found == expected(lambda values: naive_name(pattern, values["PatientName"]))


YAMADA, HANAKO, WANG = "Yamada^Tarou=山田^太郎=やまだ^たろう", "=山田^花子", "Wang^XiaoDong=王^小东"
KIM = "Doe^Kim=도^김=Doe^Min"


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("yamada*", {YAMADA}),
        ("山田*", {YAMADA, HANAKO}),
        ("やまだ*", {YAMADA}),
        ("=山田*", {YAMADA, HANAKO}),
        ("=やまだ*", set()),
        ("==やまだ*", {YAMADA}),
        ("==山田*", set()),
        ("Y*==やまだ*", {YAMADA}),
        ("W*==やまだ*", set()),
        ("*=山田^太郎", {YAMADA}),
        ("W*=王*", {WANG}),
        ("Wang^XiaoDong=王^小东", {WANG}),
        ("yamada*=*=*", {YAMADA}),
        ("*min", {KIM}),
        ("doe^min", {KIM}),
        ("=doe*", set()),
        ("==DOE^*", {KIM}),
        ("yamada*やまだ*", set()),
        ("müller*", {"MÜLLER^JÖRG"}),
        ("MÜLLER^jö??", {"MÜLLER^JÖRG"}),
        ("STRASSE", {"Straße"}),
    ],
)
def test_groups_of_a_name_match_group_by_group(filled, key, names):
    """PS3.5 6.2.1: alphabetic, ideographic and phonetic group; an empty group of the key is universal."""
    found = search(filled, PatientName=key, SpecificCharacterSet="ISO_IR 192")
    assert {str(answer.PatientName) for answer in found} == names


@pytest.mark.parametrize(
    ("key", "index"),
    [
        ("YAMADA*", "ix_studies_patient_name_folded"),
        ("DOE^*", "ix_studies_patient_name_folded"),
        ("=山田*", "ix_studies_patient_name_groups"),
        ("==やまだ*", "ix_studies_patient_name_groups"),
        ("山田*", "ix_studies_patient_name_groups"),
    ],
)
def test_names_use_an_index(filled, key, index):
    statement, _ = Search.parse("study", ds(QueryRetrieveLevel="STUDY", PatientName=key)).build_statement("sqlite")
    compiled = statement.compile(filled.db.engine, compile_kwargs={"literal_binds": True})
    with filled.db.engine.connect() as connection:
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")]
    assert any(index in step for step in plan), plan
    assert [step for step in plan if step == "SCAN studies"] == []


@KEPT
@given(pattern=WILD | st.sampled_from(NUMBERS) | st.sampled_from(["A?", "*1", "[A]*", "a*"]))
def test_texts_like_the_naive_matcher(filled, pattern):
    found = studies(filled, AccessionNumber=pattern, SpecificCharacterSet="ISO_IR 192")
    assert found == expected(lambda values: naive_text(pattern, values["AccessionNumber"]) or not pattern)


@KEPT
@given(
    first=st.sampled_from([*DATES, "20240101", "19000101", "20991231"]),
    last=st.sampled_from([*DATES, "20240101", "19000101", "20991231"]),
    single=st.booleans(),
)
def test_dates_like_the_naive_matcher(filled, first, last, single):
    key = first if single else f"{first}-{last}"
    low, high = (first, first) if single else (first, last)

    def matches(values):
        date = values["StudyDate"]
        return not (low or high) or bool(date and (low or date) <= date <= (high or date))

    assert studies(filled, StudyDate=key) == expected(matches)


BOUND = st.sampled_from(
    ["", "10", "1015", "101500", "101500.0", "101500.500", "101559", "09", "0959", "235959", "000000.0"]
)


@KEPT
@given(first=BOUND, last=BOUND, single=st.booleans())
def test_times_like_the_naive_matcher(filled, first, last, single):
    key = first if single else f"{first}-{last}"
    low, high = (first, first) if single else (first, last)

    def matches(values):
        time = seconds(values["StudyTime"])
        if not (low or high):
            return True
        if time is None:
            return False
        after = not low or time >= seconds(low)
        return after and (not high or time <= seconds(high, last=True))

    assert studies(filled, StudyTime=key) == expected(matches)


@KEPT
@given(
    name=st.sampled_from(["", "*", "DOE*", "d*"]),
    patient=st.sampled_from(["", "P1", "P?", "p1"]),
    date=st.sampled_from(["", "20240430-", "20240501"]),
    modality=st.sampled_from(["", "CT", "SR\\OT", "C?", "XX"]),
)
def test_keys_together_like_the_naive_matcher(filled, *, name, patient, date, modality):
    in_study = {}
    for values in OBJECTS:
        in_study.setdefault(values["StudyInstanceUID"], set()).add(values["Modality"])

    def matches(values):
        uid = values["StudyInstanceUID"]
        return (
            naive_name(name, values["PatientName"])
            and (not patient or naive_text(patient, values["PatientID"]))
            and (not date or (values["StudyDate"] >= "20240430" if "-" in date else values["StudyDate"] == date))
            and any(not one or naive_text(one, own) for one in modality.split("\\") for own in in_study[uid])
        )

    keys = {"PatientName": name, "PatientID": patient, "StudyDate": date, "ModalitiesInStudy": modality.split("\\")}
    assert studies(filled, **keys) == expected(matches)


def test_lists_of_uids_at_every_level(filled):
    chosen = ["1.3", "1.5", "1.999"]
    assert studies(filled, StudyInstanceUID=chosen) == {"1.3", "1.5"}
    for level, keyword in (("SERIES", "SeriesInstanceUID"), ("IMAGE", "SOPInstanceUID")):
        found = search(filled, level, StudyInstanceUID=chosen, **{keyword: ""})
        assert {answer[keyword].value for answer in found} == {
            values[keyword] for values in OBJECTS if values["StudyInstanceUID"] in chosen
        }
        assert len(found) == len({answer[keyword].value for answer in found})


def test_a_uid_key_has_no_wildcards(filled):
    assert studies(filled, StudyInstanceUID="1.?") == set()
    assert len(studies(filled, StudyInstanceUID="*")) == 60


def test_counts(filled):
    for answer in search(
        filled,
        StudyInstanceUID="",
        PatientID="",
        NumberOfStudyRelatedSeries="",
        NumberOfStudyRelatedInstances="",
        NumberOfPatientRelatedStudies="",
        NumberOfPatientRelatedSeries="",
        NumberOfPatientRelatedInstances="",
        ModalitiesInStudy="",
        SOPClassesInStudy="",
    ):
        of_study = [one for one in OBJECTS if one["StudyInstanceUID"] == answer.StudyInstanceUID]
        of_patient = [one for one in OBJECTS if one["PatientID"] == answer.PatientID]
        assert answer.NumberOfStudyRelatedSeries == len({one["SeriesInstanceUID"] for one in of_study})
        assert answer.NumberOfStudyRelatedInstances == len(of_study)
        assert answer.NumberOfPatientRelatedStudies == len({one["StudyInstanceUID"] for one in of_patient})
        assert answer.NumberOfPatientRelatedSeries == len({one["SeriesInstanceUID"] for one in of_patient})
        assert answer.NumberOfPatientRelatedInstances == len(of_patient)
        modalities = answer.ModalitiesInStudy
        assert {modalities} if isinstance(modalities, str) else set(modalities) == {one["Modality"] for one in of_study}
        assert answer.SOPClassesInStudy == filled.ct().SOPClassUID
    for answer in search(filled, "SERIES", SeriesInstanceUID="", NumberOfSeriesRelatedInstances=""):
        assert answer.NumberOfSeriesRelatedInstances == sum(
            one["SeriesInstanceUID"] == answer.SeriesInstanceUID for one in OBJECTS
        )


def test_patients_are_answered_once(filled):
    answers = search(filled, "PATIENT", "patient", PatientID="", NumberOfPatientRelatedStudies="")
    identities = [answer.PatientID for answer in answers]
    assert sorted(identities) == sorted({one["PatientID"] for one in OBJECTS})
    (one,) = search(filled, "PATIENT", "patient", PatientID="P1", NumberOfPatientRelatedStudies="")
    assert one.NumberOfPatientRelatedStudies == len(
        {values["StudyInstanceUID"] for values in OBJECTS if values["PatientID"] == "P1"}
    )


def test_patients_without_an_id_are_told_apart_by_name_and_issuer(node):
    for number, (name, identity, issuer) in enumerate(
        [("A", "", ""), ("A", "", ""), ("B", "", ""), ("A", "7", ""), ("C", "7", ""), ("A", "7", "X")]
    ):
        node.store(
            node.ct(
                StudyInstanceUID=f"1.{number}",
                SeriesInstanceUID=f"1.{number}.1",
                SOPInstanceUID=f"1.{number}.1.1",
                PatientName=name,
                PatientID=identity,
                IssuerOfPatientID=issuer,
            )
        )
    answers = search(node, "PATIENT", "patient", PatientName="", PatientID="", IssuerOfPatientID="")
    found = sorted((str(one.PatientName), one.PatientID or "", one.IssuerOfPatientID or "") for one in answers)
    assert found == [("A", "", ""), ("A", "7", ""), ("A", "7", "X"), ("B", "", "")]


def test_hierarchy_of_patient_root(filled):
    for level, keyword in (("STUDY", "StudyInstanceUID"), ("SERIES", "SeriesInstanceUID"), ("IMAGE", "SOPInstanceUID")):
        found = search(filled, level, "patient", PatientID="P1", **{keyword: ""})
        assert {answer[keyword].value for answer in found} == {
            values[keyword] for values in OBJECTS if values["PatientID"] == "P1"
        }


def test_image_level_numbers_and_classes(filled):
    (answer,) = search(
        filled, "IMAGE", SeriesInstanceUID="1.0.0", InstanceNumber="0", SOPClassUID=filled.ct().SOPClassUID, Rows=""
    )
    assert (answer.InstanceNumber, answer.SOPClassUID, answer.Rows) == (0, filled.ct().SOPClassUID, None)
    assert search(filled, "IMAGE", SeriesInstanceUID="1.0.0", SOPClassUID="1.2.840.10008.5.1.4.1.1.4") == []


def test_number_keys_match_by_value(node):
    node.store(node.ct(SeriesNumber="3", Rows=512))
    assert len(search(node, "SERIES", SeriesNumber="+03")) == 1
    assert len(search(node, "IMAGE", Rows=512)) == 1
    assert search(node, "IMAGE", Rows=256) == []


def test_image_type_matches_each_of_its_values(node):
    node.store(node.ct(ImageType=["ORIGINAL", "PRIMARY", "AXIAL"]))
    for key, count in (("AXIAL", 1), ("PRIMARY", 1), ("ORIGINAL", 1), ("AX*", 1), ("LOCALIZER", 0), ("PRIM", 0)):
        assert len(search(node, "IMAGE", ImageType=key)) == count, key
    (answer,) = search(node, "IMAGE", ImageType="")
    assert list(answer.ImageType) == ["ORIGINAL", "PRIMARY", "AXIAL"]


@pytest.mark.parametrize(
    ("key", "matches"),
    [
        ("20240501", True),
        ("20240501101500-20240501101600", True),
        ("20240501101530.25", True),
        ("20240501101530.25+0200", True),
        ("20240501101531-", False),
        ("-20240501", True),
        ("-20240430", False),
        ("202405010000-", True),
        ("2025-", False),
    ],
)
def test_date_times(node, key, matches):
    node.store(node.ct(AcquisitionDateTime="20240501101530.25"))
    assert bool(search(node, "IMAGE", AcquisitionDateTime=key)) == matches


def test_only_what_was_asked_for_and_is_known_comes_back(filled):
    """PS3.4 C.2.2.1.3: an optional key that is not supported, or of a lower level, is not returned."""
    (answer,) = search(
        filled,
        StudyInstanceUID="1.3",
        PatientSex="",
        SeriesDescription="x",
        RequestAttributesSequence=[],
        OtherPatientIDs="7",
        RetrieveAETitle="",
        InstanceAvailability="",
    )
    assert {element.keyword for element in answer} == {
        "QueryRetrieveLevel",
        "StudyInstanceUID",
        "PatientSex",
        "RetrieveAETitle",
        "InstanceAvailability",
    }
    for element in answer:
        if element.keyword not in ("QueryRetrieveLevel", "StudyInstanceUID"):
            assert element.is_empty, element.keyword


@pytest.mark.parametrize("root", ["study", "patient"])
@pytest.mark.parametrize("key", ["CT", "MR", "SR", "SR\\OT", "C?", "*", ""])
def test_the_modality_of_a_study_is_that_of_any_of_its_series(filled, root, key):
    """A key of the SERIES level (PS3.4 C.6.2.1.3), matched as Modalities in Study and returned empty."""
    found = search(filled, root=root, StudyInstanceUID="", Modality=key.split("\\"))
    in_study = {}
    for values in OBJECTS:
        in_study.setdefault(values["StudyInstanceUID"], set()).add(values["Modality"])
    wanted = key.split("\\")
    assert {answer.StudyInstanceUID for answer in found} == {
        uid for uid, own in in_study.items() if any(naive_text(one, each) for one in wanted for each in own)
    }
    assert all("Modality" in answer and not answer.Modality for answer in found)
    assert {answer.StudyInstanceUID for answer in found} == studies(filled, ModalitiesInStudy=wanted)


def test_the_modality_of_a_series_is_its_own(filled):
    found = search(filled, "SERIES", SeriesInstanceUID="", Modality="SR")
    assert {answer.SeriesInstanceUID for answer in found} == {
        values["SeriesInstanceUID"] for values in OBJECTS if values["Modality"] == "SR"
    }


def test_unsupported_keys_are_named(node):
    identifier = ds(
        QueryRetrieveLevel="STUDY",
        PatientName="",
        Modality="CT",
        OtherPatientIDs="",
        ModalitiesInStudy="",
        StudyDate="",
    )
    identifier.add_new(0x00091001, "LO", "private")
    assert set(Search.parse("study", identifier).unsupported) == {"Modality", "OtherPatientIDs", "00091001"}


@pytest.mark.parametrize("name", ["MÜLLER^JÖRG", "Wang^XiaoDong=王^小东"])
def test_other_scripts_survive_the_wire(filled, name):
    (answer, *_) = search(filled, PatientName=name, PatientID="", SpecificCharacterSet="ISO_IR 192")
    assert answer.SpecificCharacterSet == "ISO_IR 192"
    assert str(answer.PatientName) == name


def test_plain_answers_name_no_character_set(filled):
    (answer, *_) = search(filled, PatientName="DOE^JOHN", SpecificCharacterSet="ISO_IR 100")
    assert "SpecificCharacterSet" not in answer


@pytest.mark.parametrize("level", ["", "PATIENT", "STUDIES", "study", "IMAGE\\SERIES"])
def test_a_wrong_level_is_refused(level):
    with pytest.raises(IdentifierError, match="STUDY, SERIES, IMAGE") as refused:
        parse(level.split("\\"))
    assert refused.value.status == 0xA900
    assert len(refused.value.reason) <= 64


def test_a_missing_level_is_refused():
    with pytest.raises(IdentifierError):
        Search.parse("patient", ds(PatientID="1"))


def test_a_flood_of_uids_is_refused_and_many_are_not(filled):
    with pytest.raises(IdentifierError, match="10000"):
        studies(filled, StudyInstanceUID=[f"1.{n}" for n in range(10_001)])
    assert len(studies(filled, StudyInstanceUID=[f"1.{n}" for n in range(10_000)])) == 60
    with pytest.raises(IdentifierError, match="PatientName: more than 50"):
        studies(filled, PatientName=["A*"] * 51)
    keys = {keyword: ["A*B", "A^*"] * 25 for keyword in ("PatientName", "AccessionNumber", "StudyDescription")}
    assert studies(filled, **keys) == set()


@pytest.mark.parametrize("value", ["*a" * 600, "A^" * 30_000, "?" * 1025])
def test_a_value_that_is_longer_than_any_pattern_may_be_is_refused(value):
    with pytest.raises(IdentifierError, match="a value of more than 1024 characters") as refused:
        Search.parse("study", ds(QueryRetrieveLevel="STUDY", PatientName=value))
    assert refused.value.status == 0xA900


def test_broken_text_in_the_index_can_be_answered(node):
    broken = node.ct()
    broken.add_new(0x00200011, "LO", "seven")
    broken.add_new(0x00080020, "LO", "yesterday")
    broken.add_new(0x00281050, "DS", "1")
    broken.add_new(0x00180050, "LO", "thick")
    node.store(broken)
    (answer,) = search(node, "IMAGE", SeriesNumber="", StudyDate="", SliceThickness="", SOPInstanceUID="")
    assert (answer.SeriesNumber, answer.StudyDate, answer.SliceThickness) == (None, "yesterday", None)


def test_one_statement_whatever_the_number_of_matches(filled):
    statements = []

    def note(_connection, _cursor, statement, *_):
        statements.append(statement)

    event.listen(filled.db.engine, "before_cursor_execute", note)
    try:
        search(filled, StudyInstanceUID="", ModalitiesInStudy="", NumberOfStudyRelatedInstances="")
    finally:
        event.remove(filled.db.engine, "before_cursor_execute", note)
    assert [statement.split()[0] for statement in statements] == ["BEGIN", "SELECT"]


def test_an_abandoned_search_gives_its_connection_back(filled, monkeypatch):
    monkeypatch.setattr(query, "_BATCH", 2)
    answers = parse(StudyInstanceUID="").encode_matches(filled.db, implicit=True)
    assert len(list(itertools.islice(answers, 3))) == 3
    assert filled.db.engine.pool.checkedout() == 1
    answers.close()
    assert filled.db.engine.pool.checkedout() == 0


def test_unique_keys_and_foreign_keys_use_an_index(filled):
    plans = []
    for level, keys in (
        ("STUDY", {"StudyInstanceUID": "1.3"}),
        ("STUDY", {"PatientID": "P1"}),
        ("STUDY", {"AccessionNumber": "A1"}),
        ("STUDY", {"StudyDate": "20240101-20240131"}),
        ("SERIES", {"SeriesInstanceUID": "1.3.0", "StudyInstanceUID": ""}),
        ("IMAGE", {"SOPInstanceUID": "1.3.0.0", "StudyInstanceUID": ""}),
        ("IMAGE", {"SeriesInstanceUID": "1.3.0"}),
    ):
        statement, _ = Search.parse("study", ds(QueryRetrieveLevel=level, **keys)).build_statement("sqlite")
        compiled = statement.compile(filled.db.engine, compile_kwargs={"literal_binds": True})
        with filled.db.engine.connect() as connection:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")]
        plans += [(keys, step) for step in plan if step.startswith("SCAN")]
    assert plans == []


@pytest.mark.parametrize("dialect", ["postgresql"])
def test_wildcards_are_escaped_for_other_databases(dialect):
    search = Search.parse("study", ds(QueryRetrieveLevel="STUDY", AccessionNumber="a_%!*?"))
    statement, _ = search.build_statement(dialect)
    values = statement.compile().params.values()
    assert set(values) == {"a_%!", 'a_%"', "a!_!%!!%_"}
