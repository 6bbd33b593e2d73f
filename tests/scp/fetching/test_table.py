"""The list of requests as spreadsheets and databases write it."""

import tracemalloc
from itertools import islice

import pytest

from config.errors import ConfigurationError
from scp.fetching.table import count_requests, read_table
from scp.fetching.wanted import Wanted


@pytest.fixture
def table(tmp_path):
    def write(content):
        path = tmp_path / "list.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    "text",
    [
        "study_instance_uid,accession_number\n1.2.3,\n,A1\n",
        "\ufeffstudy_instance_uid;accession_number\r\n1.2.3;\r\n;A1\r\n",
        '"accession_number"\t"study_instance_uid"\n""\t"1.2.3"\n"A1"',
        "Name,Study Instance UID, ACCESSION_NUMBER \nAnn,1.2.3,\n\n , ,\nBob,,A1\n\n",
        "study_instance_uid,accession_number\n1.2.3\n,A1,,,\n",
    ],
)
def test_forms_of_one_list(table, text):
    path = table(text)
    assert list(read_table(path)) == [Wanted(study_instance_uid="1.2.3"), Wanted(accession_number="A1")]
    assert count_requests(path) == 2


def test_every_column_is_read(table):
    path = table('patient_id,study_date,accession_number,study_instance_uid\n"P, 1",31.01.2024,A 1,1.2.3\n')
    assert list(read_table(path)) == [Wanted("1.2.3", "A 1", "P, 1", "20240131")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1 must name the columns, at least one of study_instance_uid, accession_number"),
        ("study,patient\n1.2.3,4", "line 1 must name the columns"),
        ("study_date\n20240101", "a study_date needs another column"),
        ("patient_id,patient_id\n1,2", "the column patient_id stands there twice"),
        ("study_instance_uid\n1.2.3\n\n1.2.x\n", "line 4, column study_instance_uid: '1.2.x' is not a UID"),
        ("patient_id,study_date\n4711,2024\n", "line 2, column study_date: '2024' is no date"),
        ("patient_id\n47*\n", "line 2, column patient_id: '47*' cannot be asked for"),
        ("patient_id,study_date\n,20240101\n", "line 2: a study_date alone"),
        ("patient_id,name\n,Ann\n", "line 2: nothing in patient_id"),
        ('patient_id\n"a\n', "line 2: unexpected end of data"),
        (b"patient_id\n\xfc\n", "save it as CSV UTF-8"),
        (b"p\x00a\x00t\x00\xff\xfe", "UTF-8"),
    ],
)
def test_a_list_that_cannot_be_used_says_where(table, text, words):
    with pytest.raises(ConfigurationError) as error:
        count_requests(table(text))
    assert words in str(error.value)
    assert "list.csv" in str(error.value)


def test_a_list_that_is_not_there(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        count_requests(tmp_path / "list.csv")


def test_a_long_list_is_not_held_in_memory(table):
    path = table("study_instance_uid,note\n" + "".join(f"1.2.{n},{'x' * 100}\n" for n in range(20_000)))
    tracemalloc.start()
    try:
        first = list(islice(read_table(path), 3))
        assert count_requests(path) == 20_000
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [item.study_instance_uid for item in first] == ["1.2.0", "1.2.1", "1.2.2"]
    assert path.stat().st_size > 2_000_000
    assert most < 500_000
