"""What a peer sends while a request is answered: requests queue up, a cancellation or a request for release is seen."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicom.sop_classes import STUDY_ROOT_FIND, VERIFICATION
from scp.network import command, pdu, requests
from scp.network.errors import Closed, Violation
from scp.network.message import MOST_AHEAD, MOST_BYTES_AHEAD, Messages, Released
from scp.network.states import Machine, Role, State

from .conftest import BytesReader

CT, ECHO, FIND = 1, 3, 5


def messages_of(data: bytes, segments=()) -> Messages:
    return Messages(BytesReader(data, segments), 2**24, Machine(Role.ACCEPTOR, State.OPEN), lambda _context: True)


def whole(message, context_id, *, is_command=True) -> bytes:
    return b"".join(pdu.encode_fragments(message, context_id, 1000, is_command=is_command))


def find(number: int, identifier: bytes = b"keys") -> bytes:
    asked = requests.encode_query(command.C_FIND_RQ, number, STUDY_ROOT_FIND)
    return whole(asked, FIND) + whole(identifier, FIND, is_command=False)


def cancel(number: int) -> bytes:
    return whole(requests.encode_cancel(number), FIND)


def echo(number: int) -> bytes:
    return whole(requests.encode_echo(number, VERIFICATION), ECHO)


def take(messages: Messages) -> tuple[int, bytes] | None:
    """The next message and its data set."""
    message = messages.next()
    return None if message is None else (message.command.message_id, b"".join(map(bytes, messages.data())))


def begin(data: bytes) -> tuple[Messages, object]:
    """The first request of `data`, read to its end, as a service has it when it begins to answer."""
    messages = messages_of(data)
    message = messages.next()
    messages.drop()
    return messages, message


def test_requests_that_come_meanwhile_are_kept_in_order():
    store = whole(requests.encode_store(4, "1.2", "1.2.3"), CT) + whole(b"image", CT, is_command=False)
    messages, first = begin(find(1) + find(2, b"second") + echo(3) + store + pdu.RELEASE_RQ)
    assert not messages.is_cancelled(first)
    assert [take(messages) for _ in range(4)] == [(2, b"second"), (3, b""), (4, b"image"), None]


@pytest.mark.parametrize(
    ("number", "expected"), [(1, [True, False, False]), (2, [False, True, False]), (9, [False] * 3)]
)
def test_each_request_can_be_cancelled_before_its_turn(number, expected):
    messages, message = begin(find(1) + find(2) + find(3) + cancel(number) + pdu.RELEASE_RQ)
    verdicts = []
    while message is not None:
        messages.drop()
        verdicts.append(messages.is_cancelled(message))
        message = messages.next()
    assert verdicts == expected


def test_a_cancellation_ends_with_its_request():
    """Message IDs are used again (PS3.7 9.1)."""
    messages, first = begin(find(1) + cancel(1) + find(1) + pdu.RELEASE_RQ)
    assert messages.is_cancelled(first)
    second = messages.next()
    messages.drop()
    assert not messages.is_cancelled(second)


def test_a_request_for_release_waits_for_the_answers():
    messages, first = begin(find(1) + find(2) + pdu.RELEASE_RQ)
    assert not messages.is_cancelled(first)
    assert take(messages) == (2, b"keys")
    assert messages.next() is None
    assert messages.next() is None


def test_a_release_within_a_message_is_one_when_its_turn_comes():
    request = whole(requests.encode_query(command.C_FIND_RQ, 2, STUDY_ROOT_FIND), FIND)
    begun = pdu.encode_value_header(4, FIND, is_command=False, is_last=False) + b"keys"
    messages, first = begin(find(1) + request + begun + pdu.RELEASE_RQ)
    assert not messages.is_cancelled(first)
    assert messages.next() is not None
    with pytest.raises(Released):
        messages.drop()


def test_the_end_of_the_bytes_is_no_cancellation():
    messages, first = begin(find(1))
    assert not messages.is_cancelled(first)
    with pytest.raises(Closed):
        messages.next()


def test_an_object_that_follows_is_not_gathered_in_memory():
    asked = whole(requests.encode_store(2, "1.2", "1.2.3"), CT)
    image = bytes(range(256)) * 40_000  # 10 MB
    reader = BytesReader(find(1) + asked + whole(image, CT, is_command=False) + pdu.RELEASE_RQ)
    messages = Messages(reader, 2**24, Machine(Role.ACCEPTOR, State.OPEN), lambda _context: True)
    first = messages.next()
    messages.drop()
    before = reader.left
    assert not messages.is_cancelled(first)
    assert not messages.is_cancelled(first)
    assert before - reader.left < MOST_BYTES_AHEAD + 100_000
    assert take(messages) == (2, image)
    assert messages.next() is None


def test_only_so_many_requests_are_kept():
    reader = BytesReader(find(1) + echo(7) * 1000 + pdu.RELEASE_RQ)
    messages = Messages(reader, 2**24, Machine(Role.ACCEPTOR, State.OPEN), lambda _context: True)
    first = messages.next()
    messages.drop()
    assert not messages.is_cancelled(first)
    assert reader.left > len(echo(7)) * (1000 - MOST_AHEAD - 1)
    assert [take(messages) for _ in range(1001)] == [(7, b"")] * 1000 + [None]


def test_what_breaks_the_protocol_ends_the_association():
    messages, first = begin(find(1) + whole(b"data of nothing", FIND, is_command=False))
    with pytest.raises(Violation):
        messages.is_cancelled(first)


some_requests = st.lists(st.sampled_from([(find, b"keys" * 900), (find, b""), (echo, b"")]), min_size=1, max_size=8)


@settings(max_examples=200, deadline=None)
@given(some_requests, st.lists(st.integers(1, 4000), max_size=20), st.integers(0, 255))
def test_reading_ahead_at_any_time_loses_nothing(kinds, segments, when):
    stream, expected = b"", []
    for number, (make, identifier) in enumerate(kinds, start=1):
        stream += find(number, identifier) if make is find else echo(number)
        expected.append((number, identifier))
    messages = messages_of(stream + pdu.RELEASE_RQ, segments)
    found = []
    while (message := messages.next()) is not None:
        found.append((message.command.message_id, b"".join(map(bytes, messages.data()))))
        if when >> (len(found) - 1) & 1:
            assert not messages.is_cancelled(message)
    assert found == expected


def answer(number: int, data: bytes = b"") -> bytes:
    """The response to our C-STORE-RQ with this number."""
    asked = command.Command(command.C_STORE_RQ, has_data_set=True, message_id=number, sop_class_uid="1.2")
    told = whole(command.encode_response(asked, 0, has_data_set=bool(data)), CT)
    return told + (whole(data, CT, is_command=False) if data else b"")


def test_a_response_is_waited_for_while_requests_queue_up():
    """PS3.4 C.4.3: C-STORE sub-operations of a C-GET, during which the peer may send further requests."""
    messages, _ = begin(find(1) + find(2, b"second") + answer(7, b"told") + echo(3) + pdu.RELEASE_RQ)
    response, data = messages.wait_for_response(7)
    assert (response.field, response.responded, response.status) == (command.C_STORE_RQ | command.RESPONSE, 7, 0)
    assert data == b"told"
    assert [take(messages) for _ in range(3)] == [(2, b"second"), (3, b""), None]


def test_a_request_may_be_cancelled_while_a_response_is_waited_for():
    messages, first = begin(find(1) + cancel(1) + answer(7))
    messages.wait_for_response(7)
    assert messages.is_cancelled(first)


def test_a_response_that_never_comes_ends_the_association():
    messages, _ = begin(find(1) + echo(2) + pdu.RELEASE_RQ)
    with pytest.raises(Released):
        messages.wait_for_response(7)
    messages, _ = begin(find(1) + answer(8))
    with pytest.raises(Closed):
        messages.wait_for_response(7)


def test_requests_in_place_of_a_response_have_a_limit():
    messages, _ = begin(find(1) + b"".join(echo(number + 2) for number in range(MOST_AHEAD + 1)) + answer(7))
    with pytest.raises(Violation, match="too many requests"):
        messages.wait_for_response(7)


@pytest.mark.parametrize("then", [echo(2), pdu.RELEASE_RQ], ids=["a request", "a release"])
def test_the_next_word_of_the_peer_is_seen_without_waiting(then):
    messages, _ = begin(find(1) + then)
    assert messages.has_come(60)
    assert messages.has_come(60)


def test_a_request_that_was_read_ahead_is_the_next_word():
    messages, first = begin(find(1) + echo(2))
    assert not messages.is_cancelled(first)
    assert messages.has_come(60)
    assert take(messages) == (2, b"")


def test_the_end_of_the_connection_is_seen_without_waiting(monkeypatch):
    def end() -> bool:
        raise Closed("the peer closed the connection")

    messages, _ = begin(find(1))
    monkeypatch.setattr(messages._reader, "pending", end)
    assert messages.has_come(60)


def test_a_peer_that_says_nothing_is_not_waited_for_longer(monkeypatch):
    messages, _ = begin(find(1))
    monkeypatch.setattr(messages._reader, "pending", lambda: False)
    assert not messages.has_come(0.05)
