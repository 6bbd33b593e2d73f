import pytest
from pynetdicom import AE, evt

from config.settings import PeerSettings, Settings
from scp.reception.admission import Accepted, Admission, Door, Refused
from scp.reception.seats import Seats
from scp.services import contexts


def admission(*, unknown: bool = False, **peers: dict) -> Admission:
    return Admission.of(Settings(node={"accept_unknown_peers": unknown}, peers=peers))


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


def test_a_host_name_is_looked_up():
    named = admission(CT=CT | {"host": "localhost"})
    assert isinstance(named.decide(called="CORONODE", calling="CT1", host="127.0.0.1"), Accepted)


def test_a_host_name_that_nobody_knows_matches_nothing():
    lost = admission(CT=CT | {"host": "no-such-host.invalid"})
    assert isinstance(lost.decide(called="CORONODE", calling="CT1", host="127.0.0.1"), Refused)


@pytest.fixture
def listening():
    """A bare server with the admission of one storing peer."""
    server = AE(ae_title="CORONODE").start_server(
        ("127.0.0.1", 0),
        block=False,
        evt_handlers=[(evt.EVT_REQUESTED, Door(admission(CT=CT), Seats(9, 9)).on_requested)],
        contexts=contexts.accepted(("store", "query")),
    )
    yield server.server_address[1]
    server.shutdown()


def associate(port: int, calling: str, called: str, sop_class: str):
    ae = AE(ae_title=calling)
    ae.add_requested_context(sop_class)
    ae.add_requested_context(contexts.VERIFICATION)
    return ae.associate("127.0.0.1", port, ae_title=called)


def test_refusal_on_the_wire_is_permanent_and_names_the_title(listening):
    association = associate(listening, "STRANGER", "CORONODE", contexts.IMAGE_STORAGE[0])
    answer = association.acceptor.primitive
    assert association.is_rejected
    assert (answer.result, answer.result_source, answer.diagnostic) == (1, 1, 3)


def test_a_peer_opens_only_contexts_of_its_services(listening):
    association = associate(listening, "CT1", "CORONODE", contexts.STUDY_ROOT_FIND)
    assert association.is_established
    assert [context.abstract_syntax for context in association.accepted_contexts] == [contexts.VERIFICATION]
    association.release()


def test_services_of_a_peer_are_open_by_default():
    assert PeerSettings(ae_title="A", host="h").services == ("store", "query")
