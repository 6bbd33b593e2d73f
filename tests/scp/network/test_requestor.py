"""Our side of an association that we open, against a peer that follows a script."""

from __future__ import annotations

import errno
import socket
import struct
import threading
from contextlib import closing, suppress
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dicom.sop_classes import VERIFICATION
from scp.network import associate, command, negotiation, outgoing, pdu, requests, retrieval
from scp.network.errors import Aborted, AssociationEnded, Closed, Expired, Interrupted, Violation
from scp.network.negotiation import PresentationContext
from scp.network.opening import AssociationRejected, Opening
from scp.network.requestor import Requestor
from scp.network.user_information import RoleSelection
from scp.services.storage import IMAGE_STORAGE

CT = IMAGE_STORAGE[0]
EXPLICIT = "1.2.840.10008.1.2.1"


class Script:
    """Accepts one association and then does what a test says; what came stands in `received`."""

    def __init__(self, answer, *, maximum_length=16384, accepts=True, roles=False):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._answer = answer
        self._maximum_length = maximum_length
        self._accepts = accepts
        self._roles = (RoleSelection(CT, scu=False, scp=True),) if roles else ()
        self.received = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def join(self):
        self._thread.join(20)
        return self.received

    def read(self, connection):
        header = exactly(connection, 6)
        kind, length = struct.unpack(">BxI", header)
        body = exactly(connection, length)
        self.received.append((kind, body))
        return kind, body

    def data_set(self, connection):
        """One message: its command, and its data set put together."""
        gathered = {1: b"", 0: b""}
        wanted = 1
        while True:
            kind, body = self.read(connection)
            assert kind == pdu.P_DATA_TF
            assert len(body) <= (self._maximum_length or len(body))
            length, _, control = struct.unpack_from(">IBB", body)
            assert length == len(body) - 4
            gathered[control & 1] += body[6:]
            assert control & 1 == wanted
            if control & 2:
                if not wanted or not command.decode(gathered[1]).has_data_set:
                    return command.decode(gathered[1]), gathered[0]
                wanted = 0

    def _run(self):
        with closing(self._listener):
            connection, _ = self._listener.accept()
        with closing(connection):
            connection.settimeout(10)
            if self._accepts:
                _, body = self.read(connection)
                request = associate.read_request(body)
                supported = [PresentationContext(CT, (EXPLICIT,)), PresentationContext(VERIFICATION, (EXPLICIT,))]
                plain, _ = negotiation.accept(request, supported, self._maximum_length)
                acceptance = associate.read_acceptance(plain[pdu.HEADER_BYTES :])
                acceptance = replace(acceptance, user=replace(acceptance.user, roles=self._roles))
                connection.sendall(pdu.encode_associate(pdu.A_ASSOCIATE_AC, associate.encode_acceptance(acceptance)))
            self._answer(self, connection)


def exactly(connection, count):
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def call(port, seconds=5, *, as_scp=False, total=None):
    opening = Opening("US", "THEM", "127.0.0.1", port, seconds, seconds, seconds, 16384, total)
    contexts = [PresentationContext(CT, (EXPLICIT,), as_scp=as_scp), PresentationContext(VERIFICATION, (EXPLICIT,))]
    return Requestor(opening, contexts)


def respond(connection, asked, status=0, message_id=None):
    answer = command.encode_response(asked, status, comment="why" if status else "")
    if message_id is not None:
        at = answer.index(struct.pack("<HHI", 0, 0x0120, 2))
        answer = answer[: at + 8] + struct.pack("<H", message_id) + answer[at + 10 :]
    connection.sendall(b"".join(pdu.encode_fragments(answer, 1, 16378, is_command=True)))


def release(script, connection):
    kind, _ = script.read(connection)
    if kind == pdu.A_RELEASE_RQ:
        connection.sendall(pdu.RELEASE_RP)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 90_000), st.sampled_from([0, 7, 32, 16384, 131072, 10**6]), st.integers(0, 500))
def test_a_file_goes_out_byte_for_byte_in_pdus_of_the_peers_length(tmp_path, size, maximum, offset):
    size = min(size, 3000) if maximum in (7, 32) else size
    data = bytes(index * 7 % 251 for index in range(size + 2))
    path = tmp_path / "object"
    path.write_bytes(b"x" * offset + data)
    got = []

    def answer(script, connection):
        for _ in range(2):
            asked, sent = script.data_set(connection)
            got.append((asked.sop_instance_uid, sent))
            respond(connection, asked)
        release(script, connection)

    script = Script(answer, maximum_length=maximum)
    association = call(script.port)
    assert association.store(association.accepted_contexts[0], "1.2.3", (path, offset)).status == 0
    assert association.store(association.accepted_contexts[0], "1.2.4", data).status == 0
    association.release()
    script.join()
    assert got == [("1.2.3", data), ("1.2.4", data)]
    assert not association.is_established


def test_both_sides_release_at_once():
    def answer(script, connection):
        connection.sendall(pdu.RELEASE_RQ)
        kinds = [script.read(connection)[0], script.read(connection)[0]]
        assert kinds == [pdu.A_RELEASE_RQ, pdu.A_RELEASE_RP]
        connection.sendall(pdu.RELEASE_RP)

    script = Script(answer)
    association = call(script.port)
    association.release()
    assert [kind for kind, _ in script.join()][1:] == [pdu.A_RELEASE_RQ, pdu.A_RELEASE_RP]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (pdu.encode_abort(None), Aborted),
        (pdu.RELEASE_RQ, Closed),
        (struct.pack(">BxI", 77, 0), Violation),
        (struct.pack(">BxI", 4, 2**32 - 1), Violation),
        (b"", Closed),
    ],
)
def test_what_is_no_answer_ends_the_association(reply, error):
    def answer(script, connection):
        script.data_set(connection)
        connection.sendall(reply)

    association = call(Script(answer).port)
    with pytest.raises(error):
        association.store(association.accepted_contexts[0], "1.2.3", b"data")
    assert not association.is_established


def test_an_answer_to_another_message_is_no_answer():
    def answer(script, connection):
        asked, _ = script.data_set(connection)
        respond(connection, asked, message_id=99)
        script.read(connection)

    script = Script(answer)
    association = call(script.port)
    with pytest.raises(Violation):
        association.store(association.accepted_contexts[0], "1.2.3", b"data")
    assert script.join()[-1][0] == pdu.A_ABORT


def test_a_silent_peer_is_given_up():
    def answer(script, connection):
        script.data_set(connection)
        script.read(connection)

    script = Script(answer)
    association = call(script.port, seconds=0.5)
    with pytest.raises(Expired):
        association.store(association.accepted_contexts[0], "1.2.3", b"data")
    assert script.join()[-1][0] == pdu.A_ABORT


def test_status_and_comment_are_those_of_the_peer():
    def answer(script, connection):
        respond(connection, script.data_set(connection)[0], 0xA700)
        release(script, connection)

    association = call(Script(answer).port)
    told = association.store(association.accepted_contexts[0], "1.2.3", b"data")
    association.release()
    assert (told.status, told.comment) == (0xA700, "why")


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (pdu.encode_reject(2, 3, 2), AssociationRejected),
        (pdu.encode_abort(0), Aborted),
        (pdu.RELEASE_RQ, Violation),
        (struct.pack(">BxI", 2, 40) + b"\xff" * 40, Violation),
        (struct.pack(">BxI", 2, 2**31), Violation),
        (b"", Closed),
    ],
)
def test_what_is_no_acceptance_opens_nothing(reply, error):
    def answer(script, connection):
        script.read(connection)
        connection.sendall(reply)

    with pytest.raises(error) as caught:
        call(Script(answer, accepts=False).port)
    if error is AssociationRejected:
        assert caught.value.rejection == associate.Rejection(2, 3, 2)
    assert isinstance(caught.value, AssociationEnded)


def test_a_file_that_is_gone_costs_nothing_but_itself(tmp_path):
    script = Script(release)
    association = call(script.port)
    with pytest.raises(OSError, match="No such file"):
        association.store(association.accepted_contexts[0], "1.2.3", (tmp_path / "gone", 0))
    assert association.is_established
    association.release()
    assert pdu.P_DATA_TF not in [kind for kind, _ in script.join()]


def test_a_file_that_cannot_be_read_to_its_end_aborts(tmp_path, monkeypatch):
    fill, filled = outgoing._fill, []

    def fail(descriptor, slots, left):
        filled.append(descriptor)
        if len(filled) > 1:
            raise OSError(errno.EIO, "Input/output error")
        return fill(descriptor, slots, left)

    def answer(script, connection):
        while script.read(connection)[0] == pdu.P_DATA_TF:
            pass

    monkeypatch.setattr(outgoing, "_fill", fail)
    (tmp_path / "image").write_bytes(bytes(2 * outgoing._MOST_BYTES))
    script = Script(answer)
    association = call(script.port)
    with pytest.raises(Interrupted, match="Input/output error"):
        association.store(association.accepted_contexts[0], "1.2.3", (tmp_path / "image", 0))
    assert not association.is_established
    assert script.join()[-1][0] == pdu.A_ABORT


def message(context_id, asked, dataset=b""):
    parts = pdu.encode_fragments(asked, context_id, 16378, is_command=True)
    return b"".join([*parts, *(pdu.encode_fragments(dataset, context_id, 16378, is_command=False) if dataset else ())])


def pending(asked, status, dataset=b""):
    return message(1, command.encode_response(asked, status, has_data_set=bool(dataset)), dataset)


def test_matches_come_one_by_one_until_the_final_response():
    def answer(script, connection):
        asked, identifier = script.data_set(connection)
        assert (asked.field, identifier) == (command.C_FIND_RQ, b"keys")
        connection.sendall(pending(asked, 0xFF00, b"one") + pending(asked, 0xFF01, b"two") + pending(asked, 0xA900))
        release(script, connection)

    association = call(Script(answer).port)
    found = retrieval.find(association, association.accepted_contexts[0], b"keys")
    assert [(response.status, match) for response, match in found] == [
        (0xFF00, b"one"),
        (0xFF01, b"two"),
        (0xA900, b""),
    ]
    association.release()


@pytest.mark.parametrize(
    ("roles", "dataset", "kept", "answered"),
    [
        (True, b"report", [("1.2.9", EXPLICIT, b"report")], 0),
        (True, b"x" * 101, [("1.2.9", EXPLICIT, None)], 0),
        (False, b"report", [], 0x0122),
    ],
    ids=["kept", "too long", "no role"],
)
def test_objects_come_over_the_association_that_fetches(roles, dataset, kept, answered):
    """PS3.4 C.4.3.3: C-STORE sub-operations between the C-GET-RQ and its final response."""
    answers = []

    def answer(script, connection):
        asked, _ = script.data_set(connection)
        connection.sendall(message(1, requests.encode_store(77, CT, "1.2.9"), dataset))
        answers.append(script.data_set(connection)[0])
        connection.sendall(pending(asked, 0xFF00) + pending(asked, 0))
        release(script, connection)

    association = call(Script(answer, roles=roles).port, as_scp=True)
    came = []

    def keep(received):
        syntax = association.context(received).transfer_syntax
        came.append((received.command.sop_instance_uid, syntax, association.gather(100)))
        return 0

    responses = list(retrieval.get(association, association.accepted_contexts[0], b"keys", keep))
    association.release()
    assert [response.status for response in responses] == [0xFF00, 0]
    assert came == kept
    ((told),) = answers
    assert (told.field, told.responded, told.status) == (command.C_STORE_RQ | command.RESPONSE, 77, answered)


def test_nothing_can_be_sent_after_the_end():
    association = call(Script(release).port)
    association.release()
    for send in (lambda: association.echo(association.accepted_contexts[1]), association.abort):
        with suppress(AssociationEnded):
            send()
        assert not association.is_established
    with pytest.raises(Violation, match="not allowed in the state idle"):
        association.echo(association.accepted_contexts[1])


def test_the_whole_association_is_bounded():
    """A peer that answers without end is given up when the time is over."""

    def answer(script, connection):
        asked, _ = script.data_set(connection)
        with suppress(OSError):
            while True:
                connection.sendall(pending(asked, 0xFF00, b"match"))

    association = call(Script(answer).port, total=0.5)
    with pytest.raises(Expired, match=r"longer than 0\.5 s"):
        for _ in retrieval.find(association, association.accepted_contexts[0], b"keys"):
            pass
    assert not association.is_established
