"""The elements that audit messages are made of (DICOM PS3.15 A.5.1)."""

from __future__ import annotations

import base64
from typing import Final
from xml.etree import ElementTree as ET

from scp.auditing.kinds import Code

OLDER_CODES: Final = "RFC-3881"
"""The scheme of codes that DICOM took over."""


def add_code(item: ET.Element, name: str, code: Code, system: str = "DCM") -> None:
    """Add a coded value (CodedValueType)."""
    ET.SubElement(item, name, {"csd-code": code.value, "codeSystemName": system, "originalText": code.meaning})


def add_object(
    root: ET.Element,
    identifier: str,
    types: tuple[str, str],
    code: Code,
    *,
    name: str = "",
    query: str = "",
    system: str = "DCM",
) -> ET.Element:
    """Add a participating object, of Type Code and Role `types`, with its name or with a query in Base64."""
    item = ET.SubElement(
        root,
        "ParticipantObjectIdentification",
        ParticipantObjectID=identifier,
        ParticipantObjectTypeCode=types[0],
        ParticipantObjectTypeCodeRole=types[1],
    )
    add_code(item, "ParticipantObjectIDTypeCode", code, system)
    if name:
        ET.SubElement(item, "ParticipantObjectName").text = name
    else:
        ET.SubElement(item, "ParticipantObjectQuery").text = query
    return item


def add_detail(item: ET.Element, name: str, value: str) -> None:
    """Add a detail of an object; its value is encoded in Base64."""
    encoded = base64.b64encode(value.encode()).decode("ascii")
    ET.SubElement(item, "ParticipantObjectDetail", type=name, value=encoded)
