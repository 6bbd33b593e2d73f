"""Decimal strings as the Standard has them, and as writers with another locale put them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicom.decimals import parse_decimal, parse_decimals


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-1024", -1024.0),
        (" 1.25 ", 1.25),
        (".5", 0.5),
        ("5.", 5.0),
        ("+2E-1", 0.2),
        ("-1024,0", -1024.0),
        ("0,5\0", 0.5),
        (",5", 0.5),
        ("\0\0", None),
        ("1,024,000", None),  # separates thousands
        ("1.024,5", None),
        ("1,", None),
        (",", None),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        ("1_000", None),
        ("\N{ARABIC-INDIC DIGIT ONE}", None),
        ("0x10", None),
        ("1 2", None),
        ("", None),
    ],
)
def test_one_value(text, value):
    assert parse_decimal(text) == value


@pytest.mark.parametrize(
    ("parts", "count", "values"),
    [
        (["0,5", "0,75"], 2, (0.5, 0.75)),
        (["0,5", "0.75"], 2, (0.5, 0.75)),
        (["0,5"], 2, None),
        (["0,5", "0,5", "0,5"], 2, None),
        (["0,5", "wide"], None, None),
        ([], None, None),
    ],
)
def test_several_values(parts, count, values):
    assert parse_decimals(parts, count) == values


@given(st.floats(-1e6, 1e6), st.sampled_from(".,"))
def test_a_number_written_with_either_sign_is_read_back(number, sign):
    assert parse_decimal(f"{number:.6f}".replace(".", sign)) == float(f"{number:.6f}")
