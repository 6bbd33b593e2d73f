"""Messages that other makers send, in bytes: what they get, and that the association goes on (PS3.7 9.3, PS3.8 9.3)."""

from __future__ import annotations

import itertools
import struct

import pytest

from dicom.sop_classes import STUDY_ROOT_FIND, VERIFICATION
from scp.network import command, pdu, requests
from scp.services.storage import IMAGE_STORAGE

CT, ECHO, FIND = 1, 3, 5
CT_IMAGE = IMAGE_STORAGE[0].encode()
STUDY_FIND = STUDY_ROOT_FIND.encode()
COMMITMENT = b"1.2.840.10008.1.20.1"
_numbers = itertools.count(1)


def element(number: int, value: bytes) -> bytes:
    value += b"\0" * (len(value) % 2)
    return struct.pack("<HHI", 0, number, len(value)) + value


def us(value: int) -> bytes:
    return struct.pack("<H", value)


def group(elements: dict[int, bytes], *, has_length: bool = True) -> bytes:
    body = b"".join(element(number, value) for number, value in sorted(elements.items()))
    return element(0, struct.pack("<I", len(body))) + body if has_length else body


def store(uid: bytes, more: dict[int, bytes] | None = None, **options: bool) -> bytes:
    plain = {0x2: CT_IMAGE, 0x100: us(1), 0x110: us(7), 0x700: us(0), 0x800: us(1), 0x1000: uid}
    return group(plain | (more or {}), **options)


def find(more: dict[int, bytes] | None = None) -> bytes:
    return group({0x2: STUDY_FIND, 0x100: us(0x20), 0x110: us(7), 0x700: us(0), 0x800: us(1)} | (more or {}))


def pdv(data: bytes, context_id: int, *, is_command: bool, is_last: bool = True) -> bytes:
    return struct.pack(">IBB", len(data) + 2, context_id, is_command | is_last << 1) + data


def p_data(*values: bytes) -> bytes:
    return struct.pack(">BxI", 4, sum(map(len, values))) + b"".join(values)


def said(message: bytes, context_id: int = CT, step: int = 2**24) -> bytes:
    return b"".join(p_data(value) for value in cut(message, context_id, step, is_command=True))


def sent(data: bytes, context_id: int = CT, step: int = 2**24) -> bytes:
    return b"".join(p_data(value) for value in cut(data, context_id, step, is_command=False))


def cut(data: bytes, context_id: int, step: int, *, is_command: bool) -> list[bytes]:
    starts = range(0, max(1, len(data)), step)
    return [
        pdv(data[at : at + step], context_id, is_command=is_command, is_last=at + step >= len(data)) for at in starts
    ]


def new_uid() -> str:
    return f"1.2.3.4.88.{next(_numbers)}"


def goes_on(peer) -> bool:
    """Whether a C-ECHO and a release still work."""
    peer.send(said(requests.encode_echo(9, VERIFICATION), ECHO))
    answer = peer.response()
    peer.send(pdu.RELEASE_RQ)
    return (answer.responded, answer.status) == (9, 0) and peer.receive()[0] == pdu.A_RELEASE_RP


def command_and_data_together(uid, data):
    return p_data(pdv(store(uid), CT, is_command=True), pdv(data[:500], CT, is_command=False, is_last=False)) + sent(
        data[500:]
    )


STORES = {
    "plain": lambda uid, data: said(store(uid)) + sent(data),
    "command and data in one PDU": command_and_data_together,
    "pieces of odd length": lambda uid, data: said(store(uid), step=7) + sent(data, step=999),
    "many values in a PDU": lambda uid, data: said(store(uid)) + p_data(*cut(data, CT, 100, is_command=False)),
    "an empty last fragment": lambda uid, data: (
        said(store(uid)) + p_data(pdv(data, CT, is_command=False, is_last=False)) + sent(b"")
    ),
    "a PDU longer than agreed": lambda uid, data: said(store(uid)) + sent(data),
    "no group length": lambda uid, data: said(store(uid, has_length=False)) + sent(data),
    "retired elements": lambda uid, data: (
        said(store(uid, {0x1: struct.pack("<I", 200), 0x10: b"ACR-NEMA 2.0", 0x200: b"CT1 ", 0x300: b"CORONODE"}))
        + sent(data)
    ),
    "any data set type": lambda uid, data: said(store(uid, {0x800: us(0)})) + sent(data),
    "move originator": lambda uid, data: (
        said(store(uid, {0x700: us(1), 0x1030: b"WORKSTATION", 0x1031: us(77)})) + sent(data)
    ),
    "undefined priority": lambda uid, data: said(store(uid, {0x700: us(9)})) + sent(data),
    "a UID padded with spaces": lambda uid, data: said(store(uid + b"  ")) + sent(data),
}


@pytest.mark.parametrize("case", STORES)
def test_an_object_is_stored_however_it_is_said(site, image_of, case):
    uid = new_uid()
    with site.peer() as peer:
        peer.send(STORES[case](uid.encode(), image_of(uid, 200_000)))
        answer = peer.response()
        assert (answer.status, answer.responded, answer.sop_instance_uid) == (0, 7, uid)
        assert answer.sop_class_uid == CT_IMAGE.decode()
        assert goes_on(peer)


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (said(store(b"1.2.3.5", {0x800: us(0x0101)})), 0xA900),
        (said(store(b"1.2.3.5")) + sent(b""), 0xA900),
        (said(group({0x3: COMMITMENT, 0x100: us(0x130), 0x110: us(7), 0x800: us(1)})) + sent(b"\0" * 8), 0x0211),
        (said(find({0x800: us(0x0101)}), FIND), 0xA900),
        (
            said(
                group({0x2: b"1.2.840.10008.1.1", 0x100: us(0x30), 0x110: us(7), 0x800: us(0x0101), 0x902: b"hi"}), ECHO
            ),
            0,
        ),
        (said(requests.encode_echo(7, VERIFICATION), CT), 0),
    ],
    ids=["no data set", "an empty data set", "N-ACTION", "no identifier", "a comment", "C-ECHO elsewhere"],
)
def test_what_cannot_be_done_is_told_and_the_association_goes_on(site, message, status):
    with site.peer() as peer:
        peer.send(message)
        answer = peer.response()
        assert (answer.status, answer.responded) == (status, 7)
        assert goes_on(peer)


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (said(group({0x2: COMMITMENT, 0x100: us(0x100), 0x110: us(1), 0x800: us(0x0101), 0x1002: us(1)}), 7), 6),
        (
            said(store(b"1.2.3.5"))
            + p_data(pdv(bytes(50), CT, is_command=False, is_last=False))
            + said(requests.encode_echo(9, VERIFICATION), ECHO),
            5,
        ),
    ],
    ids=["a context that was not accepted", "a message within another"],
)
def test_what_breaks_the_protocol_is_an_abort(site, stream, reason):
    with site.peer() as peer:
        peer.send(stream)
        assert peer.ends() == (2, reason)


def key(number: int, vr: bytes, value: bytes = b"") -> bytes:
    return struct.pack("<HH2sH", number >> 16, number & 0xFFFF, vr, len(value)) + value


LEVEL = key(0x00080052, b"CS", b"IMAGE ")
NOTHING = key(0x0020000D, b"UI", b"9.9.9\0")
SEQUENCE = (
    struct.pack("<HH2sxxI", 0x40, 0x275, b"SQ", 0xFFFFFFFF)
    + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    + key(0x00400009, b"SH")
    + struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
)


@pytest.mark.parametrize(
    "identifier",
    [
        LEVEL + NOTHING,
        NOTHING + key(0x00100010, b"PN", b"M*") + LEVEL + key(0x00100010, b"PN"),
        key(0x00080000, b"UL", struct.pack("<I", 14)) + LEVEL + key(0x00090010, b"LO", b"PRIV") + NOTHING,
        LEVEL + NOTHING + SEQUENCE,
    ],
    ids=["plain", "out of order and twice", "private and group length", "a sequence without length"],
)
def test_an_identifier_is_read_however_it_is_written(site, identifier):
    with site.peer() as peer:
        peer.send(said(find(), FIND), sent(identifier, FIND))
        assert peer.response().status == 0
        assert goes_on(peer)


@pytest.mark.parametrize("cancelled", [7, 77], ids=["it", "another"])
def test_a_cancellation_that_is_late_or_of_another_query_harms_nothing(site, cancelled):
    with site.peer() as peer:
        peer.send(said(find(), FIND), sent(LEVEL + NOTHING, FIND), said(requests.encode_cancel(cancelled), FIND))
        assert peer.response().status in ({0, 0xFE00} if cancelled == 7 else {0})
        assert goes_on(peer)


@pytest.mark.parametrize("ends", ["release", "close"])
def test_an_object_is_kept_whatever_follows_it(site, image_of, ends):
    uid = new_uid()
    with site.peer() as peer:
        peer.send(said(store(uid.encode())), sent(image_of(uid)), pdu.RELEASE_RQ if ends == "release" else b"")
        assert peer.response().status == 0
        if ends == "release":
            assert peer.receive()[0] == pdu.A_RELEASE_RP
    with site.peer() as peer:
        identifier = key(0x00080018, b"UI", uid.encode() + b"\0" * (len(uid) % 2)) + LEVEL
        peer.send(said(find(), FIND), sent(identifier, FIND))
        kind, body = peer.receive()
        assert (kind, command.decode(body[6:]).status) == (pdu.P_DATA_TF, 0xFF00)
