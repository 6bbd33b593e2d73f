"""Messages from bytes, without a socket: what Sta6 takes, what it aborts, and every legal way to cut a message."""

from __future__ import annotations

import itertools
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dicom.sop_classes import STUDY_ROOT_FIND, VERIFICATION
from scp.network import command, pdu, requests
from scp.network.errors import (
    INVALID_PARAMETER,
    UNEXPECTED_PARAMETER,
    UNEXPECTED_PDU,
    UNRECOGNIZED_PDU,
    Aborted,
    Closed,
    Violation,
)
from scp.network.message import Messages, Released
from scp.network.states import Machine, Role, State

from .conftest import BytesReader

CT, ECHO = 1, 3
STORE = requests.encode_store(1, "1.2.840.10008.5.1.4.1.1.2", "1.2.3.9")


def messages_of(data: bytes, segments=(), *, longest=2**20, role=Role.ACCEPTOR) -> Messages:
    reader = BytesReader(data, segments)
    return Messages(reader, longest, Machine(role, State.OPEN), lambda context_id: context_id in (CT, ECHO))


def fragment(message, context_id=CT, *, is_command=True, is_last=True) -> bytes:
    return pdu.encode_value_header(len(message), context_id, is_command=is_command, is_last=is_last) + message


def bare(kind, body=b"\0\0\0\0") -> bytes:
    return struct.pack(">BxI", kind, len(body)) + body


def read_all(messages: Messages) -> list[tuple[command.Command, bytes]]:
    """Every message until the peer asks for release."""
    found = []
    while (message := messages.next()) is not None:
        found.append((message.command, b"".join(map(bytes, messages.data()))))
    return found


INVALID = {
    "a PDU of 4 GB": struct.pack(">BxI", 4, 2**32 - 1),
    "a value past its PDU": bare(4, struct.pack(">IBB", 100, CT, 3)),
    "a value of length 0": bare(4, struct.pack(">IBB", 0, CT, 3)),
    "a value of length 1": bare(4, struct.pack(">IBB", 1, CT, 3)),
    "a value cut by the PDU": bare(4, b"\0\0\0"),
    "a release of 5 bytes": bare(5, b"\0" * 5),
    "an even context": fragment(STORE, 2),
    "a context that was not accepted": fragment(STORE, 7),
    "a command that ends within an element": fragment(b"\1\2\3"),
    "a command without field": fragment(b"\0" * 8),
    "an empty command": fragment(b""),
    "a command cut short": fragment(STORE[:-3]),
    "an element of another group": fragment(STORE + struct.pack("<HHI", 8, 0, 0)),
    "a command without end": fragment(b"\0" * 4000, is_last=False) * 5,
}
OUT_OF_ORDER = {
    "data first": fragment(b"abc", is_command=False),
    "a command again": fragment(STORE) * 2,
    "a command in the data": fragment(STORE) + fragment(b"a", is_last=False, is_command=False) + fragment(STORE),
    "data elsewhere": fragment(STORE) + fragment(b"a", ECHO, is_command=False),
    "a command elsewhere": fragment(STORE[:20], is_last=False) + fragment(STORE[20:], ECHO),
    "data in the command": fragment(STORE[:20], is_last=False) + fragment(b"x", is_command=False),
}
CASES = [
    *((name, stream, INVALID_PARAMETER) for name, stream in INVALID.items()),
    *((name, stream, UNEXPECTED_PARAMETER) for name, stream in OUT_OF_ORDER.items()),
    *((f"PDU {kind}", bare(kind), UNEXPECTED_PDU) for kind in (1, 2, 3, 6)),
    *((f"PDU {kind}", bare(kind), UNRECOGNIZED_PDU) for kind in (0, 8, 77, 255)),
]


@pytest.mark.parametrize(("stream", "reason"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_sta6_does_not_allow_is_a_violation_with_its_reason(stream, reason):
    with pytest.raises(Violation) as caught:
        read_all(messages_of(stream))
    assert caught.value.reason == reason


def test_an_abort_says_who_and_why():
    with pytest.raises(Aborted, match="source 2, reason 6"):
        messages_of(pdu.encode_abort(6)).next()


def test_the_end_of_the_bytes_is_the_end_of_the_association():
    for cut in range(1, len(fragment(STORE))):
        with pytest.raises(Closed):
            messages_of(fragment(STORE)[:cut]).next()


def test_a_request_for_release_between_messages_and_within_one():
    assert messages_of(pdu.RELEASE_RQ).next() is None
    within = messages_of(fragment(STORE) + fragment(b"ab", is_last=False, is_command=False) + pdu.RELEASE_RQ)
    assert within.next() is not None
    with pytest.raises(Released):
        within.drop()
    with pytest.raises(Released):
        messages_of(fragment(STORE[:20], is_last=False) + pdu.RELEASE_RQ).next()


def test_data_after_our_request_for_release_is_still_read():
    """Sta7: the peer may send until it answers (AR-6)."""
    echo = fragment(requests.encode_echo(1, VERIFICATION), ECHO)
    machine = Machine(Role.REQUESTOR, State.AWAITING_RELEASE_RP)
    messages = Messages(BytesReader(echo), 2**20, machine, lambda _context_id: True)
    assert messages.next() is not None
    assert machine.state is State.AWAITING_RELEASE_RP


def test_an_empty_pdu_is_nothing():
    echo = fragment(requests.encode_echo(1, VERIFICATION), ECHO)
    ((asked, data),) = read_all(messages_of(bare(4, b"") + echo + pdu.RELEASE_RQ))
    assert (asked.field, asked.message_id, asked.sop_class_uid, data) == (command.C_ECHO_RQ, 1, VERIFICATION, b"")


def test_data_that_is_not_wanted_is_dropped_before_the_next_message():
    stream = fragment(STORE) + fragment(b"x" * 999, is_command=False)
    messages = messages_of(stream * 2 + pdu.RELEASE_RQ)
    assert messages.next() is not None
    assert messages.next() is not None
    assert messages.next() is None


@pytest.mark.parametrize(
    ("encoded", "field", "has_data_set"),
    [
        (requests.encode_echo(7, VERIFICATION), 0x0030, False),
        (requests.encode_store(7, "1.2", "1.2.3"), 0x0001, True),
        (requests.encode_query(command.C_FIND_RQ, 7, STUDY_ROOT_FIND), 0x0020, True),
        (requests.encode_query(command.C_GET_RQ, 7, STUDY_ROOT_FIND), 0x0010, True),
    ],
)
def test_a_command_set_comes_back_as_it_was(encoded, field, has_data_set):
    asked = command.decode(encoded)
    assert (asked.field, asked.message_id, asked.has_data_set) == (field, 7, has_data_set)
    assert int.from_bytes(encoded[8:12], "little") == len(encoded) - 12


def value(data, context_id, *, is_command, is_last):
    control = (1 if is_command else 0) | (2 if is_last else 0)
    return struct.pack(">IBB", len(data) + 2, context_id, control) + data


def values_of(data, cuts, *, is_command):
    """`data` as data values, cut at `cuts`; some are empty."""
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    parts = [data[start:end] for start, end in itertools.pairwise(edges)]
    return [value(part, CT, is_command=is_command, is_last=index == len(parts) - 1) for index, part in enumerate(parts)]


def pdus_of(values, sizes):
    """The data values in P-DATA-TFs of `sizes` values each, the rest one by one."""
    left, stream = list(values), b""
    for size in itertools.chain(sizes, itertools.repeat(1)):
        if not left:
            return stream
        stream += bare(4, b"".join(left[:size]))
        left = left[size:]
    raise AssertionError


cuts = st.lists(st.integers(0, 3300), max_size=12)


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 3000),
    cuts,
    cuts,
    st.lists(st.integers(1, 8), max_size=10),
    st.lists(st.integers(1, 5000), max_size=12),
)
def test_any_cut_is_the_same_message(size, in_command, in_data, in_pdus, segments):
    data = bytes(number % 251 for number in range(size))
    values = values_of(STORE, in_command, is_command=True) + values_of(data, in_data, is_command=False)
    messages = messages_of(pdus_of(values, in_pdus) + pdu.RELEASE_RQ, segments)
    assert read_all(messages) == [(command.decode(STORE), data)]


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=5000), st.integers(1, 700), st.booleans())
def test_what_is_cut_for_a_peer_comes_back(data, most, is_command):
    buffers = pdu.encode_fragments(data, ECHO, most, is_command=is_command)
    stream = b"".join(buffers)
    pieces = list(itertools.takewhile(lambda piece: not isinstance(piece, pdu.Release), pieces_of(stream)))
    assert b"".join(bytes(piece.data) for piece in pieces) == data
    assert {(piece.context_id, piece.is_command) for piece in pieces} == {(ECHO, is_command)}
    assert [piece.ends for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert max(len(piece.data) for piece in pieces) <= most


def pieces_of(stream):
    return pdu.read_pieces(BytesReader(stream + pdu.RELEASE_RQ), 2**20, Machine(Role.ACCEPTOR, State.OPEN))
