"""Asking a peer for commitment and reporting to one, over a network, whatever it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from config.errors import Permanent, Transient
from config.settings import NodeSettings, PeerSettings, Settings
from dicom.commitment import CommitmentRequest, CommitmentResult, Reference
from dicom.sop_classes import STORAGE_COMMITMENT, UNCOMPRESSED, VERIFICATION
from scp.network import command
from scp.network.conversation import Conversation, Operation
from scp.network.message import Message
from scp.network.negotiation import PresentationContext
from scp.reception.admission import Admission
from scp.reception.provided import ProvidedService
from scp.reception.server import Server
from scp.scu.commitment import ask, encode_report, open_reporting

pytestmark = pytest.mark.component

NODE = NodeSettings(acse_timeout=20, dimse_timeout=20)
ONE = Reference("1.2.840.10008.5.1.4.1.1.88.33", "1.2.3")
REQUEST = CommitmentRequest("1.2.7", (ONE,))
RESULT = CommitmentResult("1.2.7", (ONE,), ())

Listen = Callable[..., PeerSettings]


@pytest.fixture
def listen() -> Iterator[Listen]:
    """`listen({Command Field: operation}, context)`: a peer with these operations."""
    servers: list[Server] = []

    def start(operations: dict[int, Operation], context: PresentationContext | None = None) -> PeerSettings:
        settings = Settings(node={"port": 0, "ae_title": "PACS", "accept_unknown_peers": True})
        offered = context or PresentationContext(STORAGE_COMMITMENT, UNCOMPRESSED)
        service = ProvidedService(None, (offered,), operations)
        servers.append(Server(settings.node, Admission.from_settings(settings), (service,)))
        servers[-1].start()
        return PeerSettings(ae_title="PACS", host="127.0.0.1", port=servers[-1].port)

    yield start
    for server in servers:
        server.stop()


class Told:
    """What was reported, each answered with `answer`."""

    def __init__(self, answer: int = 0) -> None:
        self.results: list[CommitmentResult] = []
        self.replies: list[int | None] = []
        self.answer = answer

    def __call__(self, result: CommitmentResult) -> int:
        self.results.append(result)
        return self.answer

    def report(self, association: Conversation, message: Message) -> None:
        """As the peer: report on the association of the request."""
        data = RESULT.encode(implicit=association.context(message).is_implicit)
        reply = association.request(association.context(message), lambda n: encode_report(n, RESULT), data)
        self.replies.append(reply.command.status)


def gather(association: Conversation) -> None:
    association.messages.drop()


@pytest.mark.parametrize("first", ["the response", "the report"])
def test_a_report_on_the_association_of_the_request_is_taken_in_either_order(listen, first):
    told = Told()

    def act(association: Conversation, message: Message) -> None:
        gather(association)
        if first == "the response":
            association.respond(message, 0)
        told.report(association, message)
        if first == "the report":
            association.respond(message, 0)

    ask(NODE, listen({command.N_ACTION_RQ: act}), REQUEST, told)
    assert told.results == [RESULT]
    assert told.replies == [0]


def test_no_report_at_once_is_no_failure(listen, monkeypatch):
    monkeypatch.setattr("scp.scu.commitment._WAIT_SECONDS", 0.05)
    told = Told()

    def act(association: Conversation, message: Message) -> None:
        gather(association)
        association.respond(message, 0)

    ask(NODE, listen({command.N_ACTION_RQ: act}), REQUEST, told)
    assert told.results == []


@pytest.mark.parametrize(
    ("status", "error"), [(0x0110, Transient), (0x0213, Transient), (0x0124, Permanent), (0x0211, Permanent)]
)
def test_a_refusal_may_pass_or_not(listen, status, error):
    def act(association: Conversation, message: Message) -> None:
        gather(association)
        association.respond(message, status)

    with pytest.raises(error, match=f"answered N-ACTION with 0x{status:04X}"):
        ask(NODE, listen({command.N_ACTION_RQ: act}), REQUEST, Told())


def test_a_peer_without_the_service_or_without_an_answer(listen):
    with pytest.raises(Permanent, match="accepts none of the proposed"):
        ask(NODE, listen({}, PresentationContext(VERIFICATION, UNCOMPRESSED)), REQUEST, Told())

    def hang_up(association: Conversation, message: Message) -> None:
        raise RuntimeError(message)

    with pytest.raises(Transient, match="association ended while asking"):
        ask(NODE, listen({command.N_ACTION_RQ: hang_up}), REQUEST, Told())


@pytest.mark.parametrize(("status", "error"), [(0x0110, Transient), (0x0115, Permanent)], ids=["may pass", "stays"])
def test_a_report_that_the_peer_does_not_take(listen, status, error):
    def refuse(association: Conversation, message: Message) -> None:
        gather(association)
        association.respond(message, status)

    context = PresentationContext(STORAGE_COMMITMENT, UNCOMPRESSED, as_scu=False, as_scp=True)
    peer = listen({command.N_EVENT_REPORT_RQ: refuse}, context)
    with open_reporting(NODE, peer) as report, pytest.raises(error, match="answered N-EVENT-REPORT"):
        report(RESULT)


def test_a_peer_that_gives_the_node_no_role_refuses_the_context(listen):
    peer = listen({}, PresentationContext(STORAGE_COMMITMENT, UNCOMPRESSED))
    with pytest.raises(Permanent, match=r"refuses|accepts none"), open_reporting(NODE, peer):
        pytest.fail("there is nothing to report on")
