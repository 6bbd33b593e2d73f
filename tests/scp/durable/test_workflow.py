"""The tables say what is owed; the engine is a list of jobs."""

from contextlib import suppress
from datetime import timedelta

import pytest

from config.errors import Transient
from scp.durable.batch import Batch
from scp.durable.chores import Chore
from scp.durable.job import ASK_COMMITMENT, DELIVER, SCORE, Job
from scp.durable.workflow import Workflow
from storage.outbox import deliveries, outcomes, outgoing
from storage.outbox.deliveries import DeliveryState, Document
from storage.series import lifecycle, results, states, waits


class FakeEngine:
    """Keeps jobs in a dictionary and runs one when a test says so. `when_started` is called by `start`."""

    def __init__(self) -> None:
        self.jobs, self.ended, self.in_transactions, self.handed_on = {}, set(), [], []
        self.when_started = lambda: None
        self.stopped = None

    def start(self, steps, *, around) -> None:
        self.steps, self.around = steps, around
        self.when_started()

    def enqueue(self, job, transaction=None) -> None:
        self.jobs.setdefault(job.workflow_id, job)
        self.in_transactions.append(transaction)

    def forget_ended(self, workflow_id) -> None:
        if workflow_id in self.ended:
            self.ended.remove(workflow_id)
            del self.jobs[workflow_id]

    def forget_before(self, moment) -> None:
        raise NotImplementedError

    def rename(self, member) -> None:
        raise NotImplementedError

    def hand_on(self, living) -> None:
        self.handed_on.append(living)

    def stop(self, *, busy) -> None:
        self.stopped = busy

    def run(self, job) -> None:
        """As the library does: in whatever way it goes, the job has ended then."""
        try:
            with self.around():
                self.steps[job.kind](*job.arguments)
        finally:
            self.ended.add(job.workflow_id)


class FakeCourier:
    def __init__(self) -> None:
        self.calls = []

    def deliver(self, *batch) -> None:
        self.calls.append(batch)

    def release(self) -> None:
        self.calls.append("release")


class FakeWork:
    def __init__(self) -> None:
        self.runs = []
        self.during = lambda: None

    def run(self, series_instance_uid, version) -> None:
        self.runs.append((series_instance_uid, version))
        self.during()

    def postpone(self, series_instance_uid, version, reason) -> None:
        raise NotImplementedError

    def abandon(self, series_instance_uid, version, reason) -> None:
        raise NotImplementedError


class FakeGroup:
    def __init__(self) -> None:
        self.living, self.sound = frozenset({"me"}), True

    def is_sound(self) -> bool:
        return self.sound

    def list_living(self) -> frozenset[str]:
        return self.living


class Site:
    def __init__(self, installation, receive) -> None:
        self.installation, self.receive = installation, receive
        self.database, self.clock = installation.database, installation.clock
        self.engine, self.courier, self.work, self.group = FakeEngine(), FakeCourier(), FakeWork(), FakeGroup()
        self.workflow = self.make()

    def make(self, *chores: Chore, scores: bool = True, delivers: bool = True) -> Workflow:
        return Workflow(
            self.engine,
            self.installation,
            self.work if scores else None,
            self.courier if delivers else None,
            group=self.group,
            chores=chores,
        )

    def complete(self, uid: str) -> int:
        self.receive(self.installation, 3, SeriesInstanceUID=uid)
        return lifecycle.complete(self.database, uid, self.clock(), expected=3)

    def scored(self, uid: str, *, reported: bool) -> int:
        version = self.complete(uid)
        lifecycle.finish(self.database, uid, version, "{}", "scored", now=self.clock())
        if reported:
            results.set_report(self.database, uid, version, results.Report("1.1", f"{uid}.9", f"{uid}.8"))
        return version

    def owe(self, uid: str, number: int, destination: str) -> int:
        document = Document(uid, 1, f"{uid}.9.{number}", "sr", "x.dcm")
        return outgoing.add(self.database, [document], [destination], self.clock())[0]

    @property
    def enqueued(self) -> list[str]:
        return list(self.engine.jobs)


@pytest.fixture
def site(install, receive) -> Site:
    return Site(install({"PACS": {}, "ARCHIVE": {}}), receive)


def test_what_is_being_received_is_not_scored(site):
    site.receive(site.installation, 2, SeriesInstanceUID="1.1")
    site.clock.advance(30)
    site.workflow.reconcile()
    assert site.enqueued == []


@pytest.mark.parametrize(
    ("roles", "kinds", "jobs"),
    [
        ({"scores": True, "delivers": False}, {SCORE}, ["score:1.1:1"]),
        ({"scores": False, "delivers": True}, {DELIVER, ASK_COMMITMENT}, ["deliver:PACS:1.3", "ask_commitment:CT1"]),
        ({"scores": False, "delivers": False}, set(), []),
    ],
)
def test_a_process_enqueues_and_runs_what_its_roles_say(site, roles, kinds, jobs):
    site.complete("1.1")
    site.scored("1.3", reported=True)
    site.owe("1.3", 1, "PACS")
    workflow = site.make(Chore(ASK_COMMITMENT, FakeErrands([], site.clock())), **roles)
    workflow.start()
    workflow.stop()
    assert set(site.engine.steps) == kinds
    assert len(site.enqueued) == len(jobs)
    assert all(any(name.startswith(job) for name in site.enqueued) for job in jobs)


def test_jobs_of_members_that_have_gone_are_handed_on_once(site):
    for living in ({"me", "other"}, {"me", "other"}, {"me"}):
        site.group.living = frozenset(living)
        site.workflow.reconcile()
    assert site.engine.handed_on == [{"me", "other"}, {"me"}]


def test_a_member_that_the_others_may_take_for_dead_takes_no_work(site):
    version = site.complete("1.1")
    site.workflow.start()
    site.group.sound = False
    try:
        with pytest.raises(Transient, match="sign of life"):
            site.engine.run(Job.score("1.1", version))
        site.engine.jobs.clear()
        site.workflow.reconcile()
        assert (site.work.runs, site.enqueued) == ([], [])
    finally:
        site.workflow.stop()


def test_a_complete_series_is_scored_and_its_report_is_owed_until_it_is_noted(site):
    site.complete("1.1")
    site.scored("1.2", reported=False)
    site.scored("1.3", reported=True)
    site.workflow.reconcile()
    assert site.engine.jobs == {
        "score:1.1:1": Job(SCORE, "score:1.1:1", ("1.1", 1)),
        "score:1.2:1": Job(SCORE, "score:1.2:1", ("1.2", 1)),
    }


def test_due_deliveries_are_enqueued_in_batches_of_their_destination(site):
    site.scored("1.1", reported=True)
    site.owe("1.1", 1, "PACS")
    site.owe("1.1", 2, "PACS")
    site.owe("1.1", 1, "ARCHIVE")
    site.workflow.reconcile()
    due = site.clock().isoformat()
    assert list(site.engine.jobs.values()) == [Batch("1.1", 1, name, due).job for name in ("PACS", "ARCHIVE")]
    assert site.courier.calls == ["release"]


def test_a_delivery_that_is_put_off_is_not_enqueued_before_its_time(site, clock):
    site.scored("1.1", reported=True)
    one = site.owe("1.1", 1, "PACS")
    later = clock.now.replace(minute=30)
    outcomes.mark_failed(site.database, one, clock.now, error="busy", retry_at=later)
    site.workflow.reconcile()
    assert site.enqueued == []
    clock.now = later
    site.workflow.reconcile()
    assert site.enqueued == [f"deliver:PACS:1.1:1:{later.isoformat()}"]


def test_many_deliveries_for_a_dead_destination_do_not_hide_the_one_for_another(site):
    site.scored("1.1", reported=True)
    documents = [Document("1.1", -k, f"1.1.8.{k}", "sr", "x.dcm") for k in range(120)]
    outgoing.add(site.database, documents, ["PACS"], site.clock())
    site.owe("1.1", 1, "ARCHIVE")
    site.workflow.reconcile()
    assert len(site.enqueued) == 121
    assert any(name.startswith("deliver:ARCHIVE:") for name in site.enqueued)


def test_a_job_that_is_under_way_stays_one_and_one_that_ended_in_vain_is_taken_up(site):
    site.complete("1.1")
    site.workflow.reconcile()
    (job,) = site.engine.jobs.values()
    site.workflow.reconcile()
    assert list(site.engine.jobs.values()) == [job]
    site.engine.ended.add(job.workflow_id)
    site.workflow.reconcile()
    assert (list(site.engine.jobs.values()), site.engine.ended) == ([job], set())


def test_a_series_that_waits_after_a_fault_is_taken_up_at_its_time_or_at_a_start(site, clock):
    version = site.complete("1.1")
    waits.postpone(site.database, "1.1", version, clock.now + timedelta(seconds=60), "the disk is away")
    site.workflow.reconcile()
    assert site.enqueued == []
    clock.advance(60)
    site.workflow.reconcile()
    assert site.enqueued == ["score:1.1:1"]

    site.engine.jobs.clear()
    waits.postpone(site.database, "1.1", version, clock.now + timedelta(seconds=900), "the disk is away")
    site.workflow.start()
    site.workflow.stop()
    assert site.enqueued == ["score:1.1:1"]
    assert states.get(site.database, "1.1").wait_reason == ""


def test_a_series_that_is_scored_again_waits_for_those_that_have_just_arrived(site, clock):
    site.complete("1.1")
    clock.advance(3601)
    lifecycle.rescore(site.database, "1.1", clock.now)
    lifecycle.complete(
        site.database,
        "1.1",
        clock.now,
        expected=3,
        in_transaction=lambda transaction, version: site.workflow.enqueue_score(transaction, "1.1", version),
    )
    site.complete("1.2")
    site.workflow.reconcile()
    assert {job.workflow_id: job.priority for job in site.engine.jobs.values()} == {"score:1.1:2": 1, "score:1.2:1": 0}
    site.engine.jobs.clear()
    site.workflow.reconcile()
    assert site.engine.jobs["score:1.1:2"].priority == 1


def test_a_series_that_completes_is_enqueued_in_the_same_transaction(site):
    site.receive(site.installation, 3, SeriesInstanceUID="1.1")
    seen = []

    def enqueue(transaction, version):
        seen.append(transaction)
        site.workflow.enqueue_score(transaction, "1.1", version)

    lifecycle.complete(site.database, "1.1", site.clock(), expected=3, in_transaction=enqueue)
    assert site.enqueued == ["score:1.1:1"]
    assert site.engine.in_transactions == seen


def test_a_start_puts_back_what_was_being_sent_before_any_job_can_claim(site):
    site.scored("1.1", reported=True)
    one = site.owe("1.1", 1, "PACS")
    outgoing.claim(site.database, one, site.clock())
    at_start = []
    site.engine.when_started = lambda: at_start.append(deliveries.get(site.database, one).state)
    site.workflow.start()
    site.workflow.stop()
    assert at_start == [DeliveryState.PENDING]
    assert set(site.engine.steps) == {SCORE, DELIVER}
    assert site.enqueued == [f"deliver:PACS:1.1:1:{site.clock().isoformat()}"]
    assert site.engine.stopped is False


def test_jobs_reach_the_work_and_the_courier(site):
    site.workflow.start()
    try:
        site.engine.run(Job.score("1.1", 2))
        site.engine.run(Batch("1.1", 2, "PACS", "2026-03-02T08:00:00+00:00").job)
    finally:
        site.workflow.stop()
    assert site.work.runs == [("1.1", 2)]
    assert [call for call in site.courier.calls if call != "release"] == [("1.1", 2, "PACS")]


def test_no_job_begins_once_the_node_is_stopping(site):
    site.workflow.start()
    site.workflow.halt()
    with pytest.raises(Transient, match="the node is stopping"):
        site.engine.run(Job.score("1.1", 2))
    site.workflow.stop()
    assert site.work.runs == []


def test_what_fails_during_a_stop_is_left_for_the_next_start(site):
    """The scoring process is ended under its work: the job ends, and the next reconciliation enqueues it again."""

    def end():
        site.workflow.halt()
        raise Transient("the node is stopping")

    version = site.complete("1.1")
    job = Job.score("1.1", version)
    site.work.during = end
    site.workflow.start()
    with suppress(Transient):
        site.engine.run(job)
    site.workflow.stop()
    assert job.workflow_id in site.engine.ended
    again = site.make()
    again.reconcile()
    assert (site.enqueued, site.engine.ended) == ([job.workflow_id], set())


class FakeErrands:
    def __init__(self, calls, due) -> None:
        self.calls, self.due = calls, due

    def list_due(self):
        return [(("CT1",), self.due)]

    def run(self, *arguments) -> None:
        self.calls.append(arguments)

    def recover(self) -> None:
        self.calls.append("recover")

    def release(self) -> None:
        self.calls.append("release")


def test_chores_are_recovered_before_the_engine_starts_and_enqueued_when_due(site):
    calls = site.courier.calls
    chore = Chore(ASK_COMMITMENT, FakeErrands(calls, site.clock()))
    site.workflow = site.make(chore)
    site.engine.when_started = lambda: calls.append("start")
    site.workflow.start()
    try:
        (job,) = site.engine.jobs.values()
        site.engine.run(job)
    finally:
        site.workflow.stop()
    assert calls[:5] == ["recover", "start", "release", "release", ("CT1",)]
