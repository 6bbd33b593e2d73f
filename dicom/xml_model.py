"""The Native DICOM Model (PS3.19 A.1): data sets as XML, written from their form in the DICOM JSON Model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from pydicom.datadict import keyword_for_tag

from dicom.json_model import Element

MEDIA_TYPE: Final = "application/dicom+xml"
NAMESPACE: Final = "http://dicom.nema.org/PS3.19/models/NativeDICOM"

_NAME_PARTS: Final = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
_FORBIDDEN: Final = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 has no form for."""


def write(dataset: Mapping[str, Element]) -> bytes:
    """Write a data set as an XML document in UTF-8."""
    body = "".join(_write_elements(dataset))
    document = f'<?xml version="1.0" encoding="UTF-8"?><NativeDicomModel xmlns="{NAMESPACE}">{body}</NativeDicomModel>'
    return document.encode("utf-8", "replace")


def _write_elements(dataset: Mapping[str, Element]) -> Iterator[str]:
    for tag, element in sorted(dataset.items()):
        keyword = keyword_for_tag(int(tag, 16))
        named = f" keyword={quoteattr(keyword)}" if keyword else ""
        values = "".join(_write_values(element))
        yield f'<DicomAttribute tag="{tag}" vr="{element["vr"]}"{named}>{values}</DicomAttribute>'


def _write_values(element: Element) -> Iterator[str]:
    if "BulkDataURI" in element:
        yield f"<BulkData uri={quoteattr(element['BulkDataURI'])}/>"
    if "InlineBinary" in element:
        yield f"<InlineBinary>{element['InlineBinary']}</InlineBinary>"
    for number, value in enumerate(element.get("Value", []), 1):
        if element["vr"] == "SQ":
            yield f'<Item number="{number}">{"".join(_write_elements(value))}</Item>'
        elif element["vr"] == "PN":
            yield f'<PersonName number="{number}">{"".join(_write_name(value or {}))}</PersonName>'
        elif value is not None:
            yield f'<Value number="{number}">{_escape(value)}</Value>'


def _write_name(name: Mapping[str, str]) -> Iterator[str]:
    for group, text in name.items():
        parts = zip(_NAME_PARTS, text.split("^"), strict=False)
        yield f"<{group}>{''.join(f'<{part}>{_escape(word)}</{part}>' for part, word in parts if word)}</{group}>"


def _escape(value: Any) -> str:
    return escape(_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", str(value)))
