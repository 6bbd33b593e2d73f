"""What may be asked for, and what would ask for studies that nobody named."""

from datetime import date

import pytest

from scp.fetching.wanted import Wanted, list_days, parse_day, parse_days, parse_identifier, parse_uid


@pytest.mark.parametrize("text", ["1.2.840.113619.2.1", "2.25.0123", "1." + "2" * 62])
def test_a_uid_is_numbers_and_dots(text):
    assert parse_uid(text) == text


@pytest.mark.parametrize("text", ["", "1", "1.2.", "1.2.*", "1.2\\1.3", "A1", "1." + "2" * 63, "1.2 .3"])
def test_anything_else_is_no_uid(text):
    with pytest.raises(ValueError, match="is not a UID"):
        parse_uid(text)


@pytest.mark.parametrize("text", ["4711", "A-47 11", "患者四二", "Ö'x^y="])
def test_an_identifier_may_be_any_text(text):
    assert parse_identifier(text) == text


@pytest.mark.parametrize("text", ["*", "47?1", "a\\b", "a\nb", "a\x00b", "x" * 65])
def test_an_identifier_that_would_match_others_is_refused(text):
    with pytest.raises(ValueError, match="cannot be asked for"):
        parse_identifier(text)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("20240131", "20240131"),
        ("2024-01-31", "20240131"),
        ("2024/01/31", "20240131"),
        ("31.01.2024", "20240131"),
        ("1.2.2024", "20240201"),
        ("20240101-20240131", "20240101-20240131"),
        ("2024-01-01 - 2024-01-31", "20240101-20240131"),
        ("2024-01-01-2024-01-31", "20240101-20240131"),
        ("2024-01-01/2024-01-31", "20240101-20240131"),
        ("20240101-", "20240101-"),
        ("-20240131", "-20240131"),
        ("20240101-20240101", "20240101-20240101"),
    ],
)
def test_days_are_written_as_a_query_has_them(text, days):
    assert parse_days(text) == days


@pytest.mark.parametrize("text", ["", "-", "2024", "20240230", "20241301", "today", "20240131-20240101", "2024-0131"])
def test_what_is_no_date_is_refused(text):
    with pytest.raises(ValueError, match=r"date|day|ends before"):
        parse_days(text)


def test_a_range_is_asked_for_day_by_day():
    today = date(2024, 3, 2)
    asked = [item.study_date for item in list_days("20240228-", today)]
    assert asked == ["20240228", "20240229", "20240301", "20240302"]
    assert [item.study_date for item in list_days("20240228-20240229", today)] == ["20240228", "20240229"]
    assert [item.study_date for item in list_days("20240228", today)] == ["20240228"]
    assert list(list_days("20240303-", today)) == []
    with pytest.raises(ValueError, match="no first day"):
        list(list_days("-20240303", today))


def test_a_request_is_described_without_the_patient():
    assert Wanted(patient_id="4711").describe() == "a patient"
    assert Wanted(accession_number="A4711").describe() == "an accession number"
    assert Wanted(study_instance_uid="1.2.3", patient_id="4711").describe() == "study 1.2.3"
    assert parse_day("31.01.2024") == date(2024, 1, 31)
