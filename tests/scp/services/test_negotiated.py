"""What was negotiated is what the services do, with pynetdicom and DCMTK as callers."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    AsynchronousOperationsWindowNegotiation,
    ImplementationClassUIDNotification,
    MaximumLengthNotification,
    SOPClassCommonExtendedNegotiation,
    SOPClassExtendedNegotiation,
    UserIdentityNegotiation,
)
from pynetdicom.presentation import build_context

from config.passcodes import HashedPasscode
from config.settings import Settings
from dicom.sop_classes import PATIENT_ROOT_FIND, STUDY_ROOT_FIND, VERIFICATION
from scp.network import pdu
from scp.reception.admission import Admission
from scp.reception.server import Server
from scp.services import verification
from scp.services.storage import StorageScp
from storage.database.engine import Database
from storage.intake.instances import find_instance
from storage.objects.files import Files

STORAGE_SERVICE = "1.2.840.10008.4.2"


def associate(port, classes, *items, maximum=16382, syntaxes=(ImplicitVRLittleEndian,), title="VIEWER"):
    ae = AE(ae_title=title)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 20
    ae.maximum_pdu_size = maximum
    for uid in classes:
        ae.add_requested_context(uid, list(syntaxes))
    return ae.associate("127.0.0.1", port, ae_title="CORONODE", ext_neg=list(items), max_pdu=maximum)


def options(sop_class, information):
    item = SOPClassExtendedNegotiation()
    item.sop_class_uid, item.service_class_application_information = sop_class, information
    return item


def related(sop_class, *generals, service=STORAGE_SERVICE):
    item = SOPClassCommonExtendedNegotiation()
    item.sop_class_uid, item.service_class_uid = sop_class, service
    item.related_general_sop_class_identification = list(generals)
    return item


def user(name, passcode=None, *, kind=2, respond=True):
    item = UserIdentityNegotiation()
    item.user_identity_type, item.positive_response_requested, item.primary_field = kind, respond, name.encode()
    if passcode is not None:
        item.secondary_field = passcode.encode()
    return item


@pytest.fixture
def three_evenings(site, slice_of, keep):
    """Studies of three days: at 9 in the morning, at 11 at night, at 9 in the morning."""
    for number, (date, time) in enumerate([("20060705", "0900"), ("20060706", "2300"), ("20060707", "0900")], 1):
        keep(slice_of(1, study=number, StudyDate=date, StudyTime=time, TimezoneOffsetFromUTC="+0200"))
    return site


def find(association, model=STUDY_ROOT_FIND, level="STUDY", **keys):
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    answers = list(association.send_c_find(identifier, model))
    return [answer for _, answer in answers[:-1]], answers[-1][0]


KEYS = {"StudyInstanceUID": "", "StudyDate": "20060705-20060707", "StudyTime": "1000-1000"}


@pytest.mark.parametrize(
    ("offered", "answered", "found"),
    [(None, None, 0), (b"\0\1", b"\0\1", 2), (b"\1\0\0\1", b"\1\0\0\1", 0), (b"\1\1\1\1\1", b"\1\1\0\1\0", 2)],
)
def test_a_date_and_a_time_are_one_moment_where_that_was_negotiated(three_evenings, offered, answered, found):
    items = [] if offered is None else [options(STUDY_ROOT_FIND, offered)]
    association = associate(three_evenings.port, [STUDY_ROOT_FIND], *items)
    assert association.acceptor.sop_class_extended == ({} if answered is None else {STUDY_ROOT_FIND: answered})
    matches, last = find(association, **KEYS)
    association.release()
    assert (len(matches), last.Status) == (found, 0)


def test_a_time_zone_of_the_request_is_that_of_its_dates(three_evenings):
    association = associate(three_evenings.port, [STUDY_ROOT_FIND], options(STUDY_ROOT_FIND, b"\1\1\0\1"))
    keys = {"StudyInstanceUID": "", "StudyDate": "20060707", "StudyTime": ""}
    plain, _ = find(association, **keys)
    # 11 at night in Berlin is 6 in the morning of the next day in Tokyo
    shifted, last = find(association, **keys, TimezoneOffsetFromUTC="+0900")
    association.release()
    assert [answer.StudyInstanceUID for answer in plain] == ["1.2.826.0.1.3"]
    assert {answer.StudyInstanceUID for answer in shifted} == {"1.2.826.0.1.2", "1.2.826.0.1.3"}
    assert {answer.TimezoneOffsetFromUTC for answer in shifted} == {"+0200"}
    assert last.Status == 0


@pytest.mark.parametrize(
    ("model", "level", "keys", "answered"),
    [
        (STUDY_ROOT_FIND, "STUDY", {}, True),
        (PATIENT_ROOT_FIND, "STUDY", {}, True),
        (STUDY_ROOT_FIND, "SERIES", {"StudyInstanceUID": "1.2.826.0.1.1"}, True),
        (STUDY_ROOT_FIND, "SERIES", {"SeriesInstanceUID": "1.2.826.0.1.1.1"}, True),
        (PATIENT_ROOT_FIND, "SERIES", {"PatientID": "ID1"}, True),
        (STUDY_ROOT_FIND, "IMAGE", {"SOPInstanceUID": "1.2.826.0.1.1.1.1"}, True),
        (STUDY_ROOT_FIND, "SERIES", {"Modality": "CT"}, False),
        (STUDY_ROOT_FIND, "SERIES", {"StudyInstanceUID": "", "PatientID": "*"}, False),
        (PATIENT_ROOT_FIND, "IMAGE", {"PatientName": "Test*"}, False),
    ],
)
def test_a_query_of_no_entity_needs_relational_queries(three_evenings, model, level, keys, answered):
    plain = associate(three_evenings.port, [model])
    _, last = find(plain, model, level, **keys)
    plain.release()
    if answered:
        assert last.Status == 0
    else:
        assert last.Status == 0xA900
        assert "relational" in last.ErrorComment
    relational = associate(three_evenings.port, [model], options(model, b"\1"))
    matches, last = find(relational, model, level, **keys)
    relational.release()
    assert last.Status == 0
    assert matches


@pytest.mark.parametrize("asked", [(0, 0), (1, 1), (5, 7)])
def test_one_operation_at_a_time_is_answered_to_more(site, asked):
    item = AsynchronousOperationsWindowNegotiation()
    item.maximum_number_operations_invoked, item.maximum_number_operations_performed = asked
    association = associate(site.port, [VERIFICATION], item)
    assert association.acceptor.asynchronous_operations == (1, 1)
    assert association.send_c_echo().Status == 0
    association.release()


@pytest.mark.parametrize("maximum", [0, 12, 16, 20, 21, 4096])
def test_answers_keep_to_the_longest_pdu_of_the_caller(three_evenings, monkeypatch, maximum):
    sizes = []
    encode = pdu.encode_value_header
    monkeypatch.setattr(
        pdu,
        "encode_value_header",
        lambda length, *args, **options: sizes.append(length) or encode(length, *args, **options),
    )
    association = associate(three_evenings.port, [STUDY_ROOT_FIND], maximum=maximum)
    matches, last = find(association, StudyInstanceUID="", PatientName="")
    association.release()
    assert (len(matches), last.Status) == (3, 0)
    assert all(size % 2 == 0 and (maximum == 0 or size + 6 <= maximum) for size in sizes)


def test_storage_says_what_it_keeps(site):
    item = options(CTImageStorage, b"\3\0\0\0\2\0")
    association = associate(site.port, [CTImageStorage], item)
    association.release()
    assert association.acceptor.sop_class_extended == {CTImageStorage: b"\2\0\3\0\0\0"}


@pytest.mark.parametrize("companions", ["drop"])
def test_a_node_that_drops_companions_claims_nothing_of_them(site):
    picture = "1.2.840.10008.5.1.4.1.1.7"
    items = options(picture, b"\3\0\0\0\2\0"), options(CTImageStorage, b"\3\0\0\0\2\0")
    association = associate(site.port, [CTImageStorage, picture], *items)
    association.release()
    assert set(association.acceptor.sop_class_extended) == {CTImageStorage}


NEW_CLASS = "1.2.840.10008.5.1.4.77.1"
"""Of a later edition, not under the root of the Storage classes."""


def test_a_class_that_nobody_knows_is_stored_as_the_general_one_that_it_names(site, slice_of):
    image = slice_of(1, SOPClassUID=NEW_CLASS)
    image.file_meta.MediaStorageSOPClassUID = NEW_CLASS
    for general, accepted in ((CTImageStorage, True), ("1.2.840.10008.5.1.4.1.1.7", True), (STUDY_ROOT_FIND, False)):
        item = related(NEW_CLASS, f"{NEW_CLASS}.1", general)
        association = associate(site.port, [NEW_CLASS, VERIFICATION], item, syntaxes=[ExplicitVRLittleEndian])
        opened = {context.abstract_syntax for context in association.accepted_contexts}
        assert opened == ({NEW_CLASS, VERIFICATION} if accepted else {VERIFICATION})
        if accepted:
            assert association.send_c_store(image).Status == 0
        association.release()
    assert find_instance(site.database, image.SOPInstanceUID) is not None
    assert site.received == []  # what it means is not known: it is kept, never scored
    unnamed = associate(site.port, [NEW_CLASS, VERIFICATION], syntaxes=[ExplicitVRLittleEndian])
    assert [context.abstract_syntax for context in unnamed.accepted_contexts] == [VERIFICATION]
    unnamed.release()


@pytest.fixture
def guarded(tmp_path) -> Iterator[Callable[[], int]]:
    """The port of a node that one peer may call as alice alone, and another as anybody."""
    users = {"alice": str(HashedPasscode.make("correct horse")), "jürgen": str(HashedPasscode.make("größer"))}
    peers = {
        "READING": {"ae_title": "READING", "host": "127.0.0.1", "users": users},
        "CT": {"ae_title": "CT", "host": "127.0.0.1"},
    }
    settings = Settings(node={"port": 0, "data_dir": tmp_path}, peers=peers)
    database = Database.open(f"sqlite:///{tmp_path / 'index.sqlite'}")
    database.migrate()
    storage = StorageScp(
        database, Files(tmp_path / "objects"), clock=lambda: datetime.now(UTC), received=lambda *_: None
    )
    server = Server(settings.node, Admission.from_settings(settings), (verification.provide(), storage.provide()))
    server.start()
    yield server.port
    server.stop()
    database.close()


def call(port, title, *items):
    """The primitive that answers a request for Verification.

    pynetdicom encodes and decodes; the socket is ours, because its threads lose an answer now and then when busy.
    """
    request = A_ASSOCIATE()
    request.application_context_name = "1.2.840.10008.3.1.1.1"
    request.calling_ae_title, request.called_ae_title = title, "CORONODE"
    proposed = build_context(VERIFICATION, [ImplicitVRLittleEndian])
    proposed.context_id = 1
    request.presentation_context_definition_list = [proposed]
    length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    length.maximum_length_received, implementation.implementation_class_uid = 16382, "1.2.826.0.1.3680043.9.3811.9"
    request.user_information = [length, implementation, *items]
    to_send = A_ASSOCIATE_RQ(request)
    with socket.create_connection(("127.0.0.1", port), 60) as connection, connection.makefile("rb") as incoming:
        connection.sendall(to_send.encode())
        head = incoming.read(6)
        answer = {2: A_ASSOCIATE_AC, 3: A_ASSOCIATE_RJ}[head[0]]()
        answer.decode(head + incoming.read(int.from_bytes(head[2:], "big")))
        if head[0] == 2:
            connection.sendall(b"\x05\0\0\0\0\4\0\0\0\0")
            assert incoming.read() == b"\x06\0\0\0\0\4\0\0\0\0"
    return answer.to_primitive()


def identity_of(answer):
    """What an acceptance says of the user's identity."""
    assert answer.result == 0
    found = [item for item in answer.user_information if isinstance(item, UserIdentityNegotiation)]
    return found[0].server_response if found else None


def test_a_peer_with_users_must_call_as_one_of_them(guarded, caplog):
    for name, passcode in (("alice", "correct horse"), ("jürgen", "größer")):
        assert identity_of(call(guarded, "READING", user(name, passcode))) == b""
    for items in ([], [user("alice", "wrong")], [user("bob", "correct horse")], [user("alice", kind=1)]):
        refused = call(guarded, "READING", *items)
        assert (refused.result, refused.result_source, refused.diagnostic) == (1, 1, 1)
    assert identity_of(call(guarded, "READING", user("alice", "correct horse", respond=False))) is None
    assert "horse" not in caplog.text
    assert identity_of(call(guarded, "CT")) is None


@pytest.mark.peer
@pytest.mark.parametrize(
    ("arguments", "accepted"),
    [
        (["--user", "alice", "--password", "correct horse"], True),
        (["--user", "alice", "--password", "correct horse", "--pos-response"], True),
        (["--user", "alice", "--password", "wrong"], False),
        (["--user", "alice", "--empty-password"], False),
        (["--user", "alice"], False),
        ([], False),
    ],
    ids=str,
)
def test_storescu_calls_as_a_user(guarded, peer_program, slice_of, tmp_path, arguments, accepted):
    image = slice_of(1)
    image.save_as(tmp_path / "slice.dcm", enforce_file_format=True)
    command = [peer_program("storescu"), "-aet", "READING", "-aec", "CORONODE", *arguments]
    sent = subprocess.run(
        [*command, "127.0.0.1", str(guarded), str(tmp_path / "slice.dcm")], check=False, capture_output=True, timeout=60
    )
    assert (sent.returncode == 0) is accepted
    assert accepted or b"Rejected Permanent" in sent.stderr
