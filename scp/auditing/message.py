"""An event of the audit log as an audit message in XML (DICOM PS3.15 A.5.1)."""

from __future__ import annotations

from datetime import UTC
from typing import Final
from xml.etree import ElementTree as ET

from scp.auditing.elements import add_code
from scp.auditing.kinds import find_kind
from scp.auditing.objects import add_objects
from scp.auditing.origin import Origin
from scp.auditing.participants import add_participants
from storage.auditing import statements
from storage.auditing.trail import Entry

SUCCESS: Final = "0"
MINOR_FAILURE: Final = "4"

_APPLICATION_SERVER: Final = "4"


def format_message(entry: Entry, origin: Origin) -> str:
    """Return the message of an event: one line, without a declaration."""
    event = entry.event
    statement = statements.read(event.kind, event.text)
    kind = find_kind(event.kind, statement)
    root = ET.Element("AuditMessage")
    identification = ET.SubElement(
        root,
        "EventIdentification",
        EventActionCode=kind.action,
        EventDateTime=event.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        EventOutcomeIndicator=MINOR_FAILURE if kind.failed else SUCCESS,
    )
    add_code(identification, "EventID", kind.event)
    if kind.narrower is not None:
        add_code(identification, "EventTypeCode", kind.narrower)
    add_participants(root, entry, kind, origin, statement)
    source = ET.SubElement(root, "AuditSourceIdentification", AuditSourceID=origin.source_id)
    ET.SubElement(source, "AuditSourceTypeCode", {"csd-code": _APPLICATION_SERVER})
    add_objects(root, entry, kind, origin, statement)
    return ET.tostring(root, encoding="unicode")
