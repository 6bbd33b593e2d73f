"""What is answered beside the presentation contexts: options of classes, windows, and nothing that was not asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicom.implementation import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp.network import associate, negotiation
from scp.network.associate import AssociateRequest, ProposedContext
from scp.network.extended import Capabilities, Options
from scp.network.negotiation import PresentationContext
from scp.network.user_information import (
    CommonExtendedNegotiation,
    ExtendedNegotiation,
    OperationsWindow,
    UserIdentity,
    UserInformation,
)

CT, MR, FIND = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.2.2.1"
EXPLICIT = "1.2.840.10008.1.2.1"
OURS = (
    PresentationContext(CT, (EXPLICIT,), extended=Capabilities(b"\2\0\3\0\0\0")),
    PresentationContext(MR, (EXPLICIT,)),
    PresentationContext(FIND, (EXPLICIT,), extended=Options(b"\1\1\0\1\0")),
)


def answer(classes=(CT, MR, FIND), syntax=EXPLICIT, **asked):
    """The user information of our acceptance, and the accepted contexts by class."""
    contexts = tuple(ProposedContext(2 * n + 1, (uid,), (syntax,)) for n, uid in enumerate(classes))
    request = AssociateRequest("B", "A", contexts, UserInformation(**asked), titles=bytes(64))
    encoded, accepted = negotiation.accept(request, OURS, 16384)
    return associate.read_acceptance(encoded[6:]).user, {one.abstract_syntax: one for one in accepted.values()}


def extended(*items):
    return tuple(ExtendedNegotiation(uid, information) for uid, information in items)


def test_nothing_is_answered_that_was_not_asked():
    user, accepted = answer()
    assert user == UserInformation(16384, IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME)
    assert all(context.extended == b"" for context in accepted.values())


@pytest.mark.parametrize("asked", [(0, 0), (1, 1), (5, 7), (65535, 0)])
def test_a_window_of_any_size_is_answered_with_one_operation(asked):
    user, _ = answer(operations_window=OperationsWindow(*asked))
    assert user.operations_window == OperationsWindow(1, 1)


@pytest.mark.parametrize(
    ("offered", "answered"),
    [
        (b"\1", b"\1"),  # never more sub-fields than were offered (PS3.4 C.5.1.1)
        (b"\0", b"\0"),
        (b"\1\1", b"\1\1"),
        (b"\0\1\1", b"\0\1\0"),
        (b"\1\1\1\1\1", b"\1\1\0\1\0"),
        (b"\1\0\0\0\0\1\1", b"\1\0\0\0\0"),  # of a later edition: what is missing counts as 0
        (b"\2\xff\1\3", b"\0\0\0\0"),  # values that the Standard does not have
    ],
)
def test_options_are_accepted_and_turned_down_one_by_one(offered, answered):
    user, accepted = answer(extended=extended((FIND, offered)))
    assert user.extended == extended((FIND, answered))
    assert accepted[FIND].extended == answered


@given(offered=st.binary(max_size=20), supported=st.binary(max_size=8))
def test_an_option_is_on_only_where_both_sides_want_it(offered, supported):
    answered = Options(supported).answer(offered)
    assert len(answered) == min(len(offered), len(supported))
    assert all(one == (wanted == ours == 1) for one, wanted, ours in zip(answered, offered, supported, strict=False))


@pytest.mark.parametrize("offered", [b"", b"\3\0\0\0\2\0", b"\2\0\1\0\1\0"])
def test_a_storage_class_is_told_what_we_are(offered):
    user, _ = answer(extended=extended((CT, offered)))
    assert user.extended == extended((CT, b"\2\0\3\0\0\0"))


def test_what_has_no_options_or_is_unknown_repeated_or_not_accepted_is_not_answered():
    first, again, empty = (FIND, b"\1"), (FIND, b"\1\1"), (FIND, b"")
    user, _ = answer(extended=extended((MR, b"\1"), ("1.2.3", b"\1"), first, again))
    assert user.extended == extended(first)
    assert answer(extended=extended(empty))[0].extended == ()
    assert answer(extended=extended(first), classes=(CT,))[0].extended == ()
    assert answer(extended=extended(first), syntax="1.2.840.10008.1.2.4.50")[0].extended == ()


def test_the_common_extended_negotiation_is_never_answered():
    """PS3.7 D.3.3.6: the sub-item is in the request alone."""
    common = CommonExtendedNegotiation("1.2.3", "1.2.840.10008.4.2", (CT,))
    user, _ = answer(common_extended=(common,))
    assert user.common_extended == ()


@pytest.mark.parametrize(
    ("kind", "requested", "response"),
    [(1, True, b""), (2, True, b""), (5, True, b""), (3, True, None), (4, True, None), (2, False, None)],
)
def test_an_identity_is_confirmed_on_request(kind, requested, response):
    identity = UserIdentity(kind, response_requested=requested, primary=b"alice", secondary=b"secret")
    assert answer(identity=identity)[0].identity_response == response
