import hashlib
import threading
from base64 import b64encode
from dataclasses import dataclass, replace

import pytest
from structlog.testing import capture_logs

from config.settings import PeerSettings, Settings
from dicom.sop_classes import STUDY_ROOT_FIND, VERIFICATION
from scp.network.associate import AssociateRequest, ProposedContext, Rejection
from scp.network.user_information import UserIdentity, UserInformation
from scp.reception.admission import EVERY_SERVICE, Accepted, Admission, Door, Refused
from scp.reception.identities import Identities
from scp.reception.provided import ProvidedService, join_operations
from scp.reception.seats import Seats
from scp.services import query, storage, storage_contexts, verification

CT_IMAGE = storage.IMAGE_STORAGE[0]


def admission(*, unknown: bool = False, **peers: dict) -> Admission:
    return Admission.from_settings(Settings(node={"accept_unknown_peers": unknown}, peers=peers))


CT = {"ae_title": "CT1", "host": "127.0.0.1", "services": ["store"]}
VIEWER = {"ae_title": "VIEWER", "host": "127.0.0.1", "services": ["query"]}


def test_a_configured_peer_gets_its_services():
    assert admission(CT=CT, VIEWER=VIEWER).decide(called="CORONODE", calling="CT1", host="127.0.0.1") == Accepted(
        ("store",)
    )


def test_padding_of_ae_titles_is_not_significant():
    verdict = admission(CT=CT).decide(called="CORONODE  ", calling=" CT1 ", host="127.0.0.1")
    assert isinstance(verdict, Accepted)


def test_peers_that_share_title_and_host_add_up():
    both = admission(A=CT, B=VIEWER | {"ae_title": "CT1"})
    assert both.decide(called="CORONODE", calling="CT1", host="127.0.0.1") == Accepted(("store", "query"))


@pytest.mark.parametrize(
    ("called", "calling", "host", "diagnostic", "words"),
    [
        ("OTHER", "CT1", "127.0.0.1", 7, "called AE title"),
        ("CORONODE", "CT2", "127.0.0.1", 3, "no peer has the AE title 'CT2'"),
        ("CORONODE", "ct1", "127.0.0.1", 3, "no peer"),
        ("CORONODE", "CT1", "127.0.0.9", 3, "is configured at 127.0.0.1"),
    ],
)
def test_others_are_refused_with_a_reason(called, calling, host, diagnostic, words):
    verdict = admission(CT=CT).decide(called=called, calling=calling, host=host)
    assert isinstance(verdict, Refused)
    assert verdict.diagnostic == diagnostic
    assert words in verdict.reason


def test_unknown_peers_are_accepted_only_when_the_configuration_says_so():
    assert isinstance(admission(unknown=True).decide(called="CORONODE", calling="X", host="10.9.9.9"), Accepted)
    assert isinstance(admission(unknown=True).decide(called="ELSE", calling="X", host="10.9.9.9"), Refused)


@pytest.mark.parametrize(("address", "may"), [("127.0.0.1", True), ("::ffff:127.0.0.1", True), ("127.0.0.9", False)])
def test_an_address_that_no_peer_has_may_not_call(address, may):
    assert admission(CT=CT, VIEWER=VIEWER).may_call(address) is may
    assert admission(unknown=True).may_call(address)


def test_a_host_name_is_looked_up():
    named = admission(CT=CT | {"host": "localhost"})
    assert isinstance(named.decide(called="CORONODE", calling="CT1", host="127.0.0.1"), Accepted)


def test_a_host_name_that_nobody_knows_matches_nothing():
    lost = admission(CT=CT | {"host": "no-such-host.invalid"})
    assert isinstance(lost.decide(called="CORONODE", calling="CT1", host="127.0.0.1"), Refused)


SERVICES = (
    verification.provide(),
    ProvidedService("store", storage_contexts.CONTEXTS, {}),
    ProvidedService("query", query.CONTEXTS, {}),
)


@dataclass
class Caller:
    """An association as the seats see it."""

    alive: bool = True

    def is_alive(self) -> bool:
        return self.alive


def asking(*sop_classes: str, calling: str = "CT1", called: str = "CORONODE") -> AssociateRequest:
    contexts = (ProposedContext(2 * n + 1, (uid,), ("1.2.840.10008.1.2",)) for n, uid in enumerate(sop_classes))
    return AssociateRequest(called, calling, tuple(contexts), UserInformation())


def door(*, most: int = 9, most_of_peer: int = 9, shortage: str = "") -> Door:
    return Door(admission(CT=CT, VIEWER=VIEWER), Seats(most, most_of_peer), SERVICES, lambda: shortage)


@pytest.mark.parametrize(
    ("request_", "rejection"),
    [
        (asking(CT_IMAGE, calling="STRANGER"), Rejection(1, 1, 3)),
        (asking(CT_IMAGE, called="OTHER"), Rejection(1, 1, 7)),
    ],
)
def test_a_refusal_is_permanent_and_names_the_title(request_, rejection):
    assert door().admit(request_, "127.0.0.1", Caller()) == rejection


def test_an_address_of_ipv4_within_ipv6_is_the_same_address():
    assert not isinstance(door().admit(asking(CT_IMAGE), "::ffff:127.0.0.1", Caller()), Rejection)


def test_a_peer_opens_only_contexts_of_its_services():
    stored = door().admit(asking(STUDY_ROOT_FIND), "127.0.0.1", Caller())
    asked = door().admit(asking(STUDY_ROOT_FIND, calling="VIEWER"), "127.0.0.1", Caller())
    assert stored == (*verification.CONTEXTS, *storage_contexts.CONTEXTS)
    assert asked == (*verification.CONTEXTS, *query.CONTEXTS)


def test_the_log_names_the_services_that_a_peer_asks_for_and_may_not_use():
    with capture_logs() as lines:
        door().admit(asking(STUDY_ROOT_FIND, CT_IMAGE, "1.2.3"), "127.0.0.1", Caller())
        door().admit(asking(CT_IMAGE, "1.2.3"), "127.0.0.1", Caller())
    assert [(line["calling"], line["services"]) for line in lines] == [("CT1", ["query"])]


def test_only_storage_is_turned_away_from_a_full_disk():
    full = door(shortage="the disk is full")
    assert full.admit(asking(CT_IMAGE), "127.0.0.1", Caller()) == Rejection(2, 3, 1)
    assert not isinstance(full.admit(asking(CT_IMAGE, VERIFICATION), "127.0.0.1", Caller()), Rejection)
    assert not isinstance(full.admit(asking(), "127.0.0.1", Caller()), Rejection)


@pytest.mark.parametrize("limit", [{"most": 2}, {"most_of_peer": 2}])
def test_a_seat_is_free_again_when_its_association_has_ended(limit):
    entrance, first = door(**limit), Caller()
    for caller in (first, Caller()):
        assert not isinstance(entrance.admit(asking(CT_IMAGE), "127.0.0.1", caller), Rejection)
    assert entrance.admit(asking(CT_IMAGE), "127.0.0.1", Caller()) == Rejection(2, 3, 2)
    first.alive = False
    assert not isinstance(entrance.admit(asking(CT_IMAGE), "127.0.0.1", Caller()), Rejection)


def test_one_peer_at_its_limit_does_not_keep_out_another():
    entrance = door(most_of_peer=1)
    entrance.admit(asking(CT_IMAGE), "127.0.0.1", Caller())
    assert entrance.admit(asking(CT_IMAGE), "127.0.0.1", Caller()) == Rejection(2, 3, 2)
    assert not isinstance(entrance.admit(asking(CT_IMAGE, calling="VIEWER"), "127.0.0.1", Caller()), Rejection)


# scrypt of "secret" with the least cost, so that the tests are quick
SECRET = "$scrypt$ln=1,r=1,p=1$c2FsdA$" + b64encode(
    hashlib.scrypt(b"secret", salt=b"salt", n=2, r=1, p=1, dklen=32)
).decode().rstrip("=")


def as_user(name: str = "alice", passcode: str = "secret") -> AssociateRequest:
    identity = UserIdentity(2, response_requested=False, primary=name.encode(), secondary=passcode.encode())
    return replace(asking(CT_IMAGE), user=UserInformation(identity=identity))


def guarded(*, unknown: bool = False, **identities: object) -> Door:
    policy = admission(unknown=unknown, CT=CT | {"users": {"alice": SECRET}})
    return Door(policy, Seats(9, 9), SERVICES, identities=Identities(rest=lambda _: None, **identities))


def test_users_of_peers_that_share_title_and_host_add_up():
    both = admission(A=CT | {"users": {"alice": SECRET}}, B=VIEWER | {"ae_title": "CT1", "users": {"bob": SECRET}})
    verdict = both.decide(called="CORONODE", calling="CT1", host="127.0.0.1")
    assert verdict == Accepted(("store", "query"), {"alice": SECRET, "bob": SECRET})


def test_a_caller_that_is_no_user_of_its_peer_is_rejected_without_a_reason():
    """PS3.8 table 9-21 has no reason for it, and one would tell which names there are."""
    entrance = guarded()
    assert not isinstance(entrance.admit(as_user(), "127.0.0.1", Caller()), Rejection)
    for request in (as_user("bob"), as_user(passcode="wrong"), asking(CT_IMAGE)):
        assert entrance.admit(request, "127.0.0.1", Caller()) == Rejection(1, 1, 1)


def test_where_passcodes_queue_up_the_caller_may_come_again():
    entrance, turn = guarded(longest_wait=0), threading.Lock()
    entrance._identities._turn = turn
    with turn:
        assert entrance.admit(as_user(), "127.0.0.1", Caller()) == Rejection(2, 3, 1)
    assert not isinstance(entrance.admit(as_user(), "127.0.0.1", Caller()), Rejection)


def test_a_peer_with_users_is_not_let_in_as_an_unknown_one_from_another_address():
    entrance = guarded(unknown=True)
    assert entrance.admit(asking(CT_IMAGE), "10.9.9.9", Caller()) == Rejection(1, 1, 1)
    assert not isinstance(entrance.admit(as_user(), "10.9.9.9", Caller()), Rejection)
    assert not isinstance(entrance.admit(asking(CT_IMAGE, calling="X"), "10.9.9.9", Caller()), Rejection)


def test_two_services_cannot_answer_one_command():
    with pytest.raises(ValueError, match="0x0030"):
        join_operations([verification.provide(), verification.provide()])


def test_services_of_a_peer_are_open_by_default():
    assert PeerSettings(ae_title="A", host="h").services == EVERY_SERVICE
