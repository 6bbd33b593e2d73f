"""Elements as they are stored: looked up without a conversion that could fail."""

from __future__ import annotations

import struct
import zlib
from typing import Final

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError

DAMAGE: Final = (
    InvalidDicomError,
    BytesLengthException,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    NotImplementedError,
    RecursionError,
    struct.error,
    zlib.error,
)
"""Raised by pydicom for damaged files and values, as seen with some thousands of damaged files."""


def stored_element(dataset: Dataset, tag: int) -> DataElement | RawDataElement | None:
    """Return the element as it is stored; None when it is absent, or cannot be looked up because it is damaged.

    pydicom converts an element without a value when it is looked up, and that fails for an unknown VR.
    """
    if tag not in dataset:
        return None
    try:
        return dataset.get_item(tag)
    except DAMAGE:
        return None
