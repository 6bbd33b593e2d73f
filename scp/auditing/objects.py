"""What an audit message is about: a study, a patient, a query, whom an alert concerns (DICOM PS3.15 A.5.2, A.5.3)."""

from __future__ import annotations

from typing import Final
from xml.etree import ElementTree as ET

from scp.auditing.elements import OLDER_CODES, add_detail, add_object
from scp.auditing.kinds import ACTIVITY, AUTHENTICATION, SECURITY, Code, Kind
from scp.auditing.origin import Origin
from storage.auditing.statements import Queried, Refused, Retrieved, Retrieving, Statement
from storage.auditing.trail import Entry

_STUDY: Final = Code("110180", "Study Instance UID")
_SOP_CLASS: Final = Code("110181", "SOP Class UID")
_NODE: Final = Code("110182", "Node ID")
_PATIENT: Final = Code("2", "Patient Number")
_URI: Final = Code("12", "URI")

_SYSTEM_REPORT, _SYSTEM_SECURITY, _PERSON_PATIENT = ("2", "3"), ("2", "13"), ("1", "1")


def add_objects(root: ET.Element, entry: Entry, kind: Kind, origin: Origin, statement: Statement | None) -> None:
    """Add the objects of an event, and its place in the chain."""
    if kind.event is SECURITY:
        _add_alert(root, entry, origin, statement)
    elif isinstance(statement, Queried):
        _add_query(root, statement)
    elif kind.event not in (ACTIVITY, AUTHENTICATION):
        _add_study(root, entry, statement)
        if origin.patient_ids and entry.patient_id:
            issued = "^^^".join(filter(None, (entry.patient_id, entry.issuer_of_patient_id)))
            add_object(root, issued, _PERSON_PATIENT, _PATIENT, name="patient", system=OLDER_CODES)
    place = f"audit-log/{entry.position}"
    chain = add_object(root, place, _SYSTEM_SECURITY, _URI, name="audit log", system=OLDER_CODES)
    add_detail(chain, "SHA-256", entry.digest)


def _add_alert(root: ET.Element, entry: Entry, origin: Origin, statement: Statement | None) -> None:
    """Add whom an alert is about: a node by its address where that is known (A.5.3.11)."""
    event = entry.event
    words = event.text if statement is None else statement.describe()
    host = statement.host if isinstance(statement, Refused) else ""
    node = host or event.peer_ae or event.person or origin.ae_title
    alert = add_object(root, node, _SYSTEM_SECURITY, _NODE, name="subject")
    add_detail(alert, "Alert Description", f"{event.kind}: {words}")


def _add_query(root: ET.Element, queried: Queried) -> None:
    """Add the SOP Class that was queried, and the query (A.5.3.10)."""
    item = add_object(root, queried.sop_class_uid, _SYSTEM_REPORT, _SOP_CLASS, query=queried.query)
    add_detail(item, "TransferSyntax", queried.transfer_syntax_uid)
    if queried.count > 1:
        add_detail(item, "Repeats", str(queried.count))


def _add_study(root: ET.Element, entry: Entry, statement: Statement | None) -> None:
    """Add the study, with the SOP Classes of what was transferred where they were counted (A.5.3.3, A.5.3.7)."""
    event = entry.event
    retrieved = statement if isinstance(statement, Retrieved | Retrieving) else None
    known = entry.study_instance_uid if retrieved is None else retrieved.study_instance_uid
    uid = known or event.series_instance_uid or event.sop_instance_uid
    if not uid:
        return
    words = event.text if statement is None else statement.describe()
    series = (event.series_instance_uid,) if retrieved is None else retrieved.series
    study = add_object(root, uid, _SYSTEM_REPORT, _STUDY, name="study")
    for name, value in (
        ("Event", f"{event.kind}: {words}"),
        *(("SeriesInstanceUID", each) for each in series),
        ("SOPInstanceUID", event.sop_instance_uid),
    ):
        if value:
            add_detail(study, name, value)
    for sop_class_uid, count in sorted(retrieved.classes.items()) if retrieved else ():
        ET.SubElement(study, "SOPClass", UID=sop_class_uid, NumberOfInstances=str(count))
