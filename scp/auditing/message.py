"""An event of the audit log as an audit message in XML (DICOM PS3.15 A.5.1)."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC
from typing import Final
from xml.etree import ElementTree as ET

from scp.auditing.kinds import ACTIVITY, AUTHENTICATION, SECURITY, Code, Kind, find_kind
from storage.auditing.trail import Entry

SUCCESS: Final = "0"
MINOR_FAILURE: Final = "4"

_APPLICATION: Final = Code("110150", "Application")
_DESTINATION: Final = Code("110152", "Destination Role ID")
_SOURCE: Final = Code("110153", "Source Role ID")
_STUDY: Final = Code("110180", "Study Instance UID")
_NODE: Final = Code("110182", "Node ID")
_APPLICATION_SERVER: Final = "4"
_MACHINE_NAME: Final = "1"
_OTHERS: Final = {"source": _DESTINATION, "destination": _SOURCE}
"""The node's role where the peer has the other one."""
_ROLES: Final = {"source": _SOURCE, "destination": _DESTINATION}


@dataclass(frozen=True, slots=True)
class Origin:
    """Who writes the messages: AE title, machine, the name of this source, and whether patients' IDs are written."""

    ae_title: str
    host: str
    source_id: str
    patient_ids: bool = False


def format_message(entry: Entry, origin: Origin) -> str:
    """Return the message of an event: one line, without a declaration."""
    event = entry.event
    kind = find_kind(event.kind)
    root = ET.Element("AuditMessage")
    identification = ET.SubElement(
        root,
        "EventIdentification",
        EventActionCode=kind.action,
        EventDateTime=event.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        EventOutcomeIndicator=MINOR_FAILURE if kind.failed else SUCCESS,
    )
    _add_code(identification, "EventID", kind.event)
    if kind.narrower is not None:
        _add_code(identification, "EventTypeCode", kind.narrower)
    _add_participants(root, entry, kind, origin)
    source = ET.SubElement(root, "AuditSourceIdentification", AuditSourceID=origin.source_id)
    ET.SubElement(source, "AuditSourceTypeCode", {"csd-code": _APPLICATION_SERVER})
    _add_objects(root, entry, kind, origin)
    return ET.tostring(root, encoding="unicode")


def _add_participants(root: ET.Element, entry: Entry, kind: Kind, origin: Origin) -> None:
    """Add the node, and the peer or person of the event (A.5.2.2)."""
    event = entry.event
    other = event.person if kind.part == "person" else event.peer_ae
    node = ET.SubElement(
        root,
        "ActiveParticipant",
        UserID=origin.ae_title,
        AlternativeUserID=f"AETITLES={origin.ae_title}",
        UserIsRequestor="false" if other else "true",
        NetworkAccessPointID=origin.host,
        NetworkAccessPointTypeCode=_MACHINE_NAME,
    )
    _add_code(node, "RoleIDCode", _OTHERS.get(kind.part, _APPLICATION))
    for name in dict.fromkeys(filter(None, (other, event.person))):
        participant = ET.SubElement(
            root, "ActiveParticipant", UserID=name, UserIsRequestor="false" if kind.part == "destination" else "true"
        )
        role = _ROLES.get(kind.part) if name == other else None
        if role is not None:
            _add_code(participant, "RoleIDCode", role)


def _add_objects(root: ET.Element, entry: Entry, kind: Kind, origin: Origin) -> None:
    """Add study and patient, the subject of an alert, and the place in the chain (A.5.2.4)."""
    event = entry.event
    if kind.event is SECURITY:
        alert = _add_object(root, event.peer_ae or event.person or origin.ae_title, ("2", "13"), _NODE, "subject")
        _add_detail(alert, "Alert Description", f"{event.kind}: {event.text}")
    elif kind.event not in (ACTIVITY, AUTHENTICATION):
        uid = entry.study_instance_uid or event.series_instance_uid or event.sop_instance_uid
        if uid:
            study = _add_object(root, uid, ("2", "3"), _STUDY, "study")
            for name, value in (
                ("Event", f"{event.kind}: {event.text}"),
                ("SeriesInstanceUID", event.series_instance_uid),
                ("SOPInstanceUID", event.sop_instance_uid),
            ):
                if value:
                    _add_detail(study, name, value)
        if origin.patient_ids and entry.patient_id:
            issued = "^^^".join(filter(None, (entry.patient_id, entry.issuer_of_patient_id)))
            _add_object(root, issued, ("1", "1"), Code("2", "Patient Number"), "patient", system="RFC-3881")
    chain = _add_object(
        root, f"audit-log/{entry.position}", ("2", "13"), Code("12", "URI"), "audit log", system="RFC-3881"
    )
    _add_detail(chain, "SHA-256", entry.digest)


def _add_object(
    root: ET.Element, identifier: str, types: tuple[str, str], code: Code, name: str, *, system: str = "DCM"
) -> ET.Element:
    item = ET.SubElement(
        root,
        "ParticipantObjectIdentification",
        ParticipantObjectID=identifier,
        ParticipantObjectTypeCode=types[0],
        ParticipantObjectTypeCodeRole=types[1],
    )
    _add_code(item, "ParticipantObjectIDTypeCode", code, system)
    ET.SubElement(item, "ParticipantObjectName").text = name
    return item


def _add_detail(item: ET.Element, name: str, value: str) -> None:
    encoded = base64.b64encode(value.encode()).decode("ascii")
    ET.SubElement(item, "ParticipantObjectDetail", type=name, value=encoded)


def _add_code(item: ET.Element, name: str, code: Code, system: str = "DCM") -> None:
    ET.SubElement(item, name, {"csd-code": code.value, "codeSystemName": system, "originalText": code.meaning})
