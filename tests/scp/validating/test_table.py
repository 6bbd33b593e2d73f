"""Files as they come out of spreadsheets, and rows that no reader meant."""

import pytest

from scp.validating import table
from scp.validating.table import UnusableTable, read_table

HEAD = "series_instance_uid,total,LM,LAD,LCX,RCA,reader,date\n"


def test_a_plain_file():
    (row,), refused = read_table((HEAD + "1.2.3,35.5,0,30.5,0,5,Dr. A,2026-03-02\n").encode())
    assert refused == []
    assert (row.line, row.column, row.name, row.total, row.reader, row.read_on) == (
        2,
        "series_instance_uid",
        "1.2.3",
        35.5,
        "Dr. A",
        "2026-03-02",
    )
    assert row.arteries == {"LM": 0, "LAD": 30.5, "LCX": 0, "RCA": 5}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_semicolons_decimal_commas_and_every_encoding(encoding):
    text = "Study Instance UID;Agatston;lad;Reader;Date\r\n1.2;1.234,5;;Dr. Müller;2.3.2026\r\n\r\n"
    (row,), refused = read_table(text.encode(encoding))
    assert refused == []
    assert (row.column, row.total, row.reader, row.read_on) == (
        "study_instance_uid",
        1234.5,
        "Dr. Müller",
        "2026-03-02",
    )


def test_the_first_filled_name_counts_and_other_columns_are_not_read():
    text = "accession\tseries_instance_uid\tnotes\ttotal\nA1\t\tx\t3\nA2\t1.2\ty\t4\n"
    rows, _ = read_table(text.encode())
    assert [(row.column, row.name) for row in rows] == [("accession_number", "A1"), ("series_instance_uid", "1.2")]


def test_a_sum_takes_the_place_of_a_total():
    (row,), _ = read_table((HEAD + "1.2,,1,2,3,4,,\n").encode())
    assert row.total == 10


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (",5,,,,,,", "row_no_name"),
        ("1.2; DROP,5,,,,,,", "row_uid"),
        ("1.2,five,,,,,,", "row_number"),
        ("1.2,-5,,,,,,", "row_number"),
        ("1.2,NaN,,,,,,", "row_number"),
        ('1.2,"1,234",,,,,,', "row_ambiguous"),
        ("1.2,900000,,,,,,", "row_range"),
        ("1.2,,1,2,,4,,", "row_no_total"),
        ("1.2,100,1,2,3,4,,", "row_sum"),
        ("1.2,5,,,,,,03/04/2026", "row_date"),
        ("1.2,5,,,,,,31.02.2026", "row_date"),
    ],
)
def test_a_row_that_cannot_be_used_is_told_with_its_line(line, code):
    rows, (refused,) = read_table((HEAD + "1.9,5,,,,,,\n" + line + "\n").encode())
    assert [row.name for row in rows] == ["1.9"]
    assert (refused.line, refused.code) == (3, code)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no row"),
        ("total\n5\n", "no column names the scan"),
        ("series_instance_uid,LAD\n1.2,5\n", "no column total"),
        ("series_instance_uid,total,cac\n1.2,5,5\n", "total stands there twice"),
        ("\x00\x01\x02", "no column"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(text, words):
    with pytest.raises(UnusableTable, match=words):
        read_table(text.encode())


def test_a_file_is_bounded(monkeypatch):
    monkeypatch.setattr(table, "MOST_ROWS", 2)
    with pytest.raises(UnusableTable, match="more than 2 rows"):
        read_table((HEAD + "1.2,5,,,,,,\n" * 3).encode())
    monkeypatch.setattr(table, "LONGEST_FILE", 10)
    with pytest.raises(UnusableTable, match="larger"):
        read_table(HEAD.encode())


def test_a_cell_that_is_too_long_is_no_crash():
    with pytest.raises(UnusableTable, match="not CSV"):
        read_table((HEAD + '"' + "1" * 200_000 + '",5,,,,,,\n').encode())
