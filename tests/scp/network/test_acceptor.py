"""An association that a peer opened, over a socket: how it begins and ends, its pace, and odd messages to services."""

from __future__ import annotations

import struct

import pytest

from dicom.sop_classes import STUDY_ROOT_FIND, VERIFICATION
from scp.network import associate, command, negotiation, pdu, requests
from scp.network.negotiation import PresentationContext
from scp.services.storage import IMAGE_STORAGE
from storage.intake.instances import find_instance

CT, ECHO, FIND = 1, 3, 5
EXPLICIT = "1.2.840.10008.1.2.1"
ABORT = pdu.encode_abort(None)
STORE = requests.encode_store(1, IMAGE_STORAGE[0], "1.2.3.9")


def data(message, context_id=CT, *, is_command=True, is_last=True):
    return (
        b"".join(pdu.encode_fragments(message, context_id, 2**20, is_command=is_command))
        if is_last
        else (pdu.encode_value_header(len(message), context_id, is_command=is_command, is_last=False) + message)
    )


def bare(kind, body=b"\0\0\0\0"):
    return struct.pack(">BxI", kind, len(body)) + body


class TestAwaitingTheRequest:
    """Sta2"""

    @pytest.mark.parametrize("kind", [2, 3, 4, 5, 6])
    def test_another_pdu_is_unexpected(self, site, kind):
        with site.peer(associated=False) as peer:
            peer.send(bare(kind))
            assert peer.ends() == (2, 2)

    @pytest.mark.parametrize("kind", [0, 8, 255])
    def test_an_unknown_pdu_is_unrecognized(self, site, kind):
        with site.peer(associated=False) as peer:
            peer.send(bare(kind))
            assert peer.ends() == (2, 1)

    def test_an_abort_ends_without_an_answer(self, site):
        with site.peer(associated=False) as peer:
            peer.send(ABORT)
            assert peer.receive() == (0, b"")

    def test_noise_in_place_of_a_request_is_an_abort(self, site):
        with site.peer(associated=False) as peer:
            peer.send(bare(1, b"\xff" * 200))
            assert peer.ends() == (2, 6)

    def test_a_request_without_end_is_an_abort(self, site):
        with site.peer(associated=False) as peer:
            peer.send(struct.pack(">BxI", 1, 2**31))
            assert peer.ends()[0] == 2

    def test_another_protocol_version_is_rejected(self, site, request_bytes):
        request = bytearray(request_bytes())
        request[6:8] = b"\0\2"
        with site.peer(associated=False) as peer:
            peer.send(bytes(request))
            assert peer.receive() == (3, bytes([0, 1, 2, 2]))

    def test_silence_ends_without_an_answer(self, site):
        with site.peer(associated=False) as peer:
            assert peer.receive() == (0, b"")

    def test_an_empty_calling_title_is_rejected(self, site, request_bytes):
        request = bytearray(request_bytes())
        request[26:42] = b" " * 16
        with site.peer(associated=False) as peer:
            peer.send(bytes(request))
            assert peer.receive() == (3, bytes([0, 1, 1, 3]))

    def test_a_bad_context_and_odd_words_do_not_keep_the_others(self, site):
        contexts = [PresentationContext(VERIFICATION, ()), PresentationContext(VERIFICATION, (EXPLICIT,))]
        opening, _ = negotiation.propose("SCANNER", "CORONODE", contexts, 0)
        odd = bytearray(opening.replace(b"CORONODE_", b"\xff\0\xfe^*\n_?_"))
        with site.peer(associated=False) as peer:
            peer.send(bytes(odd))
            kind, body = peer.receive()
            assert kind == pdu.A_ASSOCIATE_AC
            assert [answer.result for answer in associate.read_acceptance(body).contexts] == [4, 0]
            peer.send(data(requests.encode_echo(1, VERIFICATION), ECHO))
            assert peer.response().status == 0


class TestOpen:
    """Sta6"""

    @pytest.mark.parametrize("kind", [1, 2, 3, 6])
    def test_an_unexpected_pdu_is_an_abort(self, site, kind):
        with site.peer() as peer:
            peer.send(bare(kind))
            assert peer.ends() == (2, 2)

    @pytest.mark.parametrize(
        ("stream", "reason"),
        [(bare(77), 1), (data(STORE, 7), 6), (data(STORE) + data(STORE), 5)],
        ids=["unknown", "context", "order"],
    )
    def test_a_violation_is_an_abort_with_its_reason(self, site, stream, reason):
        with site.peer() as peer:
            peer.send(stream)
            assert peer.ends() == (2, reason)

    @pytest.mark.parametrize("last_words", [pdu.RELEASE_RQ, ABORT, b""])
    def test_what_ends_in_the_middle_leaves_nothing(self, site, image_of, last_words):
        whole = image_of("1.2.3.9", 500_000)
        with site.peer() as peer:
            peer.send(data(STORE), data(whole[:300_000], is_last=False, is_command=False), last_words)
            if last_words == pdu.RELEASE_RQ:
                assert peer.receive()[0] == pdu.A_RELEASE_RP
            peer.socket.shutdown(1)
            peer.ends()
        assert not list((site.files.root / "incoming").glob("*/[!.]*"))
        assert find_instance(site.database, "1.2.3.9") is None

    def test_release(self, site):
        with site.peer() as peer:
            peer.send(pdu.RELEASE_RQ)
            assert peer.receive() == (pdu.A_RELEASE_RP, bytes(4))
            assert peer.receive() == (0, b"")


class TestServices:
    def test_an_unknown_operation_is_told(self, site):
        request = bytearray(requests.encode_echo(5, VERIFICATION))
        at = request.index(struct.pack("<HHIH", 0, 0x0100, 2, command.C_ECHO_RQ))
        request[at + 8 : at + 10] = struct.pack("<H", 0x0021)
        with site.peer() as peer:
            peer.send(data(bytes(request), ECHO))
            answer = peer.response()
        assert (answer.field, answer.status, answer.responded) == (0x8021, 0x0211, 5)

    @pytest.mark.parametrize("context_id", [ECHO, FIND])
    def test_storing_on_another_services_context_is_refused_and_the_association_lives(self, site, image_of, context_id):
        with site.peer() as peer:
            peer.send(data(STORE, context_id), data(image_of("1.2.3.9"), context_id, is_command=False))
            assert peer.response().status == 0x0122
            peer.send(data(requests.encode_echo(2, VERIFICATION), ECHO))
            assert peer.response().status == 0

    def test_a_response_to_nothing_is_an_abort(self, site):
        answer = command.encode_response(command.decode(STORE), 0)
        with site.peer() as peer:
            peer.send(data(answer))
            assert peer.ends() == (2, 2)

    def test_a_cancel_of_nothing_is_nothing(self, site):
        with site.peer() as peer:
            peer.send(data(requests.encode_cancel(3), FIND), data(requests.encode_echo(2, VERIFICATION), ECHO))
            assert peer.response().responded == 2

    def test_a_cancel_ends_a_query_at_once(self, site, image_of):
        with site.peer() as peer:
            for number in range(300):
                uid = f"1.2.3.4.77.{number}"
                request = requests.encode_store(number + 1, IMAGE_STORAGE[0], uid)
                peer.send(data(request), data(image_of(uid, 8), is_command=False))
                assert peer.response().status == 0
            peer.send(find_request(9), find_identifier(), data(requests.encode_cancel(9), FIND))
            count, status = matches(peer)
            peer.send(find_request(10), find_identifier())
            whole, success = matches(peer)
        assert (status, success) == (0xFE00, 0)
        assert count < whole
        assert whole >= 300

    def test_an_abort_in_the_middle_of_a_query_ends_it(self, site):
        with site.peer() as peer:
            peer.send(find_request(9), find_identifier(), ABORT)
            kinds = []
            while (kind := peer.receive()[0]) != 0:
                kinds.append(kind)
        assert set(kinds) <= {pdu.P_DATA_TF}


def find_request(message_id):
    return data(requests.encode_query(command.C_FIND_RQ, message_id, STUDY_ROOT_FIND), FIND)


def find_identifier():
    identifier = struct.pack("<HH2sH", 8, 0x52, b"CS", 6) + b"IMAGE "
    identifier = struct.pack("<HH2sH", 8, 0x18, b"UI", 0) + identifier
    identifier += struct.pack("<HH2sH", 0x20, 0x0D, b"UI", 6) + b"1.2.3\0"
    return data(identifier, FIND, is_command=False)


def matches(peer):
    """Number of pending responses, and the status of the last one."""
    count = 0
    while True:
        kind, body = peer.receive()
        assert kind == pdu.P_DATA_TF
        if not body[5] & 1:
            continue
        answer = command.decode(body[6:])
        if answer.status not in (0xFF00, 0xFF01):
            return count, answer.status
        count += 1


class TestPace:
    def test_an_idle_association_is_ended(self, serve, tmp_path):
        with serve(tmp_path, network_timeout=1) as site, site.peer() as peer:
            assert peer.ends() == (2, 0)

    def test_an_object_without_end_is_ended(self, serve, tmp_path):
        with serve(tmp_path, longest_object_mb=1) as site, site.peer() as peer:
            peer.send(data(STORE), data(bytes(1_200_000), is_last=False, is_command=False))
            assert peer.ends() == (0, 0)
            assert not list((site.files.root / "incoming").glob("*/[!.]*"))

    def test_a_long_pdu_of_a_careless_sender_is_taken(self, site, image_of):
        whole = image_of("1.2.3.10", 2_000_000)
        with site.peer() as peer:
            request = requests.encode_store(1, IMAGE_STORAGE[0], "1.2.3.10")
            peer.send(data(request), pdu.encode_value_header(len(whole), CT, is_command=False, is_last=True), whole)
            assert peer.response().status == 0

    def test_limit_of_one_peer(self, serve, tmp_path, request_bytes):
        with serve(tmp_path, max_associations_per_peer=1) as site, site.peer(), site.peer(associated=False) as second:
            second.send(request_bytes())
            assert second.receive() == (3, bytes([0, 2, 3, 2]))
