"""A-ASSOCIATE PDUs: round trips, tolerance, any bytes, and another implementation as witness."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pynetdicom import build_role
from pynetdicom import pdu as witness
from pynetdicom import pdu_primitives as primitives

from scp.network import associate, negotiation
from scp.network.associate import (
    AnsweredContext,
    AssociateAcceptance,
    AssociateRequest,
    ProposedContext,
    Rejection,
)
from scp.network.errors import INVALID_PARAMETER, Violation
from scp.network.negotiation import AcceptedContext, PresentationContext
from scp.network.user_information import (
    CommonExtendedNegotiation,
    ExtendedNegotiation,
    OperationsWindow,
    RoleSelection,
    UserIdentity,
    UserInformation,
)

CT, ECHO, FIND = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.1", "1.2.840.10008.5.1.4.1.2.2.1"
EXPLICIT, IMPLICIT, BIG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2"
OURS = (PresentationContext(CT, (EXPLICIT, IMPLICIT)), PresentationContext(ECHO, (EXPLICIT, IMPLICIT)))

uids = st.lists(st.integers(0, 10**6).map(str), min_size=2, max_size=6).map(".".join)
titles = st.text(alphabet="ABCXYZ_09", min_size=1, max_size=16)
words = st.binary(max_size=40)
numbers = st.integers(0, 65535)
users = st.builds(
    UserInformation,
    maximum_length=st.integers(0, 2**32 - 1),
    implementation_class_uid=uids,
    implementation_version_name=st.text(alphabet="ABC._ 1", max_size=30).map(str.strip),
    operations_window=st.none() | st.builds(OperationsWindow, numbers, numbers),
    roles=st.lists(st.builds(RoleSelection, uids, st.booleans(), st.booleans()), max_size=3).map(tuple),
    extended=st.lists(st.builds(ExtendedNegotiation, uids, words), max_size=3).map(tuple),
    common_extended=st.lists(
        st.builds(CommonExtendedNegotiation, uids, uids, st.lists(uids, max_size=3).map(tuple)), max_size=2
    ).map(tuple),
    identity=st.none() | st.builds(UserIdentity, st.integers(1, 5), st.booleans(), words, words),
    identity_response=st.none() | words,
)
proposed = st.builds(
    ProposedContext, st.integers(0, 255), st.lists(uids, max_size=2).map(tuple), st.lists(uids, max_size=4).map(tuple)
)
requests = st.builds(AssociateRequest, titles, titles, st.lists(proposed, max_size=6).map(tuple), users, uids, numbers)


def item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(value)) + value


def context(number: int, *inner: bytes) -> bytes:
    return item(0x20, bytes([number, 0, 0, 0]) + b"".join(inner))


def abstract(uid: str) -> bytes:
    return item(0x30, uid.encode())


def syntax(uid: str) -> bytes:
    return item(0x40, uid.encode())


def body(*items: bytes, called: bytes = b"CORONODE", calling: bytes = b"SCANNER", version: int = 1) -> bytes:
    """The variable part of an A-ASSOCIATE-RQ, made by hand (PS3.8 table 9-11)."""
    return struct.pack(">Hxx", version) + called.ljust(16) + calling.ljust(16) + bytes(range(32)) + b"".join(items)


APPLICATION = item(0x10, b"1.2.840.10008.3.1.1.1")
USER = item(0x50, item(0x51, struct.pack(">I", 16384)) + item(0x52, b"1.2.3"))
PLAIN = context(1, abstract(CT), syntax(EXPLICIT))


@settings(max_examples=100, deadline=None)
@given(requests)
def test_a_request_comes_back_as_it_was(request_):
    read = associate.read_request(associate.encode_request(request_))
    assert read == AssociateRequest(
        request_.called_ae,
        request_.calling_ae,
        request_.contexts,
        request_.user,
        request_.application_context,
        request_.protocol_version,
        read.titles,
    )
    assert associate.encode_request(read) == associate.encode_request(request_)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.builds(AnsweredContext, st.integers(0, 255), st.integers(0, 4), uids), max_size=6).map(tuple),
    users,
    st.binary(min_size=64, max_size=64),
)
def test_an_acceptance_comes_back_as_it_was(contexts, user, title_bytes):
    acceptance = AssociateAcceptance(contexts, user, title_bytes)
    assert associate.read_acceptance(associate.encode_acceptance(acceptance)) == acceptance


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400) | st.binary(max_size=300).map(body))
@pytest.mark.parametrize("read", [associate.read_request, associate.read_acceptance, associate.read_rejection])
def test_any_bytes_are_read_or_a_violation(read, data):
    with suppress(Violation):
        read(data)


@settings(max_examples=200, deadline=None)
@given(requests, st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_changed_request_is_answered_or_a_violation(request_, changes):
    raw = bytearray(associate.encode_request(request_))
    for at, value in changes:
        raw[at % len(raw)] = value
    try:
        request = associate.read_request(bytes(raw))
    except Violation:
        return
    if negotiation.find_refusal(request) is None:
        answer, accepted = negotiation.accept(request, OURS, 16384)
        concluded = associate.read_acceptance(answer[6:])
        assert {each.context_id for each in concluded.contexts if each.result == 0} == set(accepted)


class TestTolerance:
    def read(self, *items: bytes, **fixed) -> AssociateRequest:
        return associate.read_request(body(APPLICATION, *items, **fixed))

    def test_unknown_items_are_skipped(self):
        unknown = item(0x77, b"whatever")
        inner = context(1, unknown, abstract(CT), unknown, syntax(EXPLICIT))
        user = item(0x50, item(0x7E, b"\xff" * 9) + item(0x51, struct.pack(">I", 99)))
        read = self.read(unknown, inner, user, unknown)
        assert read.contexts == (ProposedContext(1, (CT,), (EXPLICIT,)),)
        assert read.user.maximum_length == 99

    @pytest.mark.parametrize("name", [b"", b"X" * 17, b"Y" * 300, bytes(range(256)), "Röntgen".encode()])
    def test_an_implementation_version_name_may_be_anything(self, name):
        read = self.read(PLAIN, item(0x50, item(0x55, name) + item(0x51, struct.pack(">I", 7))))
        assert read.user.maximum_length == 7
        assert read.contexts

    @pytest.mark.parametrize(
        "broken",
        [
            item(0x53, b"\0\1"),
            item(0x54, struct.pack(">H", 99) + b"1.2"),
            item(0x54, b""),
            item(0x56, b"\xff\xff"),
            item(0x57, struct.pack(">H", 3) + b"1.2" + b"\0"),
            item(0x58, b"\1\1\xff\xff"),
            item(0x59, b"\0"),
        ],
        ids=lambda broken: f"{broken[0]:02X}",
    )
    def test_an_optional_item_that_contradicts_itself_is_as_if_absent(self, broken):
        whole = item(0x50, item(0x51, struct.pack(">I", 7)) + broken)
        assert self.read(PLAIN, whole).user == UserInformation(maximum_length=7)

    @pytest.mark.parametrize("padded", [b"SCANNER", b"  SCANNER ", b"SCANNER\0\0", b"SCANNER \0"])
    def test_titles_are_read_with_either_padding(self, padded):
        assert self.read(PLAIN, calling=padded).calling_ae == "SCANNER"

    @pytest.mark.parametrize("padded", [b"SCANNER\0old", b"SCANNER \0OTHER"])
    def test_a_title_ends_at_a_nul(self, padded):
        assert self.read(PLAIN, called=padded).called_ae == "SCANNER"

    @pytest.mark.parametrize(
        ("broken", "kept"),
        [
            (context(3, abstract(CT), struct.pack(">BxH", 0x40, 50) + b"1.2"), (ProposedContext(3, (), ()),)),
            (context(3, abstract(CT), syntax(EXPLICIT), b"\x40\0\1"), (ProposedContext(3, (), ()),)),
            (item(0x20, b"\3\0"), (ProposedContext(3, (), ()),)),
            (item(0x20, b""), ()),
        ],
        ids=["past its end", "cut in a header", "no header", "no identifier"],
    )
    def test_a_context_that_cannot_be_read_costs_no_other(self, broken, kept):
        plain = ProposedContext(1, (CT,), (EXPLICIT,))
        assert self.read(PLAIN, broken, USER).contexts == (plain, *kept)
        assert self.read(broken, PLAIN, USER).contexts == (*kept, plain)

    @pytest.mark.parametrize("answer", [b"", b"\3\0", b"\3\0\0\0\x40\0\0\x32" + b"1.2"])
    def test_an_answered_context_that_cannot_be_read_is_not_accepted(self, answer):
        _, asked = negotiation.propose("A", "B", OURS, 16384)
        read = body(APPLICATION, item(0x21, b"\1\0\0\0" + syntax(EXPLICIT)), item(0x21, answer), USER)
        accepted, _ = negotiation.conclude(asked, read)
        assert [context.context_id for context in accepted] == [1]

    @pytest.mark.parametrize("padding", [b"\0", b"\0\0\0"])
    def test_zeros_that_are_no_item_are_padding(self, padding):
        user = item(0x50, item(0x51, struct.pack(">I", 7)) + padding)
        read = self.read(PLAIN, user, padding)
        assert (read.contexts, read.user.maximum_length) == ((ProposedContext(1, (CT,), (EXPLICIT,)),), 7)

    def test_an_identity_may_leave_out_the_empty_second_field(self):
        whole = item(0x50, item(0x58, b"\1\1" + struct.pack(">H", 2) + b"ab"))
        assert self.read(PLAIN, whole).user.identity == UserIdentity(1, response_requested=True, primary=b"ab")

    def test_uids_may_be_padded(self):
        read = self.read(context(1, abstract(CT + "\0"), syntax(EXPLICIT + " ")))
        assert read.contexts == (ProposedContext(1, (CT,), (EXPLICIT,)),)

    @pytest.mark.parametrize(
        "lie",
        [
            struct.pack(">BxH", 0x20, 500) + b"\1\0\0\0",
            item(0x50, struct.pack(">BxH", 0x51, 40) + bytes(4)),
            item(0x50, item(0x51, b"\0\1")),
            b"\x20\0",
        ],
        ids=[
            "past the PDU",
            "past the user item",
            "short length",
            "no header",
        ],
    )
    def test_a_length_that_lies_is_a_violation(self, lie):
        with pytest.raises(Violation) as caught:
            self.read(PLAIN, lie)
        assert caught.value.reason == INVALID_PARAMETER


class TestRefusals:
    @pytest.mark.parametrize(
        ("fixed", "items", "expected"),
        [
            ({"version": 2}, (APPLICATION, PLAIN), (1, 2, 2)),
            ({}, (item(0x10, b"1.2.3"), PLAIN), (1, 1, 2)),
            ({}, (PLAIN,), (1, 1, 2)),
            ({"calling": b""}, (APPLICATION, PLAIN), (1, 1, 3)),
            ({"calling": b"\0" * 16}, (APPLICATION, PLAIN), (1, 1, 3)),
            ({"version": 3}, (APPLICATION, PLAIN), None),
            ({"called": b""}, (APPLICATION, PLAIN), None),
        ],
    )
    def test_what_the_provider_rejects_itself(self, fixed, items, expected):
        found = negotiation.find_refusal(associate.read_request(body(*items, **fixed)))
        assert found == (None if expected is None else Rejection(*expected))


class TestContexts:
    def answers(self, *contexts: bytes) -> tuple[list[tuple[int, int]], dict[int, AcceptedContext]]:
        request = associate.read_request(body(APPLICATION, *contexts, USER))
        answer, accepted = negotiation.accept(request, OURS, 16384)
        read = associate.read_acceptance(answer[6:])
        assert all(each.transfer_syntax for each in read.contexts)
        return [(each.context_id, each.result) for each in read.contexts], dict(accepted)

    @pytest.mark.parametrize(
        ("broken", "answer"),
        [
            (context(3, syntax(EXPLICIT)), (3, 3)),
            (context(3, abstract(""), syntax(EXPLICIT)), (3, 3)),
            (context(3, abstract(FIND), syntax(EXPLICIT)), (3, 3)),
            (context(3, abstract(ECHO)), (3, 4)),
            (context(3, abstract(ECHO), syntax(BIG)), (3, 4)),
            (context(4, abstract(ECHO), syntax(EXPLICIT)), (4, 2)),
            (context(0, abstract(ECHO), syntax(EXPLICIT)), (0, 2)),
            (context(1, abstract(ECHO), syntax(EXPLICIT)), (1, 2)),
            (context(3, abstract(ECHO), abstract(CT), syntax(EXPLICIT)), (3, 2)),
        ],
        ids=["none", "empty", "unknown", "no syntax", "other syntax", "even", "zero", "repeated", "two"],
    )
    def test_a_bad_context_is_rejected_alone(self, broken, answer):
        fine = context(5, abstract(ECHO), syntax(IMPLICIT))
        answers, accepted = self.answers(PLAIN, broken, fine)
        assert answers == [(1, 0), answer, (5, 0)]
        assert accepted == {1: AcceptedContext(1, CT, EXPLICIT), 5: AcceptedContext(5, ECHO, IMPLICIT)}

    def test_the_first_of_our_transfer_syntaxes_is_taken(self):
        _, accepted = self.answers(context(1, abstract(CT), syntax(BIG), syntax(IMPLICIT), syntax(EXPLICIT)))
        assert accepted[1].transfer_syntax == EXPLICIT

    def test_no_context_at_all_is_an_association_without_any(self):
        assert self.answers() == ([], {})

    def test_the_answer_repeats_the_fields_of_the_request(self):
        raw = body(APPLICATION, PLAIN, called=b" CORONODE", calling=b"SCANNER\0")
        answer, _ = negotiation.accept(associate.read_request(raw), OURS, 16384)
        assert answer[6 + 4 : 6 + 68] == raw[4:68]


class TestRoles:
    """PS3.7 D.3.3.4: the acceptor turns down roles that it does not support; the default is SCU."""

    @pytest.mark.parametrize(
        ("possible", "proposed", "result", "granted"),
        [
            ((True, True), (True, True), 0, (True, True)),
            ((True, True), (False, True), 0, (False, True)),
            ((True, False), (True, True), 0, (True, False)),
            ((True, False), (False, True), 1, (False, False)),
            ((False, True), (True, True), 0, (False, True)),
            ((False, True), (True, False), 1, (False, False)),
            ((False, True), None, 3, None),
            ((True, True), None, 0, None),
            ((True, True), (False, False), 1, (False, False)),
        ],
    )
    def test_what_both_sides_may_do(self, possible, proposed, result, granted):
        supported = [PresentationContext(CT, (EXPLICIT,), *possible)]
        roles = () if proposed is None else (RoleSelection(CT, *proposed),)
        request = AssociateRequest(
            "B", "A", (ProposedContext(1, (CT,), (EXPLICIT,)),), UserInformation(roles=roles), titles=bytes(64)
        )
        answer, accepted = negotiation.accept(request, supported, 16384)
        read = associate.read_acceptance(answer[6:])
        assert [each.result for each in read.contexts] == [result]
        assert read.user.roles == (() if granted is None else (RoleSelection(CT, *granted),))
        if result == 0:
            assert (accepted[1].as_scu, accepted[1].as_scp) == (granted or (True, False))

    def test_a_role_of_a_class_that_is_unknown_or_repeated_is_not_answered(self):
        supported = [PresentationContext(CT, (EXPLICIT,), as_scp=True)]
        roles = (RoleSelection(FIND, True, True), RoleSelection(CT, False, True), RoleSelection(CT, True, False))  # noqa: FBT003
        request = AssociateRequest(
            "B", "A", (ProposedContext(1, (CT,), (EXPLICIT,)),), UserInformation(roles=roles), titles=bytes(64)
        )
        answer, _ = negotiation.accept(request, supported, 16384)
        assert associate.read_acceptance(answer[6:]).user.roles == (RoleSelection(CT, scu=False, scp=True),)


class TestConclusion:
    def conclude(self, answers: list[AnsweredContext], *roles: RoleSelection):
        wanted = [
            PresentationContext(FIND, (EXPLICIT, IMPLICIT)),
            PresentationContext(CT, (EXPLICIT,), as_scu=False, as_scp=True),
        ]
        _, request = negotiation.propose("US", "THEM", wanted, 16384)
        acceptance = AssociateAcceptance(tuple(answers), UserInformation(4096, "1.2", roles=roles))
        return negotiation.conclude(request, associate.encode_acceptance(acceptance))

    def test_roles_count_where_both_agree(self):
        answers = [AnsweredContext(1, 0, IMPLICIT), AnsweredContext(3, 0, EXPLICIT)]
        granted = [RoleSelection(CT, scu=False, scp=True), RoleSelection(FIND, scu=True, scp=True)]
        assert self.conclude(answers, *granted) == (
            [AcceptedContext(1, FIND, IMPLICIT), AcceptedContext(3, CT, EXPLICIT, as_scu=False, as_scp=True)],
            4096,
        )
        for refused in ((), (RoleSelection(CT, scu=True, scp=False),)):
            accepted, _ = self.conclude(answers, *refused)
            assert [each.as_scp for each in accepted] == [False, False]

    def test_what_was_not_proposed_is_not_accepted(self):
        answers = [AnsweredContext(1, 0, BIG), AnsweredContext(3, 3, EXPLICIT), AnsweredContext(9, 0, EXPLICIT)]
        assert self.conclude(answers)[0] == []

    def test_an_acceptance_without_contexts_is_none(self):
        with pytest.raises(Violation):
            self.conclude([])


class TestAnotherImplementation:
    """pynetdicom reads what we write, and writes what we read."""

    def test_it_reads_our_request(self):
        contexts = [
            PresentationContext(FIND, (EXPLICIT, IMPLICIT)),
            PresentationContext(CT, (EXPLICIT,), as_scu=False, as_scp=True),
        ]
        raw, _ = negotiation.propose("US", "THEM", contexts, 16384)
        decoded = witness.A_ASSOCIATE_RQ()
        decoded.decode(raw)
        primitive = decoded.to_primitive()
        assert (primitive.calling_ae_title, primitive.called_ae_title) == ("US", "THEM")
        assert [
            (each.context_id, each.abstract_syntax, each.transfer_syntax)
            for each in primitive.presentation_context_definition_list
        ] == [(1, FIND, [EXPLICIT, IMPLICIT]), (3, CT, [EXPLICIT])]
        assert primitive.maximum_length_received == 16384
        (role,) = [each for each in primitive.user_information if hasattr(each, "scp_role")]
        assert (role.sop_class_uid, bool(role.scu_role), bool(role.scp_role)) == (CT, False, True)
        assert bytes(decoded.encode()) == raw

    def test_it_reads_our_acceptance(self):
        request = associate.read_request(body(APPLICATION, PLAIN, context(3, abstract(FIND), syntax(IMPLICIT)), USER))
        raw, _ = negotiation.accept(request, OURS, 32768)
        decoded = witness.A_ASSOCIATE_AC()
        decoded.decode(raw)
        primitive = decoded.to_primitive()
        assert [(each.context_id, each.result) for each in primitive.presentation_context_definition_results_list] == [
            (1, 0),
            (3, 3),
        ]
        assert primitive.maximum_length_received == 32768
        encoded = bytearray(decoded.encode())
        encoded[42:74] = raw[42:74]  # reserved bytes: we repeat the request's (PS3.8 table 9-17), it writes zeros
        assert bytes(encoded) == raw

    def test_we_read_its_request(self):
        _, ours = negotiation.propose("US", "THEM", [PresentationContext(CT, (EXPLICIT,))], 16384)
        decoded = witness.A_ASSOCIATE_RQ()
        decoded.decode(negotiation.propose("US", "THEM", [PresentationContext(CT, (EXPLICIT,))], 16384)[0])
        primitive = decoded.to_primitive()
        primitive.user_information += [build_role(CT, scu_role=True, scp_role=True), *self.options()]
        read = associate.read_request(bytes(witness.A_ASSOCIATE_RQ(primitive).encode())[6:])
        assert (read.called_ae, read.calling_ae, read.contexts) == (ours.called_ae, ours.calling_ae, ours.contexts)
        assert read.user.roles == (RoleSelection(CT, scu=True, scp=True),)
        assert read.user.operations_window == OperationsWindow(5, 7)
        assert read.user.extended == (ExtendedNegotiation(CT, b"\1\2"),)
        assert read.user.common_extended == (CommonExtendedNegotiation(CT, "1.2.840.10008.4.2", ("1.2.3", "1.2.4")),)
        assert read.user.identity == UserIdentity(2, response_requested=True, primary=b"who", secondary=b"secret")

    def options(self) -> list:
        window = primitives.AsynchronousOperationsWindowNegotiation()
        window.maximum_number_operations_invoked, window.maximum_number_operations_performed = 5, 7
        extended = primitives.SOPClassExtendedNegotiation()
        extended.sop_class_uid, extended.service_class_application_information = CT, b"\1\2"
        common = primitives.SOPClassCommonExtendedNegotiation()
        common.sop_class_uid, common.service_class_uid = CT, "1.2.840.10008.4.2"
        common.related_general_sop_class_identification = ["1.2.3", "1.2.4"]
        identity = primitives.UserIdentityNegotiation()
        identity.user_identity_type, identity.positive_response_requested = 2, True
        identity.primary_field, identity.secondary_field = b"who", b"secret"
        return [window, extended, common, identity]


def test_a_rejection_is_read():
    assert associate.read_rejection(bytes([0, 2, 3, 1])) == Rejection(2, 3, 1)
    with pytest.raises(Violation):
        associate.read_rejection(b"\0\1")
