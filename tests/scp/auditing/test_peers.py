"""Peers and the audit log, through real associations: what they ask, what they are sent, and who is refused."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from xml.etree import ElementTree as ET

import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from pynetdicom import AE, build_role, evt
from pynetdicom.pdu_primitives import UserIdentityNegotiation

from config.passcodes import HashedPasscode
from config.settings import Settings
from dicom.sop_classes import STUDY_ROOT_FIND, STUDY_ROOT_GET, STUDY_ROOT_MOVE
from scp.auditing.message import format_message
from scp.auditing.origin import Origin
from scp.installation import Installation, utc_now
from scp.receivers.reception import Reception
from storage.auditing import chain, trail
from storage.database.engine import Database
from storage.objects.files import Files
from tests.scp import certificates
from tests.scp.conftest import unused_port

pytestmark = pytest.mark.component

ORIGIN = Origin("CORONODE", "node.example", "CORONODE")
VIEWER = {"VIEWER": {"ae_title": "VIEWER", "host": "127.0.0.1"}}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path) -> Iterator[Database]:
    url = request.getfixturevalue("postgresql") if request.param == "postgresql" else f"sqlite:///{tmp_path / 'i.db'}"
    opened = Database.open(url, durable=False)
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def serve(database, tmp_path) -> Callable[..., AbstractContextManager[Reception]]:
    """`with serve(peers, node={...}, audit={...}) as reception:` the services for peers on a port of their own."""

    @contextmanager
    def run(peers=VIEWER, **sections: dict[str, object]) -> Iterator[Reception]:
        node = {"port": 0, "data_dir": tmp_path / "data", "reserve_mb": 0} | sections.pop("node", {})
        settings = Settings(node=node, peers=peers, **sections)
        installation = Installation(settings, database, Files(tmp_path / "objects", durable=False))
        reception = Reception(installation, received=lambda *_: None, announced=lambda _: None)
        reception.server.start()
        try:
            yield reception
        finally:
            reception.server.stop()
            reception.close()

    return run


@pytest.fixture
def read(database) -> Callable[..., list[ET.Element]]:
    """`read(code)`: the messages with this event code, once the chain is sealed and verified."""

    def find(code: str, origin: Origin = ORIGIN) -> list[ET.Element]:
        while chain.seal(database, utc_now()):
            pass
        assert list(chain.verify(database, utc_now())) == []
        entries = trail.list_entries(database, after=0, limit=1000)
        messages = [ET.fromstring(format_message(entry, origin)) for entry in entries]  # noqa: S314  # our own
        return [each for each in messages if each.find("EventIdentification/EventID").get("csd-code") == code]

    return find


def associate(port: int, *contexts: str, calling: str = "VIEWER", called: str = "CORONODE", **more):
    ae = AE(ae_title=calling)
    for context in contexts or (STUDY_ROOT_FIND,):
        ae.add_requested_context(context, ExplicitVRLittleEndian)
    return ae.associate("127.0.0.1", port, ae_title=called, **more)


def knock(port: int, **how) -> None:
    assert not associate(port, **how).is_established


def make_identifier(**keys: object) -> Dataset:
    identifier = Dataset()
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    return identifier


def find(port: int, times: int = 1, **keys: object) -> list[int]:
    association = associate(port)
    assert association.is_established
    answers = []
    for _ in range(times):
        *_, (last, _) = association.send_c_find(make_identifier(**keys), STUDY_ROOT_FIND)
        answers.append(last.Status)
    association.release()
    return answers


def make_slice(number: int, series: int = 1, study: int = 1) -> Dataset:
    image = make_identifier(
        SOPClassUID=CTImageStorage,
        SOPInstanceUID=f"1.2.826.0.1.{study}.{series}.{number}",
        SeriesInstanceUID=f"1.2.826.0.1.{study}.{series}",
        StudyInstanceUID=f"1.2.826.0.1.{study}",
        Modality="CT",
        PatientName="Test^Patient",
        PatientID=f"ID{study}",
        InstanceNumber=number,
        Rows=2,
        Columns=2,
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
        BitsAllocated=16,
        BitsStored=16,
        HighBit=15,
        PixelRepresentation=1,
        RescaleSlope=1,
        RescaleIntercept=0,
        ImagePositionPatient=[0, 0, 3 * number],
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        PixelSpacing=[1, 1],
        PixelData=b"\0" * 8,
    )
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return image


def store(port: int, *images: Dataset) -> None:
    association = associate(port, CTImageStorage)
    assert [association.send_c_store(image).Status for image in images] == [0] * len(images)
    association.release()


def participants(message: ET.Element) -> dict[str, tuple[str | None, ...]]:
    """Whether each is the requestor, its role, its address."""
    return {
        item.get("UserID", ""): (
            item.get("UserIsRequestor"),
            *(role.get("csd-code") for role in item.iter("RoleIDCode")),
            item.get("NetworkAccessPointID"),
        )
        for item in message.iter("ActiveParticipant")
    }


def find_object(message: ET.Element, code: str) -> ET.Element:
    return next(
        item
        for item in message.iter("ParticipantObjectIdentification")
        if item.find("ParticipantObjectIDTypeCode").get("csd-code") == code
    )


def details(item: ET.Element) -> list[tuple[str, str]]:
    return [
        (detail.get("type", ""), base64.b64decode(detail.get("value", "")).decode())
        for detail in item.iter("ParticipantObjectDetail")
    ]


def alerts(messages: list[ET.Element]) -> list[tuple[str, str, str]]:
    """Type code, address and words of each."""
    return [
        (
            message.find("EventIdentification/EventTypeCode").get("csd-code"),
            find_object(message, "110182").get("ParticipantObjectID"),
            dict(details(find_object(message, "110182")))["Alert Description"],
        )
        for message in messages
    ]


def test_a_query_is_a_message_with_its_identifier(serve, read):
    with serve() as reception:
        assert find(
            reception.server.port,
            QueryRetrieveLevel="STUDY",
            PatientName="Smith*",
            StudyInstanceUID="1.2.3",
            StudyDate="20240101-",
        ) == [0]
    (message,) = read("110112")
    assert message.find("EventIdentification").get("EventActionCode") == "E"
    assert message.find("EventIdentification").get("EventOutcomeIndicator") == "0"
    assert participants(message) == {
        "CORONODE": ("false", "110152", "node.example"),
        "VIEWER": ("true", "110153", "127.0.0.1"),
    }
    queried = find_object(message, "110181")
    assert queried.get("ParticipantObjectID") == STUDY_ROOT_FIND
    assert (queried.get("ParticipantObjectTypeCode"), queried.get("ParticipantObjectTypeCodeRole")) == ("2", "3")
    assert details(queried) == [("TransferSyntax", ExplicitVRLittleEndian)]
    data = base64.b64decode(queried.find("ParticipantObjectQuery").text)
    identifier = read_dataset(DicomBytesIO(data), is_implicit_VR=False, is_little_endian=True)
    assert identifier.StudyInstanceUID == "1.2.3"
    assert identifier.StudyDate == "20240101-"
    assert identifier.PatientName == ""
    assert b"Smith" not in data


def test_the_query_is_whole_where_messages_name_patients(serve, read):
    with serve(audit={"patient_ids": True}) as reception:
        find(reception.server.port, QueryRetrieveLevel="STUDY", PatientName="Smith*")
    (message,) = read("110112")
    data = base64.b64decode(find_object(message, "110181").find("ParticipantObjectQuery").text)
    assert read_dataset(DicomBytesIO(data), is_implicit_VR=False, is_little_endian=True).PatientName == "Smith*"


def test_a_refused_query_is_a_failure(serve, read):
    with serve() as reception:
        assert find(reception.server.port, QueryRetrieveLevel="NOTHING") == [0xA900]
    (message,) = read("110112")
    assert message.find("EventIdentification").get("EventOutcomeIndicator") == "4"


def test_a_peer_that_asks_the_same_again_and_again_leaves_two_messages(serve, read):
    with serve() as reception:
        assert find(reception.server.port, 50, QueryRetrieveLevel="STUDY", StudyInstanceUID="1.2") == [0] * 50
    first, rest = read("110112")
    assert ("Repeats", "49") in details(find_object(rest, "110181"))
    assert "Repeats" not in dict(details(find_object(first, "110181")))


def test_a_c_get_is_a_transfer_of_each_study_to_who_asked(serve, read):
    with serve() as reception:
        port = reception.server.port
        store(port, make_slice(1), make_slice(2), make_slice(1, series=2), make_slice(1, study=2))
        role = build_role(CTImageStorage, scp_role=True)
        association = associate(
            port,
            STUDY_ROOT_GET,
            CTImageStorage,
            ext_neg=[role],
            evt_handlers=[(evt.EVT_C_STORE, lambda _: 0)],
        )
        asked = make_identifier(QueryRetrieveLevel="STUDY", StudyInstanceUID=["1.2.826.0.1.1", "1.2.826.0.1.2"])
        *_, (last, _) = association.send_c_get(asked, STUDY_ROOT_GET)
        assert (last.Status, last.NumberOfCompletedSuboperations) == (0, 4)
        association.release()
    messages = read("110104", Origin("CORONODE", "node.example", "CORONODE", patient_ids=True))
    assert len(messages) == 2
    for message, study, series, count, patient in (
        (messages[0], "1.2.826.0.1.1", ["1.2.826.0.1.1.1", "1.2.826.0.1.1.2"], "3", "ID1"),
        (messages[1], "1.2.826.0.1.2", ["1.2.826.0.1.2.1"], "1", "ID2"),
    ):
        assert message.find("EventIdentification").get("EventActionCode") == "R"
        assert message.find("EventIdentification").get("EventOutcomeIndicator") == "0"
        assert participants(message) == {
            "CORONODE": ("false", "110153", "node.example"),
            "VIEWER": ("true", "110152", "127.0.0.1"),
        }
        item = find_object(message, "110180")
        assert item.get("ParticipantObjectID") == study
        assert [value for name, value in details(item) if name == "SeriesInstanceUID"] == series
        (classes,) = item.iter("SOPClass")
        assert classes.attrib == {"UID": CTImageStorage, "NumberOfInstances": count}
        assert find_object(message, "2").get("ParticipantObjectID") == patient


@pytest.mark.parametrize(("takes", "outcome", "sent"), [(True, "0", ["2"]), (False, "4", [])])
def test_a_c_move_is_a_transfer_to_its_destination_that_another_asked_for(serve, read, takes, outcome, sent):
    port = unused_port()
    archive = AE("ARCHIVE")
    archive.add_supported_context(CTImageStorage, ExplicitVRLittleEndian)
    handlers = [(evt.EVT_C_STORE, lambda _: 0)]
    server = archive.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers) if takes else None
    peers = VIEWER | {"PACS": {"ae_title": "ARCHIVE", "host": "127.0.0.1", "port": port}}
    with serve(peers) as reception:
        store(reception.server.port, make_slice(1), make_slice(2))
        association = associate(reception.server.port, STUDY_ROOT_MOVE)
        asked = make_identifier(QueryRetrieveLevel="STUDY", StudyInstanceUID="1.2.826.0.1.1")
        list(association.send_c_move(asked, "ARCHIVE", STUDY_ROOT_MOVE))
        association.release()
    if server is not None:
        server.shutdown()
    (message,) = read("110104")
    assert message.find("EventIdentification").get("EventOutcomeIndicator") == outcome
    assert participants(message) == {
        "CORONODE": ("false", "110153", "node.example"),
        "ARCHIVE": ("false", "110152", None),
        "VIEWER": ("true", "127.0.0.1"),
    }
    assert [item.get("NumberOfInstances") for item in message.iter("SOPClass")] == sent


def test_callers_that_are_not_known_are_alerts(serve, read):
    users = {"VIEWER": VIEWER["VIEWER"] | {"users": {"anna": str(HashedPasscode.make("correct"))}}}
    peers = users | {"SCANNER": {"ae_title": "SCANNER", "host": "127.0.0.1"}}
    with serve(peers) as reception:
        port = reception.server.port
        knock(port, calling="STRANGER")
        knock(port, calling="SCANNER", called="SOMEBODY")
        identity = UserIdentityNegotiation()
        identity.user_identity_type, identity.primary_field = 2, b"anna"
        identity.secondary_field = b"wrong"
        knock(port, ext_neg=[identity])
    messages = read("110113")
    assert [message.find("EventIdentification").get("EventOutcomeIndicator") for message in messages] == ["4"] * 3
    assert [alert[:2] for alert in alerts(messages)] == [("110126", "127.0.0.1")] * 3
    unknown, called, user = (alert[2] for alert in alerts(messages))
    assert "no peer has the AE title 'STRANGER'" in unknown
    assert "called AE title is 'SOMEBODY'" in called
    assert "not the name and passcode of a user" in user
    assert participants(messages[0]) == {
        "CORONODE": ("true", "110150", "node.example"),
        "STRANGER": ("false", "127.0.0.1"),
    }


def test_a_host_that_knocks_again_and_again_is_counted(serve, read):
    with serve() as reception:
        for _ in range(20):
            knock(reception.server.port, calling="STRANGER")
    first, rest = alerts(read("110113"))
    assert "times" not in first[2]
    assert rest[2].endswith(", 19 times")


def test_addresses_without_a_peer_and_full_nodes_are_alerts(serve, read):
    with (
        serve({"VIEWER": {"ae_title": "VIEWER", "host": "192.0.2.1"}}) as reception,
        socket.create_connection(("127.0.0.1", reception.server.port)) as connection,
        suppress(OSError),
    ):
        assert connection.recv(1) == b""
    with serve(node={"max_associations": 1}) as reception:
        association = associate(reception.server.port)
        knock(reception.server.port)
        association.release()
    assert [alert[0] for alert in alerts(read("110113"))] == ["110126", "110132"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_certificate_that_is_not_accepted_is_an_alert(serve, read, tmp_path):
    files = certificates.write_node(tmp_path) | {"port": 0}
    stranger, key = certificates.write(tmp_path, "stranger", certificates.issue("stranger", by="unknown authority"))
    with serve(node={"tls": files}) as reception:
        context = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        context.load_cert_chain(stranger, key)
        with (
            socket.create_connection(("127.0.0.1", reception.server.tls_port)) as plain,
            suppress(OSError),
            context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
        ):
            connection.sendall(b"\0")
            connection.recv(1)
    (alert,) = alerts(read("110113"))
    assert alert[:2] == ("110126", "127.0.0.1")
    assert "no secure connection" in alert[2]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nothing_is_recorded_where_that_is_not_wanted(serve, read, database):
    with serve(audit={"peers": False}) as reception:
        find(reception.server.port, QueryRetrieveLevel="STUDY")
        knock(reception.server.port, calling="STRANGER")
    assert trail.list_entries(database, after=0, limit=10) == []
    assert read("110112") == read("110113") == []


def test_a_query_is_answered_while_the_database_takes_nothing(serve, read, database):
    with serve() as reception, database.session():  # a writer that does not end
        assert find(reception.server.port, 3, QueryRetrieveLevel="STUDY") == [0] * 3
    assert len(read("110112")) == 2
