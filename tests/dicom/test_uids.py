"""What may stand where the Standard wants a UID."""

import pytest

from dicom.uids import is_keepable_uid, is_uid_form, is_valid_uid


@pytest.mark.parametrize(
    ("uid", "valid", "form", "keepable"),
    [
        ("1.2.840.10008.1.1", True, True, True),
        ("1.2.003.0004", False, True, True),
        ("1." * 31 + "12", True, True, True),
        ("1." * 31 + "123", False, False, False),
        ("STUDY-ABC", False, False, True),
        ("IMG_001", False, False, True),
        ("FOR X", False, False, True),
        ("1.2..3", False, False, True),
        ("", False, False, False),
        ("..", False, False, False),
        ("../x", False, False, False),
        ("1.2/3", False, False, False),
        ("1.2\\3", False, False, False),
        ("1.2.*", False, False, False),
        ("1.2.?", False, False, False),
        (" 1.2", False, False, False),
        ("1.2\n", False, False, False),
        ("1.2\0003", False, False, False),
        ("1.2\x1b[2J", False, False, False),
        ("1.2\x7f", False, False, False),
        ("1.2.\N{ARABIC-INDIC DIGIT THREE}", False, False, False),
        ("1.2\N{RIGHT-TO-LEFT OVERRIDE}3", False, False, False),
    ],
)
def test_three_degrees_of_a_uid(uid, valid, form, keepable):
    assert (is_valid_uid(uid), is_uid_form(uid), is_keepable_uid(uid)) == (valid, form, keepable)
