"""The courier against a destination without a network: each outcome as it stands in the outbox afterwards."""

from datetime import timedelta

import pytest
from pydicom.uid import ComprehensiveSRStorage, EncapsulatedPDFStorage, EnhancedSRStorage, SecondaryCaptureImageStorage

from config.errors import Permanent, Transient
from scp.delivery.courier import Courier
from scp.delivery.retry import Retry
from scp.scu.storage import ClassRefused
from storage.outbox import deliveries, outgoing
from storage.outbox.deliveries import DeliveryState
from storage.series.states import State

PENDING, SENDING, DELIVERED = DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.DELIVERED
DEAD, REPLACED = DeliveryState.DEAD, DeliveryState.REPLACED


def test_delivered_over_one_association_the_oldest_first(site):
    ids = site.owe(site.keep(1), site.keep(2), site.keep(3))
    site.deliver()
    assert site.peer.called == ["PACS"]
    assert site.peer.stored == [f"{site.series}.9.{number}" for number in (1, 2, 3)]
    assert site.states(*ids) == [DELIVERED] * 3
    assert [site.item(each).last_status for each in ids] == [0, 0, 0]
    assert site.state == State.DELIVERED


@pytest.mark.parametrize("status", [0xB000, 0xB006, 0xB007, 0x0001])
def test_a_warning_counts_as_delivered_and_stays_in_the_outbox(site, status):
    (one,) = site.owe(site.keep(1))
    site.peer.answers.append(status)
    site.deliver()
    assert (site.item(one).state, site.item(one).last_status) == (DELIVERED, status)


def test_a_failure_that_may_pass_is_due_again_after_a_doubling_pause_and_then_dead(site, clock):
    (one,) = site.owe(site.keep(1))
    pauses = []
    for _ in range(3):
        site.peer.answers.append(Transient("answered C-STORE with 0xA700: disk full"))
        site.deliver()
        item = site.item(one)
        if item.state == PENDING:
            pauses.append(item.next_attempt_at - clock.now)
            assert item.last_error == "answered C-STORE with 0xA700: disk full"
            clock.now = item.next_attempt_at
    assert pauses == [timedelta(seconds=10), timedelta(seconds=20)]
    assert (site.item(one).state, site.item(one).attempts) == (DEAD, 3)
    assert site.item(one).last_error == "answered C-STORE with 0xA700: disk full (given up after 3 attempts)"
    assert site.state == State.UNDELIVERABLE


def test_a_fault_of_a_destination_is_told_when_it_begins_and_when_it_changes(site, clock, caplog):
    def told(fault):
        (one,) = site.owe(site.keep(len(site.peer.called) + 1))
        site.peer.refusal = fault
        caplog.clear()
        with caplog.at_level("INFO"):
            site.deliver()
        clock.now += timedelta(seconds=1)
        return caplog.text.count("delivery failed for now"), site.states(one)

    away, full = Transient("no connection"), Transient("rejected for now: local limit")
    assert told(away) == (1, [PENDING])
    assert told(away) == (0, [PENDING])
    assert told(full) == (1, [PENDING])
    assert told(None) == (0, [DELIVERED])
    assert told(full) == (1, [PENDING])


def test_a_failure_that_stays_is_dead_at_once_and_the_others_go(site):
    refused, taken = site.owe(site.keep(1), site.keep(2))
    site.peer.answers.append(Permanent("answered C-STORE with 0x0122: no SR here"))
    site.deliver()
    assert site.states(refused, taken) == [DEAD, DELIVERED]
    assert site.item(refused).last_error == "answered C-STORE with 0x0122: no SR here"
    assert site.item(refused).attempts == 1


def test_a_transient_answer_puts_off_its_own_document_alone(site):
    off, taken = site.owe(site.keep(1), site.keep(2))
    site.peer.answers.append(Transient("answered C-STORE with 0xA700"))
    site.deliver()
    assert site.states(off, taken) == [PENDING, DELIVERED]


def test_an_association_that_is_lost_half_way_puts_off_what_is_left(site):
    first, second, third = site.owe(site.keep(1), site.keep(2), site.keep(3))
    site.peer.answers.extend([0, "lost"])
    site.deliver()
    assert site.states(first, second, third) == [DELIVERED, PENDING, PENDING]
    assert {site.item(each).last_error for each in (second, third)} == {"association ended while sending"}
    assert site.state == State.SCORED


@pytest.mark.parametrize(
    ("refusal", "state"),
    [(Transient("no connection: Connection refused"), PENDING), (Permanent("rejected the association for good"), DEAD)],
)
def test_no_association(site, refusal, state):
    ids = site.owe(site.keep(1), site.keep(2))
    site.peer.refusal = refusal
    site.deliver()
    assert site.states(*ids) == [state] * 2
    assert {site.item(each).last_error for each in ids} == {str(refusal)}


def test_an_error_of_ours_puts_off_and_does_not_stay_claimed(site):
    (one,) = site.owe(site.keep(1))
    site.peer.answers.append(ZeroDivisionError("oops"))
    site.deliver()
    assert site.item(one).state == PENDING
    assert site.item(one).last_error == "internal error, see the node's log"


def test_nothing_pending_opens_no_association(site, clock):
    site.deliver()
    (one,) = site.owe(site.keep(1))
    site.deliver()
    site.deliver()
    assert site.peer.called == ["PACS"]
    (waiting,) = site.owe(site.keep(2))
    site.peer.answers.append(Transient("busy"))
    site.deliver()
    clock.advance(9.9)
    site.deliver()
    assert len(site.peer.called) == 2
    assert site.states(one, waiting) == [DELIVERED, PENDING]
    clock.advance(0.1)
    site.deliver()
    assert site.states(one, waiting) == [DELIVERED, DELIVERED]


def test_one_that_another_has_claimed_is_left_to_it(site):
    taken, free = site.owe(site.keep(1), site.keep(2))
    assert outgoing.claim(site.installation.database, taken, site.installation.clock())
    site.deliver()
    assert site.peer.stored == [f"{site.series}.9.2"]
    assert site.states(taken, free) == [SENDING, DELIVERED]


def test_other_destinations_and_versions_are_left_alone(make_site):
    site = make_site({"PACS": {}, "ARCHIVE": {"ae_title": "VNA"}})
    document = site.keep(1)
    (mine,), (other,) = site.owe(document), site.owe(document, to="ARCHIVE")
    site.courier.deliver(site.series, site.version + 1, "PACS")
    site.courier.deliver("1.2.9", site.version, "PACS")
    assert site.peer.called == []
    site.deliver("ARCHIVE")
    assert site.peer.called == ["VNA"]
    assert site.states(mine, other) == [PENDING, DELIVERED]


def test_a_destination_that_is_no_longer_configured_is_a_dead_letter(site):
    (one,) = site.owe(site.keep(1), to="OLD")
    site.deliver("OLD")
    assert site.peer.called == []
    assert site.item(one).state == DEAD
    assert site.item(one).last_error == "there is no longer a peer 'OLD' in the configuration"


def test_a_file_that_is_damaged_is_a_dead_letter_and_the_others_go(site):
    damaged = site.keep(1)
    gone, taken = site.owe(damaged, site.keep(2))
    site.installation.files.path(damaged.path).write_bytes(b"nothing")
    site.deliver()
    assert site.states(gone, taken) == [DEAD, DELIVERED]
    assert "not a DICOM file" in site.item(gone).last_error


def test_a_file_that_is_away_is_put_off_and_the_others_go(site, clock):
    document = site.keep(1)
    away, taken = site.owe(document, site.keep(2))
    path = site.installation.files.path(document.path)
    path.rename(path.with_suffix(".away"))
    site.deliver()
    assert site.states(away, taken) == [PENDING, DELIVERED]
    assert "cannot be read: No such file or directory" in site.item(away).last_error
    path.with_suffix(".away").rename(path)
    clock.advance(10)
    site.deliver()
    assert site.item(away).state == DELIVERED


def test_the_database_is_away_at_the_note_and_the_delivery_is_released_later(site):
    """The peer has it, the outbox does not say so: it is sent again under the same UID, not forgotten as "sending"."""
    (one,) = site.owe(site.keep(1))
    database = site.installation.database

    def fail_from_now_on():
        database.refusals = 2  # the note that it was delivered, and the note that it is put off

    site.peer.when_open = fail_from_now_on
    with pytest.raises(Transient, match="disk full"):
        site.deliver()
    assert (site.item(one).state, site.peer.stored) == (SENDING, [f"{site.series}.9.1"])

    site.courier.release()
    assert site.item(one).state == PENDING
    assert site.item(one).last_error == "the outcome of the last attempt could not be recorded"
    site.peer.when_open = lambda: None
    site.deliver()
    assert site.item(one).state == DELIVERED
    assert site.peer.stored == [f"{site.series}.9.1"] * 2


def test_the_database_is_away_at_the_claim_and_nothing_is_sent(site):
    (one,) = site.owe(site.keep(1))
    site.installation.database.refusals = 1
    with pytest.raises(Transient, match="disk full"):
        site.deliver()
    assert (site.item(one).state, site.peer.called) == (PENDING, [])
    site.deliver()
    assert site.item(one).state == DELIVERED


def test_a_delivery_that_is_under_way_is_not_released(site):
    (one,) = site.owe(site.keep(1))
    meanwhile = []

    def look():
        site.courier.release()
        meanwhile.append(site.item(one).state)

    site.peer.when_open = look
    site.deliver()
    assert meanwhile == [SENDING]
    assert site.item(one).state == DELIVERED


def test_another_form_goes_to_a_destination_that_does_not_accept_the_report(site):
    report, pdf = site.owe(site.keep(1), site.keep(2, EncapsulatedPDFStorage, "pdf"))
    other = site.keep(3, EnhancedSRStorage, "sr tid3900")
    site.reporting.makes["sr tid3900"] = [other]
    site.peer.sop_classes = {EnhancedSRStorage, SecondaryCaptureImageStorage, EncapsulatedPDFStorage}
    site.deliver()
    assert site.peer.proposed[0][0] == ComprehensiveSRStorage
    assert {EnhancedSRStorage, SecondaryCaptureImageStorage} < set(site.peer.proposed[0])
    assert site.reporting.asked == [(site.series, site.version, "sr tid3900")]
    assert site.states(report, pdf) == [REPLACED, DELIVERED]
    assert site.item(report).last_error == "PACS accepts no Comprehensive SR Storage; sent instead: sr tid3900"
    (owed,) = deliveries.list_due(site.installation.database, site.installation.clock())
    assert (owed.kind, owed.sop_instance_uid, owed.destination) == ("sr tid3900", other.sop_instance_uid, "PACS")


def test_a_substitute_that_cannot_be_made_is_a_dead_letter(site):
    (one,) = site.owe(site.keep(1))
    site.peer.sop_classes = {SecondaryCaptureImageStorage}
    site.deliver()
    assert site.reporting.asked == [(site.series, site.version, "overlay")]
    assert (site.item(one).state, site.item(one).last_error) == (DEAD, "PACS accepts no Comprehensive SR Storage")


def test_documents_with_different_histories_wait_as_long_as_each_must(site, clock):
    (old,) = site.owe(site.keep(1))
    site.peer.answers.append(Transient("busy"))
    site.deliver()
    clock.advance(10)
    (new,) = site.owe(site.keep(2))
    site.peer.refusal = Transient("no connection")
    site.deliver()
    waits = [site.item(each).next_attempt_at - clock.now for each in (old, new)]
    assert waits == [timedelta(seconds=20), timedelta(seconds=10)]


def test_the_last_attempt_of_one_does_not_end_the_others(site, clock):
    (old,) = site.owe(site.keep(1))
    courier = Courier(
        site.installation,
        site.reporting,
        associate=site.peer.associate,
        retry=Retry(first_seconds=10, longest_seconds=10, attempts=2, jitter=lambda: 1.0),
    )
    site.peer.refusal = Transient("no connection")
    courier.deliver(site.series, site.version, "PACS")
    clock.advance(10)
    (new,) = site.owe(site.keep(2))
    courier.deliver(site.series, site.version, "PACS")
    assert site.states(old, new) == [DEAD, PENDING]


def test_another_form_goes_where_a_class_is_refused_only_when_it_comes(site):
    (one,) = site.owe(site.keep(1))
    other = site.keep(3, EnhancedSRStorage, "sr tid3900")
    site.reporting.makes["sr tid3900"] = [other]
    site.peer.answers.append(ClassRefused("not stored"))
    site.deliver()
    assert site.states(one) == [REPLACED]
    (owed,) = deliveries.list_due(site.installation.database, site.installation.clock())
    assert owed.kind == "sr tid3900"
