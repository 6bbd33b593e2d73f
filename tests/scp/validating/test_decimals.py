"""Numbers of spreadsheets: settled by the file, or refused."""

import pytest

from scp.validating.decimals import Ambiguous, NotANumber, find_mark, parse_number


@pytest.mark.parametrize(
    ("text", "mark", "value"),
    [
        ("0", None, 0),
        ("1234", None, 1234),
        ("12.5", None, 12.5),
        ("12,5", None, 12.5),
        (",5", None, 0.5),
        ("1.234,5", None, 1234.5),
        ("1,234.5", None, 1234.5),
        ("1 234,5", None, 1234.5),
        ("1'234.5", None, 1234.5),
        ("12.345.678", None, 12345678),
        ("1,234", ".", 1234),
        ("1,234", ",", 1.234),
        ("1.234", ",", 1234),
        ("367.412", ".", 367.412),
        ("12,5", ".", 12.5),
    ],
)
def test_a_number_is_read(text, mark, value):
    assert parse_number(text, mark) == value


@pytest.mark.parametrize("text", ["1,234", "999.999"])
def test_what_may_be_two_numbers_is_refused(text):
    with pytest.raises(Ambiguous):
        parse_number(text, None)


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "1e3", "nan", "inf", "1,2,3", "1.2.3", "12a", "\N{ARABIC-INDIC DIGIT ONE}"]
)
def test_what_is_no_number_is_refused(text):
    with pytest.raises(NotANumber):
        parse_number(text, None)


@pytest.mark.parametrize(
    ("texts", "mark"),
    [(["1,234", "5.9"], "."), (["1.234", "5,9"], ","), (["1,234", "7"], None), (["5.9", "5,9"], None), ([], None)],
)
def test_the_file_settles_the_mark(texts, mark):
    assert find_mark(texts) == mark
