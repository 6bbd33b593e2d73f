"""Person names within the limits of PS3.5 6.2.1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicom.names import fit_name


@pytest.mark.parametrize(
    ("name", "fitted", "cut"),
    [
        ("DOE^J^^", "DOE^J^^", False),
        ("Yamada^Tarou=\u5c71\u7530^\u592a\u90ce=", "Yamada^Tarou=\u5c71\u7530^\u592a\u90ce=", False),
        ("A^B^C^D^E^F^G", "A^B^C^D^E F G", False),
        ("A^B^C^D^^^^", "A^B^C^D^", False),
        ("a=b=c=d", "a=b=c", True),
        ("a====", "a", False),
        ("^^=^", "", False),
        ("F" * 112 + "^GIVEN^^^", "F" * 55 + "^GIVEN^^^", True),
        ("F" * 40 + "^" + "G" * 40, "F" * 31 + "^" + "G" * 32, True),
    ],
)
def test_names(name: str, fitted: str, cut: bool) -> None:
    assert fit_name(name) == (fitted, cut)


@given(st.text(st.sampled_from("Ab ^=\u738b"), max_size=300))
def test_every_name_fits(name: str) -> None:
    groups = fit_name(name)[0].split("=")
    assert len(groups) <= 3
    assert all(len(group) <= 64 and group.count("^") <= 4 for group in groups)
