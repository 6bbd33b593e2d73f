"""Requests for Storage Commitment and reports of it over a network: what is answered, entered and told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from pydicom import Dataset
from pydicom.uid import CTImageStorage

from config.errors import Transient
from config.settings import Settings
from dicom.commitment import CommitmentRequest, CommitmentResult, Reference, decode_result
from dicom.part10 import encode_preface
from dicom.sop_classes import STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE, UNCOMPRESSED, VERIFICATION
from scp.installation import Installation
from scp.network import command, requests
from scp.network.command import Command
from scp.network.negotiation import PresentationContext
from scp.network.opening import Opening
from scp.network.requestor import Requestor
from scp.reception.admission import Admission
from scp.reception.provided import ProvidedService
from scp.reception.server import Server
from scp.services import commitment_reports, verification
from scp.services.commitment import CommitmentScp
from scp.services.commitment_reports import CommitmentReports
from storage.commitments import changes, commitments
from storage.group import members
from storage.group.members import Member
from storage.intake.instances import register
from storage.objects.header import InstanceHeader

pytestmark = pytest.mark.component

UNENDING = b"\x08\x00\x99\x11SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
EXPLICIT = "1.2.840.10008.1.2.1"
PAUSE = timedelta(seconds=10)
GONE = Reference(CTImageStorage, "1.2.99")


@dataclass
class Site:
    installation: Installation
    reports: CommitmentReports
    server: Server
    taken: list[tuple[str, CommitmentResult]] = field(default_factory=list)
    announced: list[str] = field(default_factory=list)
    answer: int | Exception = 0

    def take(self, calling_ae: str, result: CommitmentResult) -> int:
        if isinstance(self.answer, Exception):
            raise self.answer
        self.taken.append((calling_ae, result))
        return self.answer

    @contextmanager
    def calling(self, *, as_scp: bool = False) -> Iterator[Requestor]:
        opening = Opening("CT1", "CORONODE", "127.0.0.1", self.server.port, 20, 20, 20, 16384)
        role = PresentationContext(STORAGE_COMMITMENT, UNCOMPRESSED, as_scu=not as_scp, as_scp=as_scp)
        requestor = Requestor(opening, [role, PresentationContext(VERIFICATION, UNCOMPRESSED)])
        try:
            yield requestor
        finally:
            requestor.release()

    def states(self) -> list[str]:
        return [item.state for item in commitments.list_commitments(self.installation.database)]


def store_images(installation: Installation) -> None:
    """Store the objects of `KEPT`, as the Storage SCP does."""
    for reference in KEPT:
        image = Dataset()
        image.SOPClassUID, image.SOPInstanceUID = reference.sop_class_uid, reference.sop_instance_uid
        image.StudyInstanceUID, image.SeriesInstanceUID, image.Modality = "1.2.1", "1.2.1.1", "CT"
        header = InstanceHeader.from_dataset(image, EXPLICIT)
        preface = encode_preface(reference.sop_class_uid, reference.sop_instance_uid, EXPLICIT)
        name = f"instances/{reference.sop_instance_uid}"
        stored = installation.files.write(b"pixels", name, preface=preface, transfer_syntax_uid=EXPLICIT)
        register(installation.database, installation.files, header, stored, now=installation.clock())


@pytest.fixture
def site(install) -> Iterator[Site]:
    installation = install({"CT1": {}})
    store_images(installation)
    announced: list[str] = []
    made: list[Site] = []
    reports = CommitmentReports(
        installation, pause=lambda attempts: PAUSE if attempts < 3 else None, announced=announced.append
    )

    def take(calling_ae: str, result: CommitmentResult) -> int:
        return made[0].take(calling_ae, result)

    scp = CommitmentScp(reports, take)
    settings = Settings(node={"port": 0, "accept_unknown_peers": True})
    server = Server(settings.node, Admission.from_settings(settings), (verification.provide(), scp.provide()))
    server.start()
    made.append(Site(installation, reports, server, announced=announced))
    yield made[0]
    server.stop()


KEPT = tuple(Reference(CTImageStorage, f"1.2.1.1.{number}") for number in (1, 2, 3))


def ask(
    association: Requestor,
    data: bytes | None = None,
    *,
    transaction: str = "1.7",
    references: tuple[Reference, ...] = KEPT,
    sop_class: str = STORAGE_COMMITMENT,
    instance: str = STORAGE_COMMITMENT_INSTANCE,
    action: int = 1,
    context: int = 0,
) -> int | None:
    """Send a request and return the status."""
    if data is None:
        data = CommitmentRequest(transaction, references).encode(implicit=False)

    def make(number: int) -> bytes:
        return requests.encode_action(number, sop_class, instance, action)

    return association.request(association.accepted_contexts[context], make, data).command.status


def hear(association: Requestor, status: int = 0) -> tuple[Command, CommitmentResult]:
    """Take the report that comes on the association, and answer it."""
    message = association.receive()
    data = association.gather(1024 * 1024)
    association.respond(message, status)
    return message.command, decode_result(data, implicit=False)


def test_success_means_that_the_request_is_entered(site):
    with site.calling() as association:
        assert ask(association) == 0
    (entered,) = commitments.list_commitments(site.installation.database)
    assert (entered.calling_ae, entered.host, entered.transaction_uid) == ("CT1", "127.0.0.1", "1.7")


@pytest.mark.parametrize(
    ("changes_", "status"),
    [
        ({"data": UNENDING}, 0x0212),
        ({"data": b"\x08\x00\x05\x00CS\x00\x00"}, 0x0114),
        ({"references": ()}, 0x0114),
        ({"transaction": ""}, 0x0114),
        ({"transaction": "a/b"}, 0x0115),
        ({"sop_class": VERIFICATION}, 0x0118),
        ({"instance": "1.2.3"}, 0x0112),
        ({"action": 2}, 0x0123),
        ({"context": 1}, 0x0122),
    ],
)
def test_what_cannot_be_used_is_refused_and_the_association_goes_on(site, changes_, status):
    with site.calling() as association:
        assert ask(association, **changes_) == status
        assert site.states() == []
        assert association.echo(association.accepted_contexts[1]).status == 0


def test_a_request_that_is_too_long(site, monkeypatch):
    monkeypatch.setattr("scp.services.commitment.LONGEST", 100)
    with site.calling() as association:
        assert ask(association) == 0x0213
    assert site.states() == []


def test_more_requests_than_are_answered(site, monkeypatch):
    monkeypatch.setattr(changes, "MOST_OPEN", 0)
    with site.calling() as association:
        assert ask(association) == 0x0213


def test_nothing_is_promised_while_the_index_does_not_answer(site):
    site.installation.database.refusals = 1
    with site.calling() as association:
        assert ask(association) == 0x0110
        assert site.states() == []
        assert ask(association) == 0


def test_a_peer_that_stays_is_told_on_its_association(site, eventually):
    with site.calling() as association:
        assert ask(association, references=(*KEPT, GONE)) == 0
        told, result = hear(association)
        assert (told.event_type, told.sop_class_uid) == (2, STORAGE_COMMITMENT)
        assert told.sop_instance_uid == STORAGE_COMMITMENT_INSTANCE
        assert result == CommitmentResult("1.7", KEPT, ((GONE, 0x0112),))
        eventually("its record", lambda: site.states() == ["reported"])
        assert ask(association) == 0
        told, result = hear(association)
        assert (told.event_type, result) == (2, CommitmentResult("1.7", (), tuple((item, 0x0131) for item in KEPT)))


def test_the_next_request_comes_before_the_report(site, eventually):
    with site.calling() as association:
        assert ask(association, transaction="1.1") == 0
        assert ask(association, transaction="1.2") == 0  # it is what the node sees of the peer: no report then
        _, result = hear(association)
        assert result.transaction_uid == "1.2"
        eventually("both records", lambda: sorted(site.states()) == ["pending", "reported"])


def test_a_peer_that_refuses_the_report_on_its_association_is_called(site, eventually):
    with site.calling() as association:
        assert ask(association) == 0
        hear(association, 0x0110)
        eventually("the failure", lambda: site.states() == ["pending"])
    (owed,) = commitments.list_due(site.installation.database, site.installation.clock())
    assert "0x0110" in owed.last_error


def test_a_peer_that_hangs_up_in_the_middle_of_the_report(site, eventually):
    with site.calling() as association:
        assert ask(association) == 0
        association.receive()
        association.abort()
    eventually("the failure", lambda: site.states() == ["pending"])


def test_a_peer_that_releases_instead_of_an_answer_is_released_in_order(site, eventually):
    with site.calling() as association:
        assert ask(association) == 0
        association.receive()
        association.gather(1024 * 1024)
        association.release()
    eventually("the failure", lambda: site.states() == ["pending"])


def test_a_request_that_takes_long_to_prove_is_left_to_the_job(site, listen, monkeypatch):
    monkeypatch.setattr("scp.services.commitment_reports._SMALL_BYTES", 10)
    peer = listen()
    with site.calling() as association:
        assert ask(association) == 0
        assert association.echo(association.accepted_contexts[1]).status == 0
        assert site.states() == ["pending"]
    assert site.reports.list_due() == []  # the association has had its turn only after some seconds
    site.installation.clock.advance(5)
    ((caller, _),) = site.reports.list_due()
    site.reports.run(*caller)
    assert peer.told == [CommitmentResult("1.7", KEPT, ())]


def test_a_series_that_is_being_received_is_announced_by_the_request(site, eventually):
    with site.calling() as association:
        assert ask(association) == 0
        hear(association)
    assert site.announced == ["1.2.1.1"]


def test_what_waits_for_a_peer_without_a_port_is_told_when_it_asks_again(site, eventually):
    settings = site.installation.settings
    site.installation.settings = settings.model_copy(update={"peers": {}})
    with site.calling() as association:
        assert ask(association, transaction="1.1") == 0
    eventually("the end of the association", lambda: site.states() == ["pending"])
    site.reports.run("CT1", "127.0.0.1")
    assert site.states() == ["waiting"]
    with site.calling() as association:
        assert ask(association, transaction="1.2") == 0
        assert [hear(association)[1].transaction_uid for _ in range(2)] == ["1.2", "1.1"]
    eventually("both records", lambda: site.states() == ["reported", "reported"])


def report(association: Requestor, result: CommitmentResult, *, event: int = 1, **changed: str) -> int | None:
    values = {"sop_class": STORAGE_COMMITMENT, "instance": STORAGE_COMMITMENT_INSTANCE} | changed

    def make(number: int) -> bytes:
        return requests.encode_event_report(number, values["sop_class"], values["instance"], event)

    return association.request(association.accepted_contexts[0], make, result.encode(implicit=False)).command.status


DONE = CommitmentResult("1.7", KEPT, ())


@pytest.mark.parametrize("as_scp", [True, False], ids=["with the role of SCP", "without a role"])
def test_a_report_of_a_peer_is_handed_on_and_answered(site, as_scp):
    with site.calling(as_scp=as_scp) as association:
        assert report(association, DONE) == 0
        site.answer = 0x0115
        assert report(association, DONE) == 0x0115
    assert site.taken == [("CT1", DONE)] * 2


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"event": 3}, 0x0113),
        ({"sop_class": VERIFICATION}, 0x0118),
        ({"instance": "1.2.3"}, 0x0112),
        ({"result": CommitmentResult("", KEPT, ())}, 0x0114),
        ({"result": CommitmentResult("1.7", (), ())}, 0x0114),
    ],
)
def test_a_report_that_cannot_be_used(site, changed, status):
    with site.calling(as_scp=True) as association:
        assert report(association, changed.pop("result", DONE), **changed) == status
    assert site.taken == []


def test_a_report_that_cannot_be_recorded_comes_again(site):
    site.answer = Transient("the disk is full")
    with site.calling(as_scp=True) as association:
        assert report(association, DONE) == 0x0110


def test_who_is_scp_alone_asks_for_nothing(site):
    with site.calling(as_scp=True) as association:
        assert ask(association) == 0x0122


class Listener:
    """The peer as a listening AE: `answers` to the reports that it gets on associations that the node opens."""

    def __init__(self, answers: list[int], *, roles: bool = True) -> None:
        self.told: list[CommitmentResult] = []
        self._answers = answers
        self._lock = threading.Lock()
        settings = Settings(node={"port": 0, "ae_title": "CT1", "accept_unknown_peers": True})
        context = PresentationContext(STORAGE_COMMITMENT, UNCOMPRESSED, as_scu=not roles, as_scp=roles)
        service = ProvidedService(None, (context,), {command.N_EVENT_REPORT_RQ: self._serve})
        self.server = Server(settings.node, Admission.from_settings(settings), (service,))
        self.server.start()

    def _serve(self, association, message) -> None:
        data = b"".join(bytes(piece) for piece in association.messages.data())
        with self._lock:
            self.told.append(decode_result(data, implicit=False))
            association.respond(message, self._answers.pop(0) if self._answers else 0)


@pytest.fixture
def listen(install, site) -> Iterator[Callable[..., Listener]]:
    made: list[Listener] = []

    def start(*answers: int, **options: bool) -> Listener:
        made.append(Listener(list(answers), **options))
        site.installation.settings = install({"CT1": {"port": made[-1].server.port}}).settings
        return made[-1]

    yield start
    for item in made:
        item.server.stop()


def enter(site, *references, transaction="1.7"):
    request = CommitmentRequest(transaction, references or KEPT)
    site.reports.enter(request, "CT1", "127.0.0.1")
    site.installation.clock.advance(10)


def test_the_job_tells_everything_that_is_owed_to_a_caller(site, listen):
    peer = listen()
    enter(site, transaction="1.1")
    enter(site, GONE, transaction="1.2")
    assert [arguments for arguments, _ in site.reports.list_due()] == [("CT1", "127.0.0.1")]
    site.reports.run("CT1", "127.0.0.1")
    assert peer.told == [CommitmentResult("1.1", KEPT, ()), CommitmentResult("1.2", (), ((GONE, 0x0112),))]
    assert site.states() == ["reported", "reported"]
    assert site.reports.list_due() == []


def test_a_refusal_that_may_pass_is_put_off_and_one_that_stays_is_dead(site, listen):
    listen(0x0110, 0x0115)
    enter(site, transaction="1.1")
    enter(site, transaction="1.2")
    site.reports.run("CT1", "127.0.0.1")
    assert site.states() == ["dead", "pending"]
    assert site.reports.list_due() == []
    site.installation.clock.advance(PAUSE.total_seconds())
    site.reports.run("CT1", "127.0.0.1")
    assert site.states() == ["dead", "reported"]


def test_no_connection_is_tried_again_and_given_up(site, install, mute):
    mute.stop()
    site.installation.settings = install({"CT1": {"port": mute.port}}).settings
    enter(site)
    for expected in ("pending", "pending", "dead"):
        site.reports.run("CT1", "127.0.0.1")
        assert site.states() == [expected]
        site.installation.clock.advance(PAUSE.total_seconds())
    assert "no connection" in commitments.list_commitments(site.installation.database)[0].last_error


def test_a_file_that_is_away_is_waited_for(site, listen):
    peer = listen()
    enter(site)
    moved = site.installation.files.root / "instances"
    moved.rename(moved.with_name("away"))
    site.reports.run("CT1", "127.0.0.1")
    assert (site.states(), peer.told) == (["pending"], [])
    moved.with_name("away").rename(moved)
    site.installation.clock.advance(PAUSE.total_seconds())
    site.reports.run("CT1", "127.0.0.1")
    assert (site.states(), peer.told) == (["reported"], [CommitmentResult("1.7", KEPT, ())])


def test_what_is_claimed_and_nobodys_is_due_again(site):
    enter(site)
    (asked,) = commitments.list_commitments(site.installation.database)
    changes.claim(site.installation.database, asked.id, site.installation.clock())
    assert site.reports.list_due() == []
    site.reports.release()
    assert len(site.reports.list_due()) == 1
    changes.claim(site.installation.database, asked.id, site.installation.clock())
    site.reports.recover()
    assert len(site.reports.list_due()) == 1


def test_a_member_that_has_lost_its_claim_meanwhile_tells_the_peer_nothing(site, listen, monkeypatch):
    peer, database, clock = listen(), site.installation.database, site.installation.clock
    enter(site)
    (asked,) = commitments.list_commitments(database)
    prove = commitment_reports.prove

    def prove_slowly(*arguments, **options):
        proof = prove(*arguments, **options)
        members.join(database, Member("other", "host", 7, ("receive",), "1.0", 0, clock()))
        changes.recover(database, clock())  # as the others do that expel this one
        assert changes.claim(database, asked.id, clock(), owner="other")
        return proof

    monkeypatch.setattr(commitment_reports, "prove", prove_slowly)
    site.reports.run("CT1", "127.0.0.1")
    assert peer.told == []
    left = commitments.get(database, asked.id)
    assert (left.state, left.owner, left.failure_count) == ("reporting", "other", None)


def test_companions_that_are_thrown_away_are_not_promised(site, listen, install):
    peer = listen()
    picture = Reference("1.2.840.10008.5.1.4.1.1.7", "1.2.98")
    settings = site.reports._settings
    site.installation.settings = settings.model_copy(
        update={"node": settings.node.model_copy(update={"companions": "drop"})}
    )
    enter(site, picture, GONE, Reference(VERIFICATION, "1.2.97"))
    site.reports.run("CT1", "127.0.0.1")
    assert [reason for _, reason in peer.told[0].failed] == [0x0122, 0x0112, 0x0122]
