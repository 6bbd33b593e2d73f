import pytest
from pynetdicom.status import GENERAL_STATUS, STORAGE_SERVICE_CLASS_STATUS

from dicom import status


@pytest.mark.parametrize(
    ("code", "outcome", "words"),
    [
        (0x0000, "delivered", "success"),
        (0xB000, "delivered", "coercion of data elements"),
        (0xB006, "delivered", "elements discarded"),
        (0xB007, "delivered", "data set does not match SOP class, but is stored"),
        (0xB123, "delivered", "warning"),
        (0x0001, "delivered", "warning"),
        (0x0107, "delivered", "attribute list error"),
        (0x0116, "delivered", "attribute value out of range"),
        (0x0111, "delivered", "duplicate SOP instance"),
        (0xA700, "transient", "out of resources"),
        (0xA7FF, "transient", "out of resources"),
        (0x0110, "transient", "processing failure"),
        (0x0213, "transient", "resource limitation"),
        (0xA900, "permanent", "does not match"),
        (0xC123, "permanent", "cannot understand"),
        (0x0122, "permanent", "SOP class not supported"),
        (0x0124, "permanent", "not authorized"),
        (0x0117, "permanent", "invalid SOP instance"),
    ],
)
def test_what_an_answer_means_for_a_delivery(code, outcome, words):
    assert status.classify_outcome(code) == outcome
    assert words in status.format_status(code)
    assert f"0x{code:04X}" in status.format_status(code)


def test_the_class_of_every_general_status_is_that_of_an_independent_implementation():
    for code, (kind, *_) in STORAGE_SERVICE_CLASS_STATUS.items():
        if code != 0x0111:  # a failure that says that the object is there
            assert (status.classify_outcome(code) == "delivered") == (kind in {"Success", "Warning"}), f"{code:04X}"


def test_every_general_status_has_a_name_of_its_own():
    names = [status.format_status(code).partition(" ")[2] for code in GENERAL_STATUS]
    assert "failure" not in names
    assert len(set(names)) == len(names)
