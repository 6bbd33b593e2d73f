"""Asking a destination to commit, against a fake of the network; each outcome as it stands in the outbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest

from config.errors import Permanent, Transient
from config.settings import NodeSettings, PeerSettings
from dicom.commitment import CommitmentRequest, CommitmentResult
from scp.delivery.commitment import CommitmentAsker
from scp.delivery.retry import Retry
from scp.scu.commitment import Take
from storage.outbox.deliveries import DeliveryState
from storage.series.states import State


class FakeNetwork:
    """Stands where the request would be sent; `then` is what happens: an error, or what is done with the report."""

    def __init__(self) -> None:
        self.asked: list[CommitmentRequest] = []
        self.then: Exception | Callable[[CommitmentRequest, Take], object] | None = None

    def ask(self, node: NodeSettings, peer: PeerSettings, request: CommitmentRequest, take: Take) -> None:
        assert (node.ae_title, peer.ae_title) == ("CORONODE", "PACS")
        self.asked.append(request)
        if isinstance(self.then, Exception):
            raise self.then
        if self.then is not None:
            self.then(request, take)


@pytest.fixture
def network() -> FakeNetwork:
    return FakeNetwork()


@pytest.fixture
def asker(committing, network) -> CommitmentAsker:
    numbers = count(1)
    return CommitmentAsker(
        committing.installation,
        retry=Retry(first_seconds=10, longest_seconds=60, attempts=3, jitter=lambda: 1.0),
        make_uid=lambda: f"1.7.{next(numbers)}",
        ask=network.ask,
    )


@pytest.fixture
def committing(make_site, receive):
    """A site whose document was delivered to PACS, which is to commit to it."""
    site = make_site({"PACS": {"commit": True}}, commit_timeout_seconds=100)
    document = site.keep(1)
    receive(site.installation, 1, SOPInstanceUID=document.sop_instance_uid, SeriesInstanceUID="1.2.9")
    site.ids = site.owe(document)
    site.deliver()
    return site


def states(site):
    return site.states(*site.ids)


def accept(request: CommitmentRequest, take: Take) -> None:
    assert take(CommitmentResult(request.transaction_uid, request.references, ())) == 0


def test_what_is_delivered_to_a_peer_that_commits_is_asked_about_and_committed(committing, asker, network):
    assert states(committing) == [DeliveryState.DELIVERED]
    ((arguments, _),) = asker.list_due()
    network.then = accept
    asker.run(*arguments)
    assert [request.transaction_uid for request in network.asked] == ["1.7.1"]
    assert states(committing) == [DeliveryState.COMMITTED]
    assert committing.state == State.DELIVERED
    assert asker.list_due() == []


def test_another_peer_is_never_asked(make_site, receive, network):
    site = make_site()
    ids = site.owe(site.keep(1))
    site.deliver()
    assert site.states(*ids) == [DeliveryState.DELIVERED]
    assert site.item(ids[0]).commit_at is None


def test_a_report_on_another_association_counts_only_from_that_peer(committing, asker, network):
    asker.run("PACS")
    (request,) = network.asked
    result = CommitmentResult(request.transaction_uid, request.references, ())
    assert asker.take("OTHER", result) == 0x0115
    assert states(committing) == [DeliveryState.DELIVERED]
    assert asker.take("PACS ", result) == 0
    assert states(committing) == [DeliveryState.COMMITTED]


def test_no_answer_within_the_time_is_asked_for_again(committing, asker, network, clock):
    for number in (1, 2, 3):
        asker.run("PACS")
        assert len(network.asked) == number
        clock.advance(99)
        assert asker.list_due() == []
        clock.advance(1)
        assert asker.list_due()
    asker.run("PACS")
    assert len(network.asked) == 3
    assert states(committing) == [DeliveryState.UNCOMMITTED]


def test_a_peer_that_cannot_be_asked_is_tried_again(committing, asker, network, clock):
    network.then = Transient("no connection")
    for pause in (10, 20):
        asker.run("PACS")
        assert committing.item(committing.ids[0]).commit_at == clock.now + timedelta(seconds=pause)
        clock.advance(pause)
    network.then = accept
    asker.run("PACS")
    assert states(committing) == [DeliveryState.COMMITTED]


def test_a_peer_without_the_service_is_warned_of_once(committing, asker, network, receive, caplog):
    network.then = Permanent("accepts none of the proposed presentation contexts")
    asker.run("PACS")
    document = committing.keep(2)
    receive(committing.installation, 1, SOPInstanceUID=document.sop_instance_uid, SeriesInstanceUID="1.2.9")
    (other,) = committing.owe(document)
    committing.deliver()
    asker.run("PACS")
    assert committing.states(*committing.ids, other) == [DeliveryState.UNCOMMITTED] * 2
    assert caplog.text.count("a destination does not commit to storage") == 1
    assert committing.state == State.DELIVERED


def test_a_peer_that_is_no_longer_configured_so_is_left_alone(committing, asker, network):
    settings = committing.installation.settings
    committing.installation.settings = settings.model_copy(update={"peers": {}})
    asker.run("PACS")
    assert (network.asked, asker.list_due(), states(committing)) == ([], [], [DeliveryState.DELIVERED])
