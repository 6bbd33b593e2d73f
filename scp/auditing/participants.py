"""Who took part in an event: the node, the peer or person, who asked for it (DICOM PS3.15 A.5.2.2, A.5.3)."""

from __future__ import annotations

from typing import Final
from xml.etree import ElementTree as ET

from scp.auditing.elements import add_code
from scp.auditing.kinds import Code, Kind
from scp.auditing.origin import Origin
from storage.auditing.statements import Queried, Refused, Retrieved, Retrieving, Statement
from storage.auditing.trail import Entry

_APPLICATION: Final = Code("110150", "Application")
_DESTINATION: Final = Code("110152", "Destination Role ID")
_SOURCE: Final = Code("110153", "Source Role ID")
_MACHINE_NAME: Final = "1"
_ADDRESS: Final = "2"
_OTHERS: Final = {"source": _DESTINATION, "destination": _SOURCE, "receiver": _SOURCE}
"""The node's role where the peer has the other one."""
_ROLES: Final = {"source": _SOURCE, "destination": _DESTINATION, "receiver": _DESTINATION}
_NO_REQUESTORS: Final = ("destination", "subject")


def add_participants(root: ET.Element, entry: Entry, kind: Kind, origin: Origin, statement: Statement | None) -> None:
    """Add the node, the peer or person of the event, and the requestor of what went to a third party."""
    event = entry.event
    host = statement.host if isinstance(statement, Queried | Retrieving | Retrieved | Refused) else ""
    other = event.person if kind.part == "person" else event.peer_ae
    if kind.part == "receiver":
        other = event.peer_ae or event.person
    if kind.part == "subject":
        other = event.peer_ae or host
    _add_node(root, kind, origin, is_requestor=not other or kind.part == "subject")
    to = statement.to if isinstance(statement, Retrieving | Retrieved) else ""
    if to:
        _add(root, to, role=_DESTINATION, is_requestor=False)
    for name in dict.fromkeys(filter(None, (other, event.person))):
        role = _ROLES.get(kind.part) if name == other and not to else None
        _add(root, name, role=role, is_requestor=kind.part not in _NO_REQUESTORS, host=host if name == other else "")


def _add_node(root: ET.Element, kind: Kind, origin: Origin, *, is_requestor: bool) -> None:
    node = ET.SubElement(
        root,
        "ActiveParticipant",
        UserID=origin.ae_title,
        AlternativeUserID=f"AETITLES={origin.ae_title}",
        UserIsRequestor="true" if is_requestor else "false",
        NetworkAccessPointID=origin.host,
        NetworkAccessPointTypeCode=_MACHINE_NAME,
    )
    add_code(node, "RoleIDCode", _OTHERS.get(kind.part, _APPLICATION))


def _add(root: ET.Element, name: str, *, role: Code | None, is_requestor: bool, host: str = "") -> None:
    access = {"NetworkAccessPointID": host, "NetworkAccessPointTypeCode": _ADDRESS} if host else {}
    participant = ET.SubElement(
        root, "ActiveParticipant", {"UserID": name, "UserIsRequestor": "true" if is_requestor else "false", **access}
    )
    if role is not None:
        add_code(participant, "RoleIDCode", role)
