"""A peer that does not wait for its answers gets each of them, in order (PS3.7 9.1, PS3.8 7.2.2)."""

from __future__ import annotations

import struct

import pytest

from dicom.sop_classes import STUDY_ROOT_FIND, VERIFICATION
from scp.network import command, pdu, requests
from scp.services.storage import IMAGE_STORAGE

CT, ECHO, FIND = 1, 3, 5
OBJECTS = 300  # more than fit one sending of matches


def whole(message, context_id, *, is_command=True):
    return b"".join(pdu.encode_fragments(message, context_id, 2**20, is_command=is_command))


def find(message_id):
    identifier = struct.pack("<HH2sH", 8, 0x18, b"UI", 0) + struct.pack("<HH2sH", 8, 0x52, b"CS", 6) + b"IMAGE "
    identifier += struct.pack("<HH2sH", 0x20, 0x0D, b"UI", 6) + b"1.2.3\0"
    asked = requests.encode_query(command.C_FIND_RQ, message_id, STUDY_ROOT_FIND)
    return whole(asked, FIND) + whole(identifier, FIND, is_command=False)


def echo(message_id):
    return whole(requests.encode_echo(message_id, VERIFICATION), ECHO)


def cancel(message_id):
    return whole(requests.encode_cancel(message_id), FIND)


@pytest.fixture(scope="module")
def stocked(site, image_of):
    """A server with 300 objects, which were sent without waiting."""
    with site.peer() as peer:
        for number in range(OBJECTS):
            uid = f"1.2.3.4.5.{number}"
            request = requests.encode_store(number + 1, IMAGE_STORAGE[0], uid)
            peer.send(whole(request, CT), whole(image_of(uid, 8), CT, is_command=False))
        assert [peer.response().status for _ in range(OBJECTS)] == [0] * OBJECTS
    return site


def answers(peer, finals):
    """Message ID, number of pending responses and final status of each answer; then the PDU that follows them."""
    found, pending = [], 0
    while len(found) < finals:
        kind, body = peer.receive()
        assert kind == pdu.P_DATA_TF, body
        if not body[5] & 1:
            continue
        answer = command.decode(body[6:])
        if answer.status in (0xFF00, 0xFF01):
            pending += 1
        else:
            found.append((answer.responded, pending, answer.status))
            pending = 0
    return found


def test_queries_queue_up(stocked):
    with stocked.peer() as peer:
        peer.send(find(1), find(2), find(3))
        assert answers(peer, 3) == [(number, OBJECTS, 0) for number in (1, 2, 3)]
        peer.send(pdu.RELEASE_RQ)
        assert peer.receive()[0] == pdu.A_RELEASE_RP


def test_other_requests_come_between(stocked, image_of):
    uid = "1.2.3.4.5.0"  # with other bytes than before, so that the matches stay as many
    store = whole(requests.encode_store(3, IMAGE_STORAGE[0], uid), CT)
    with stocked.peer() as peer:
        peer.send(find(1), echo(2), store, whole(image_of(uid, 2_000_000), CT, is_command=False), find(4))
        assert answers(peer, 4) == [(1, OBJECTS, 0), (2, 0, 0), (3, 0, 0), (4, OBJECTS, 0)]


@pytest.mark.parametrize("cancelled", [2, 3])
def test_a_query_is_cancelled_before_its_turn(stocked, cancelled):
    with stocked.peer() as peer:
        peer.send(find(1), find(2), find(3), cancel(cancelled), cancel(77))
        found = answers(peer, 3)
    assert found[cancelled - 1] == (cancelled, 0, 0xFE00)
    assert [each for each in found if each[0] != cancelled] == [
        (number, OBJECTS, 0) for number in (1, 2, 3) if number != cancelled
    ]


def test_a_request_for_release_is_answered_last(stocked):
    """The acceptor may still send data (PS3.8 7.2.2, AR-7)."""
    with stocked.peer() as peer:
        peer.send(find(1), find(2), pdu.RELEASE_RQ)
        assert answers(peer, 2) == [(1, OBJECTS, 0), (2, OBJECTS, 0)]
        assert peer.receive()[0] == pdu.A_RELEASE_RP
        assert peer.receive() == (0, b"")


def test_a_peer_that_sends_no_more_still_gets_its_answer(stocked):
    with stocked.peer() as peer:
        peer.send(find(1))
        peer.socket.shutdown(1)
        assert answers(peer, 1) == [(1, OBJECTS, 0)]
