"""A character without a visible form is replaced, whatever it stands for."""

from __future__ import annotations

import pytest

from dicom.printable import make_printable


@pytest.mark.parametrize(("substitute", "shown"), [("?", "a?b??c é"), (" ", "a b  c é"), ("", "abc é")])
def test_what_has_no_visible_form_is_replaced(substitute: str, shown: str) -> None:
    assert make_printable("a\x1bb\n\u202ec é", substitute) == shown
