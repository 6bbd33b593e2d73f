"""Associations that other makers ask for, in bytes: what they get (PS3.8 9.3.2, annex D; PS3.7 D.3.3)."""

from __future__ import annotations

import struct

import pytest

from dicom.sop_classes import STUDY_ROOT_FIND, VERIFICATION
from scp.network import associate, command, pdu, requests
from scp.services.storage import IMAGE_STORAGE

CT = IMAGE_STORAGE[0].encode()
ECHO, FIND = VERIFICATION.encode(), STUDY_ROOT_FIND.encode()
IMPLICIT, EXPLICIT = b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.1"
DICOM = b"1.2.840.10008.3.1.1.1"
COMPRESSED = [b"1.2.840.10008.1.2.4.%d" % number for number in (50, 51, 57, 70, 80, 81, 90, 91, 92, 93, 100, 102, 103)]


def item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(value)) + value


def counted(value: bytes) -> bytes:
    return struct.pack(">H", len(value)) + value


def context(number: int, syntax: bytes, *transfer_syntaxes: bytes) -> bytes:
    inner = item(0x30, syntax) + b"".join(item(0x40, one) for one in transfer_syntaxes)
    return item(0x20, bytes([number, 0, 0, 0]) + inner)


def identity(kind: int, primary: bytes, secondary: bytes = b"", *, asks: bool = False) -> bytes:
    return item(0x58, bytes([kind, asks]) + counted(primary) + counted(secondary))


MAXIMUM, IMPLEMENTATION = item(0x51, struct.pack(">I", 16384)), item(0x52, b"1.2.3.4")
USER = item(0x50, MAXIMUM + IMPLEMENTATION)
ECHOES = context(1, ECHO, IMPLICIT)


def user(*more: bytes) -> bytes:
    return item(0x50, MAXIMUM + IMPLEMENTATION + b"".join(more))


def request(*items, called=b"CORONODE", calling=b"CT1", padding=b" ", version=1, application=DICOM) -> bytes:
    titles = called.ljust(16, padding) + calling.ljust(16, padding) + bytes(32)
    body = struct.pack(">Hxx", version) + titles + item(0x10, application) + b"".join(items)
    return struct.pack(">BxI", 1, len(body)) + body


def ask(site, *items, **fixed) -> tuple[int, bytes]:
    with site.peer(associated=False) as peer:
        peer.send(request(*items, **fixed))
        return peer.receive()


def results(site, *items, **fixed) -> list[tuple[int, int, str]]:
    """Identifier, result and transfer syntax of each context; the association must be accepted."""
    kind, body = ask(site, *items, **fixed)
    assert kind == pdu.A_ASSOCIATE_AC, body
    return [(each.context_id, each.result, each.transfer_syntax) for each in associate.read_acceptance(body).contexts]


ACCEPTED = [(1, 0, IMPLICIT.decode())]


@pytest.mark.parametrize(
    "items",
    [
        (item(0x50, IMPLEMENTATION),),
        (item(0x50, MAXIMUM),),
        (),
        (user(MAXIMUM),),
        (item(0x50, MAXIMUM + item(0x52, b"")),),
        (item(0x50, MAXIMUM + item(0x52, b"1.2.826.0.1.\0")),),
        (user(item(0x55, b"A_VERSION_NAME_OF_MORE_THAN_16")),),
        (user(item(0x55, b"")),),
        (user(item(0x5F, b"vendor")),),
        (USER, item(0x7F, b"vendor")),
        (user(item(0x53, struct.pack(">HH", 8, 8))),),
        (user(item(0x54, counted(CT) + b"\0\1")),),
        (user(item(0x54, counted(CT) + b"\0\0")),),
        (user(item(0x54, counted(b"1.2.840.10008.5.1.4.1.1.4") + b"\1\1")),),
        (user(item(0x56, counted(FIND) + b"\1\1\1\1\1\0\0")),),
        (user(item(0x56, counted(FIND + b"\0") + b"\1\1\1")),),
        (user(item(0x57, counted(CT) + counted(b"1.2.840.10008.4.2") + counted(b""))),),
        (user(identity(5, b"x" * 60_000)),),
        (user(identity(9, b"ab", asks=True)),),
        (user(identity(2, b"u")),),
    ],
    ids=[
        "no maximum length",
        "no implementation UID",
        "no user information",
        "maximum length twice",
        "empty implementation UID",
        "bad implementation UID",
        "long version",
        "empty version",
        "unknown user item",
        "unknown item",
        "operations window",
        "role SCP",
        "no role",
        "role of a class not proposed",
        "extended negotiation",
        "padded extended negotiation",
        "common extended negotiation",
        "a token of 60 kB",
        "unknown identity",
        "no passcode",
    ],
)
def test_what_is_unknown_or_odd_is_passed_over(site, items):
    assert results(site, ECHOES, *items) == ACCEPTED


@pytest.mark.parametrize(
    "fixed",
    [
        {"padding": b"\0"},
        {"called": b" CORONODE"},
        {"application": DICOM + b"\0"},
        {"application": DICOM + b" "},
        {"version": 3},
    ],
    ids=str,
)
def test_fixed_fields_may_be_padded(site, fixed):
    assert results(site, ECHOES, USER, **fixed) == ACCEPTED


@pytest.mark.parametrize(
    ("fixed", "rejection"),
    [
        ({"calling": b""}, (1, 1, 3)),
        ({"calling": bytes(16)}, (1, 1, 3)),
        ({"called": b"coronode"}, (1, 1, 7)),
        ({"called": b""}, (1, 1, 7)),
        ({"version": 0}, (1, 2, 2)),
        ({"version": 2}, (1, 2, 2)),
        ({"application": b"1.2.3"}, (1, 1, 2)),
    ],
    ids=str,
)
def test_what_must_be_rejected_is(site, fixed, rejection):
    assert ask(site, ECHOES, USER, **fixed) == (pdu.A_ASSOCIATE_RJ, bytes([0, *rejection]))


@pytest.mark.parametrize(
    ("bad", "answer"),
    [
        (context(3, b"1.2.840.10008.5.1.4.1.1.2.A", IMPLICIT), (3, 3)),
        # a private class, so that its leading zero costs no study
        (context(3, b"1.3.46.670589.05.0.9", IMPLICIT), (3, 0)),
        (context(3, b"1.3." + b"9" * 70, IMPLICIT), (3, 3)),
        (context(2, ECHO, IMPLICIT), (2, 2)),
        (context(1, CT, EXPLICIT), (1, 2)),
        (context(3, CT, b"1.2.840.113619.5.2."), (3, 4)),
        (context(3, CT), (3, 4)),
        (item(0x20, b"\3\0\0\0" + item(0x30, CT) + struct.pack(">BxH", 0x40, 99) + IMPLICIT), (3, 3)),
        (item(0x20, b"\3"), (3, 3)),
    ],
    ids=["letter", "leading zero", "too long", "even", "repeated", "bad syntax", "no syntax", "overrun", "short"],
)
def test_a_bad_context_is_rejected_alone(site, bad, answer):
    found = [(number, result) for number, result, _ in results(site, ECHOES, bad, USER)]
    assert found == [(1, 0), answer]


def test_a_bad_transfer_syntax_leaves_the_good_ones(site):
    assert results(site, context(1, CT, b"1.2.840.113619.5.2.", IMPLICIT), USER) == ACCEPTED


@pytest.mark.parametrize("padding", [b"\0", b" "])
def test_uids_may_be_padded(site, padding):
    proposed = context(1, ECHO + padding, IMPLICIT + padding), context(3, CT + padding, EXPLICIT + padding)
    assert results(site, *proposed, USER) == [*ACCEPTED, (3, 0, EXPLICIT.decode())]


def test_items_may_come_in_another_order(site):
    assert results(site, USER, ECHOES) == ACCEPTED


@pytest.mark.parametrize("syntaxes", [[EXPLICIT], [IMPLICIT, EXPLICIT, *COMPRESSED]])
def test_as_many_contexts_as_there_can_be(site, syntaxes):
    found = results(site, *(context(number, CT, *syntaxes) for number in range(1, 256, 2)), USER)
    assert found == [(number, 0, EXPLICIT.decode()) for number in range(1, 256, 2)]


@pytest.mark.parametrize(
    ("sent", "response"),
    [
        (identity(1, b"USER", asks=True), b""),
        (identity(2, b"USER", b"PASS", asks=True), b""),
        (identity(5, b"token", asks=True), b""),
        (identity(2, b"USER", b"PASS"), None),
        (identity(3, b"ticket", asks=True), None),  # it needs a server ticket
        (identity(4, b"assertion", asks=True), None),
        (identity(9, b"?", asks=True), None),
        (b"", None),
    ],
    ids=["name", "passcode", "token", "not asked", "Kerberos", "SAML", "unknown", "none"],
)
def test_a_user_identity_is_confirmed_when_asked(site, sent, response):
    """PS3.7 D.3.3.7: no answer unless it is requested, and an empty one for a name."""
    _, body = ask(site, ECHOES, user(sent))
    assert associate.read_acceptance(body).user.identity_response == response
    sub_item = b"\x59\0\0\2\0\0"
    assert (sub_item in body) == (response is not None)


@pytest.mark.parametrize("maximum", [0, 7, 8, 12, 13, 128])
def test_any_maximum_length_that_leaves_room_is_kept(site, maximum):
    with site.peer(associated=False) as peer:
        peer.send(request(ECHOES, item(0x50, item(0x51, struct.pack(">I", maximum)) + IMPLEMENTATION)))
        assert peer.receive()[0] == pdu.A_ASSOCIATE_AC
        asked = requests.encode_echo(1, VERIFICATION)
        peer.send(b"".join(pdu.encode_fragments(asked, 1, 4000, is_command=True)))
        gathered, ended = b"", False
        while not ended:
            kind, body = peer.receive()
            assert kind == pdu.P_DATA_TF
            assert not maximum or len(body) <= maximum
            gathered += body[6:]
            ended = bool(body[5] & 2)
    assert command.decode(gathered).status == 0


@pytest.mark.parametrize("maximum", [1, 6])
def test_a_maximum_length_without_room_is_an_abort(site, maximum):
    with site.peer(associated=False) as peer:
        peer.send(request(ECHOES, item(0x50, item(0x51, struct.pack(">I", maximum)))))
        assert peer.ends() == (2, 2)
