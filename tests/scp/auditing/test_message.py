"""Events as audit messages of PS3.15 A.5."""

import base64
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
from pydicom.sr._concepts_dict import concepts

from scp.auditing import kinds
from scp.auditing.kinds import KINDS, Code
from scp.auditing.message import format_message
from scp.auditing.origin import Origin
from storage.auditing import statements
from storage.auditing.statements import Lost, Queried, Refused, Retrieved, Retrieving
from storage.auditing.trail import Entry
from storage.database.audit import Event

AT = datetime(2026, 5, 1, 8, 30, 15, 250000, tzinfo=UTC)
NODE = Origin("CORONODE", "node.example", "CORONODE")


def entry(kind: str, text: str = "", *, series: str = "1.2.1.1", peer: str = "", person: str = "") -> Entry:
    event = Event(AT, kind, series, "", peer, text, person, 7)
    return Entry(12, "ab" * 32, event, "1.2.1" if series else "", "4711", "HOSPITAL")


def parse(item: Entry, origin: Origin = NODE) -> ET.Element:
    return ET.fromstring(format_message(item, origin))  # noqa: S314  # our own


def code(element: ET.Element | None) -> tuple[str | None, str | None, str | None]:
    assert element is not None
    return element.get("csd-code"), element.get("codeSystemName"), element.get("originalText")


def participants(message: ET.Element) -> dict[str, tuple[str | None, list[str | None]]]:
    return {
        item.get("UserID", ""): (
            item.get("UserIsRequestor"),
            [role.get("csd-code") for role in item.iter("RoleIDCode")],
        )
        for item in message.iter("ActiveParticipant")
    }


def objects(message: ET.Element) -> dict[str | None, str | None]:
    return {
        item.find("ParticipantObjectIDTypeCode").get("originalText"): item.get("ParticipantObjectID")
        for item in message.iter("ParticipantObjectIdentification")
    }


def details(message: ET.Element, kind: str) -> dict[str, str]:
    return {
        detail.get("type", ""): base64.b64decode(detail.get("value", "")).decode()
        for item in message.iter("ParticipantObjectIdentification")
        if item.find("ParticipantObjectIDTypeCode").get("originalText") == kind
        for detail in item.iter("ParticipantObjectDetail")
    }


@pytest.mark.parametrize(
    "constant", [value for value in vars(kinds).values() if isinstance(value, Code)], ids=lambda item: item.meaning
)
def test_codes_and_meanings_are_those_of_dicom(constant):
    meanings = {value: words for group in concepts["DCM"].values() for value, (words, _) in group.items()}
    assert meanings[constant.value].lower() == constant.meaning.lower()


def test_images_received_are_a_transfer_from_their_sender():
    message = parse(entry("received", "300 CT Image Storage", peer="CT1"))
    event = message.find("EventIdentification")
    assert event.attrib == {
        "EventActionCode": "C",
        "EventDateTime": "2026-05-01T08:30:15.250+00:00",
        "EventOutcomeIndicator": "0",
    }
    assert code(event.find("EventID")) == ("110104", "DCM", "DICOM Instances Transferred")
    assert participants(message) == {"CORONODE": ("false", ["110152"]), "CT1": ("true", ["110153"])}
    assert objects(message)["Study Instance UID"] == "1.2.1"
    assert details(message, "Study Instance UID") == {
        "Event": "received: 300 CT Image Storage",
        "SeriesInstanceUID": "1.2.1.1",
    }


def test_a_document_sent_is_a_transfer_to_its_destination():
    message = parse(entry("delivery-delivered", "sr to PACS, attempt 1", peer="PACS"))
    assert message.find("EventIdentification").get("EventActionCode") == "R"
    assert participants(message) == {"CORONODE": ("false", ["110153"]), "PACS": ("false", ["110152"])}


def test_a_dead_letter_is_a_failure():
    assert parse(entry("delivery-dead", peer="PACS")).find("EventIdentification").get("EventOutcomeIndicator") == "4"


def test_start_and_stop_are_application_activity():
    message = parse(entry("started", "127.0.0.1:11112", series=""))
    event = message.find("EventIdentification")
    assert code(event.find("EventID"))[0] == "110100"
    assert code(event.find("EventTypeCode")) == ("110120", "DCM", "Application Start")
    assert participants(message) == {"CORONODE": ("true", ["110150"])}


def test_a_sign_in_names_the_person():
    message = parse(entry("sign_in_failed", series="", person="reader"))
    event = message.find("EventIdentification")
    assert code(event.find("EventID"))[0] == "110114"
    assert event.get("EventOutcomeIndicator") == "4"
    assert participants(message)["reader"][0] == "true"


def test_a_changed_account_is_a_security_alert():
    message = parse(entry("roles_changed", "reader: review", series="", person="admin"))
    assert code(message.find("EventIdentification/EventTypeCode"))[0] == "110137"
    assert details(message, "Node ID") == {"Alert Description": "roles_changed: reader: review"}


def test_every_message_tells_its_place_in_the_chain():
    message = parse(entry("viewed", person="reader"))
    assert objects(message)["URI"] == "audit-log/12"
    assert details(message, "URI") == {"SHA-256": "ab" * 32}


def test_the_patient_is_named_only_where_it_is_configured():
    item = entry("viewed", person="reader")
    assert "4711" not in format_message(item, NODE)
    named = parse(item, Origin("CORONODE", "node.example", "CORONODE", patient_ids=True))
    assert objects(named)["Patient Number"] == "4711^^^HOSPITAL"


STATEMENTS = [
    (statements.QUERIED, Queried("1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.1.2", "192.0.2.1", "QUJD", count=2)),
    (statements.PEER_RETRIEVED, Retrieved("C-MOVE", "1.2", ("1.2.1", "1.2.2"), {"1.2.840.10008.1": 3}, 1, "PACS")),
    (statements.PEER_RETRIEVING, Retrieving("C-MOVE", "1.2", ("1.2.1",), {"1.2.840.10008.1": 3}, "PACS")),
    (statements.RETRIEVED, Retrieved("WADO-RS", "1.2", ("1.2.1",), {"1.2.840.10008.1": 3})),
    (statements.REFUSED, Refused("limit", "192.0.2.1", "node.max_associations reached", 7)),
    (statements.REFUSED, Refused("stranger", "", "more addresses")),
    (statements.LOST, Lost(7)),
]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *((kind, "<&\"'> Ünï\ncode") for kind in [*KINDS, "rescore", "something-new"]),
        *((kind, statements.write(statement)) for kind, statement in STATEMENTS),
    ],
)
def test_every_kind_is_a_message_in_the_order_of_the_schema(kind, text):
    message = parse(entry(kind, text, peer="PEER", person="person"))
    order = [child.tag for child in message]
    known = ["EventIdentification", "ActiveParticipant", "AuditSourceIdentification", "ParticipantObjectIdentification"]
    assert order == sorted(order, key=known.index)
    assert message.find("AuditSourceIdentification").get("AuditSourceID") == "CORONODE"
    assert message.find("AuditSourceIdentification/AuditSourceTypeCode").get("csd-code") == "4"
    assert all(item.get("UserID") and item.get("UserIsRequestor") for item in message.iter("ActiveParticipant"))
    for item in message.iter("ParticipantObjectIdentification"):
        tags = [child.tag for child in item]
        assert tags[0] == "ParticipantObjectIDTypeCode"
        assert tags[1] in {"ParticipantObjectName", "ParticipantObjectQuery"}
        assert tags[2:] == sorted(tags[2:])  # ParticipantObjectDetail, SOPClass
        assert item.get("ParticipantObjectTypeCode") in {"1", "2"}


def test_an_alert_about_a_peer_names_its_address_and_how_often_it_came():
    text = statements.write(Refused("tls", "192.0.2.1", "no secure connection", 40))
    message = parse(entry(statements.REFUSED, text, series=""))
    event = message.find("EventIdentification")
    assert code(event.find("EventID")) == ("110113", "DCM", "Security Alert")
    assert code(event.find("EventTypeCode")) == ("110126", "DCM", "Node Authentication")
    assert (event.get("EventActionCode"), event.get("EventOutcomeIndicator")) == ("E", "4")
    assert participants(message) == {"CORONODE": ("true", ["110150"]), "192.0.2.1": ("false", [])}
    assert objects(message)["Node ID"] == "192.0.2.1"
    assert details(message, "Node ID") == {
        "Alert Description": "peer-refused: 192.0.2.1: no secure connection, 40 times"
    }


def test_missing_events_are_an_alert():
    message = parse(entry(statements.LOST, statements.write(Lost(7)), series=""))
    assert code(message.find("EventIdentification/EventTypeCode"))[0] == "110133"
    assert "7 events" in details(message, "Node ID")["Alert Description"]


def test_objects_sent_by_the_web_are_a_transfer_to_the_person_who_asked():
    text = statements.write(Retrieved("WADO-RS", "1.2.1", ("1.2.1.1",), {"1.2.840.10008.5.1.4.1.1.2": 300}))
    message = parse(entry(statements.RETRIEVED, text, person="reader"))
    assert code(message.find("EventIdentification/EventID"))[0] == "110104"
    assert participants(message) == {"CORONODE": ("false", ["110153"]), "reader": ("true", ["110152"])}
    assert [item.attrib for item in message.iter("SOPClass")] == [
        {"UID": "1.2.840.10008.5.1.4.1.1.2", "NumberOfInstances": "300"}
    ]


def test_a_message_is_one_line():
    assert "\n" not in format_message(entry("viewed", "a\nb", person="x\ny"), NODE)
