import pytest

from dicom import status


@pytest.mark.parametrize(
    ("code", "outcome", "words"),
    [
        (0x0000, "delivered", "success"),
        (0xB000, "delivered", "warning"),
        (0xB007, "delivered", "warning"),
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
