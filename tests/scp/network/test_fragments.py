"""However a message is cut into PDVs, PDUs and TCP segments, the same bytes are stored."""

from __future__ import annotations

import itertools
import struct

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dicom.sop_classes import VERIFICATION
from scp.network import command, pdu, requests
from scp.services.storage import IMAGE_STORAGE
from storage.intake.instances import find_instance

CT, ECHO = 1, 3
_numbers = itertools.count(1)


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
    left, made = list(values), []
    for size in itertools.chain(sizes, itertools.repeat(1)):
        if not left:
            return b"".join(made)
        body = b"".join(left[:size])
        left = left[size:]
        made.append(struct.pack(">BxI", pdu.P_DATA_TF, len(body)) + body)
    raise AssertionError


def stored_bytes(site, uid):
    raw = site.files.path(find_instance(site.database, uid).path).read_bytes()
    return raw[144 + int.from_bytes(raw[140:144], "little") :]


cuts = st.lists(st.integers(0, 3300), max_size=12)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts, cuts, st.lists(st.integers(1, 8), max_size=10), st.lists(st.integers(1, 5000), max_size=12))
def test_any_cut_stores_the_same_bytes(site, image_of, in_command, in_data, in_pdus, segments):
    uid = f"1.2.3.4.{next(_numbers)}"
    data = image_of(uid)
    request = requests.encode_store(7, IMAGE_STORAGE[0], uid)
    values = values_of(request, in_command, is_command=True) + values_of(data, in_data, is_command=False)
    stream = pdus_of(values, in_pdus)
    with site.peer() as peer:
        position = 0
        for length in segments:
            peer.send(stream[position : position + length])
            position += length
        peer.send(stream[position:])
        answer = peer.response()
        assert (answer.status, answer.responded, answer.sop_instance_uid) == (0, 7, uid)
        peer.send(pdu.RELEASE_RQ)
        assert peer.receive()[0] == pdu.A_RELEASE_RP
    assert stored_bytes(site, uid) == data


def test_cut_at_every_boundary(site, image_of):
    uid = f"1.2.3.4.{next(_numbers)}"
    data = image_of(uid, 40)
    request = requests.encode_store(1, IMAGE_STORAGE[0], uid)
    stream = pdus_of(
        [*values_of(request, [9], is_command=True), *values_of(data, [3, 150], is_command=False)], [2, 1, 2]
    )
    with site.peer() as peer:
        for cut in range(1, len(stream)):
            peer.send(stream[:cut])
            peer.send(stream[cut:])
            assert peer.response().status == 0
    assert stored_bytes(site, uid) == data


@pytest.mark.parametrize("maximum", [0, 7, 8, 13, 33, 128, 16384])
def test_answers_keep_to_the_peers_maximum_length(site, maximum):
    with site.peer(maximum_length=maximum) as peer:
        request = requests.encode_echo(1, VERIFICATION)
        body = value(request, ECHO, is_command=True, is_last=True)
        peer.send(struct.pack(">BxI", pdu.P_DATA_TF, len(body)), body)
        gathered = b""
        while True:
            kind, part = peer.receive()
            assert kind == pdu.P_DATA_TF
            assert maximum == 0 or len(part) <= maximum
            gathered += part[6:]
            if part[5] & 2:
                break
        assert command.decode(gathered).status == 0


def test_a_maximum_length_without_room_for_data_is_an_abort(site, request_bytes):
    with site.peer(associated=False) as peer:
        peer.send(request_bytes(6))
        assert peer.ends() == (2, 2)
