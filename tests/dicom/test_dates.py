"""Dates are read in every form that headers and results have, and a placeholder is no date."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from dicom.dates import format_date, normalise_date_time, normalise_offset, normalise_time, parse_date, scan_date


@pytest.mark.parametrize("text", ["20240229", "2024.02.29", "2024-02-29"])
def test_the_three_forms_are_one_day(text):
    assert parse_date(text) == date(2024, 2, 29)
    assert format_date(text) == "2024-02-29"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "2024",
        "202402",
        "20230229",
        "20241301",
        "00010101",
        "18491231",
        "2024-0229",
        "2024-02.29",
        "2024-W09-4",
        "20240229 ",
        "20240229120000",
        "\uff12\uff10\uff12\uff14\uff10\uff12\uff12\uff19",
        "today",
    ],
)
def test_what_is_no_day_is_none(text):
    assert parse_date(text) is None
    assert format_date(text) == ""


def test_the_first_year_is_a_year():
    assert parse_date("18500101") == date(1850, 1, 1)


@given(st.dates(min_value=date(1850, 1, 1)))
def test_every_day_is_read_back(day):
    assert parse_date(format_date(f"{day:%Y%m%d}".zfill(8))) == day


@given(st.text(max_size=12))
def test_no_text_raises(text):
    assert parse_date(text) is None or format_date(text)


@pytest.mark.parametrize(
    ("values", "day"),
    [
        ({"AcquisitionDate": "20240501", "SeriesDate": "20240502", "StudyDate": "20240503"}, date(2024, 5, 1)),
        ({"AcquisitionDate": "00010101", "AcquisitionDateTime": "20240504101112.5+0100"}, date(2024, 5, 4)),
        ({"AcquisitionDate": "2024.05.01"}, date(2024, 5, 1)),
        ({"AcquisitionDate": "", "SeriesDate": "20240502", "StudyDate": "20240503"}, date(2024, 5, 2)),
        ({"StudyDate": "20240503"}, date(2024, 5, 3)),
        ({"ContentDate": "20240503"}, None),
    ],
)
def test_the_day_of_the_scan_stands_nearest_to_the_acquisition(values, day):
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    assert scan_date(dataset) == day


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("10", "10"),
        ("9:15", "0915"),
        ("12:00 AM", "0000"),
        ("12:30 pm", "1230"),
        ("235960", "235960"),
        ("101112.5", "101112.5"),
        ("24", None),
        ("915", None),
        ("1", None),
        ("1061", None),
    ],
)
def test_times(text, time):
    assert normalise_time(text) == time


@pytest.mark.parametrize(
    ("text", "offset"),
    [("+0100", "+0100"), ("+01:00", "+0100"), ("-1200", "-1200"), ("+1400", "+1400"), ("-0000", None), ("+1401", None)],
)
def test_offsets_from_utc(text, offset):
    assert normalise_offset(text) == offset


@pytest.mark.parametrize(
    ("text", "legal"),
    [("2024", True), ("202402", True), ("2024022910", True), ("2024011", False), ("20240102101500.", False)],
)
def test_date_times(text, legal):
    assert normalise_date_time(text) == (text if legal else None)
