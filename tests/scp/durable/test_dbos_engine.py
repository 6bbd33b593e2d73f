"""The library behind the seam: a job runs once, ends, and can be enqueued again after it was forgotten."""

import threading
from collections import Counter
from contextlib import nullcontext
from queue import Queue

import pytest
from dbos import _sys_db
from dbos._core import ActiveWorkflowById
from sqlalchemy import text

from config.errors import CoronodeError
from scp.durable import dbos_engine
from scp.durable.dbos_engine import DbosEngine
from scp.durable.job import DELIVER, SCORE, Job
from scp.durable.serializer import JsonSerializer


def test_nothing_is_enqueued_before_the_start(install):
    with pytest.raises(CoronodeError, match="not started"):
        DbosEngine(install().database).enqueue(Job.score("1.2", 1))


def test_arguments_and_errors_are_written_as_json():
    serializer = JsonSerializer()
    assert serializer.deserialize(serializer.serialize({"args": ["1.2", 3]})) == {"args": ["1.2", 3]}
    assert serializer.deserialize(serializer.serialize(ValueError("oops"))) == "ValueError: oops"


def test_a_job_runs_once_until_it_is_forgotten(install, clock):
    installation = install()
    runs, ran = [], threading.Semaphore(0)

    def step(*arguments):
        runs.append(arguments)
        ran.release()

    engine = DbosEngine(installation.database)
    engine.start({SCORE: step, DELIVER: step}, around=nullcontext)
    try:
        one, other = Job.score("1.2", 1), Job(DELIVER, "deliver:x", ("1.2", 1, "PACS", "now"))
        for _ in range(3):
            engine.enqueue(one)
        with installation.database.session() as transaction:
            engine.enqueue(other, transaction)
        assert ran.acquire(timeout=60)
        assert ran.acquire(timeout=60)
        assert sorted(runs, key=len) == [one.arguments, other.arguments]
    finally:
        engine.stop(busy=True)  # which waits until the outcome is written down
    again = DbosEngine(installation.database)
    again.start({SCORE: step, DELIVER: step}, around=nullcontext)
    try:
        again.enqueue(other)
        again.forget_ended(one.workflow_id)
        again.enqueue(one)
        assert ran.acquire(timeout=60)
        assert runs[2:] == [one.arguments]
    finally:
        again.stop(busy=True)


def test_of_the_jobs_that_wait_the_smallest_priority_goes_first(install):
    began, go, ran = threading.Semaphore(0), threading.Event(), []

    def step(series_instance_uid, version):
        ran.append(series_instance_uid)
        began.release()
        assert go.wait(60)

    engine = DbosEngine(install().database)
    engine.start({SCORE: step, DELIVER: step}, around=nullcontext)
    try:
        engine.enqueue(Job.score("first", 1))
        assert began.acquire(timeout=60)
        for name, priority in (("again", 1), ("also again", 1), ("new", 0)):
            engine.enqueue(Job.score(name, 1, priority))
        go.set()
        for _ in range(3):
            assert began.acquire(timeout=60)
        assert ran == ["first", "new", "again", "also again"]
    finally:
        go.set()
        engine.stop(busy=True)


def test_of_a_partner_one_job_runs_at_a_time_even_where_the_library_takes_several(install, monkeypatch, eventually):
    """A look at the queue may come before the library counts what it took in the look before."""
    monkeypatch.setattr(ActiveWorkflowById, "count_for_partition", lambda *_: 0)
    monkeypatch.setattr(ActiveWorkflowById, "count_for_queue", lambda *_: 0)
    began, go, running, most, lock = threading.Semaphore(0), threading.Event(), Counter(), Counter(), threading.Lock()

    def step(name, *others):
        partner = others[1] if len(others) > 1 else "score"
        with lock:
            running[partner] += 1
            most[partner] = max(most[partner], running[partner])
        began.release()
        assert go.wait(60)
        with lock:
            running[partner] -= 1

    installation = install()
    engine = DbosEngine(installation.database)
    engine.start({SCORE: step, DELIVER: step}, around=nullcontext)

    def taken():
        with installation.database.reading() as session:
            return session.scalar(text("SELECT count(*) FROM workflow_status WHERE status = 'PENDING'"))

    try:
        for number in range(4):
            engine.enqueue(Job.score(f"1.2.{number}", 1))
            for name in ("PACS", "ARCHIVE"):
                engine.enqueue(Job(DELIVER, f"deliver:{name}:{number}", ("1.2", number, name, "now")))
        for _ in range(3):
            assert began.acquire(timeout=60)
        eventually("the library takes all", lambda: taken() == 12)
        assert not began.acquire(timeout=0.2)
        go.set()
        for _ in range(9):
            assert began.acquire(timeout=60)
        assert most == {"PACS": 1, "ARCHIVE": 1, "score": 1}
    finally:
        go.set()
        engine.stop(busy=True)


def claim_as(installation, job: Job, member: str) -> None:
    """Have a job be run by another process, of which nothing more is heard."""
    with installation.database.session() as session:
        session.execute(
            text("UPDATE workflow_status SET status = 'PENDING', executor_id = :member WHERE workflow_uuid = :job"),
            {"member": member, "job": job.workflow_id},
        )


def test_jobs_of_who_is_no_member_are_handed_on_and_those_of_a_member_are_not(install):
    installation = install()
    ran: Queue[str] = Queue()
    waiting = DbosEngine(installation.database, member="receiver")
    waiting.start({}, around=nullcontext)
    try:
        for member in ("dead", "living", "local"):
            job = Job.score(f"1.2.{len(member)}", 1)
            waiting.enqueue(job)
            claim_as(installation, job, member)
    finally:
        waiting.stop(busy=False)
    engine = DbosEngine(installation.database, member="me")
    engine.start({SCORE: lambda uid, _: ran.put(uid)}, around=nullcontext)
    try:
        engine.hand_on({"me", "living"})
        assert {ran.get(timeout=60) for _ in range(2)} == {"1.2.4", "1.2.5"}
        engine.hand_on({"me"})
        assert ran.get(timeout=60) == "1.2.6"
    finally:
        engine.stop(busy=True)


def test_who_has_joined_anew_runs_jobs_under_the_new_name(install):
    installation = install()
    ran: Queue[str] = Queue()
    engine = DbosEngine(installation.database, member="before")
    engine.start({SCORE: lambda uid, _: ran.put(uid)}, around=nullcontext)
    try:
        engine.rename("after")
        engine.enqueue(Job.score("1.2", 1))
        assert ran.get(timeout=60) == "1.2"
        with installation.database.reading() as session:
            assert session.execute(text("SELECT executor_id FROM workflow_status")).scalars().all() == ["after"]
    finally:
        engine.stop(busy=True)


def test_who_has_no_role_for_jobs_leaves_them_to_others(install):
    installation = install()
    ran: Queue[str] = Queue()
    engine = DbosEngine(installation.database, member="receiver")
    engine.start({}, around=nullcontext)
    try:
        engine.enqueue(Job.score("1.2", 1))
        engine.hand_on({"receiver"})
    finally:
        engine.stop(busy=False)
    other = DbosEngine(installation.database, member="scorer")
    other.start({SCORE: lambda uid, _: ran.put(uid)}, around=nullcontext)
    try:
        assert ran.get(timeout=60) == "1.2"
    finally:
        other.stop(busy=True)


def test_who_is_alone_looks_at_its_queues_when_it_has_put_something_there(install):
    """Work follows on work without the pause between looks; what waits from before the start is found, too."""
    installation = install()
    ran: Queue[str] = Queue()
    before = DbosEngine(installation.database)
    before.start({}, around=nullcontext)
    try:
        before.enqueue(Job.score("before", 1))
    finally:
        before.stop(busy=False)
    engine = DbosEngine(installation.database, alone=True)
    engine.start({SCORE: lambda uid, _: ran.put(uid)}, around=nullcontext)
    try:
        assert ran.get(timeout=10) == "before"
        with installation.database.session() as transaction:
            for number in range(5):
                engine.enqueue(Job.score(f"{number}", 1), transaction)
        assert [ran.get(timeout=10) for _ in range(5)] == list("01234")
    finally:
        engine.stop(busy=True)


def test_the_library_does_not_look_for_queues_by_itself(install, monkeypatch):
    """Which costs a node at rest an eighth of a hundredth of a core."""
    looked = threading.Event()
    monkeypatch.setattr(_sys_db.SystemDatabase, "list_queues", lambda *_, **__: looked.set() or [])
    ran: Queue[str] = Queue()
    engine = DbosEngine(install().database, alone=True)
    engine.start({SCORE: lambda uid, _: ran.put(uid)}, around=nullcontext)
    try:
        engine.enqueue(Job.score("1.2", 1))
        assert ran.get(timeout=60) == "1.2"
        assert not looked.wait(0.2)  # it would have been the first thing it does
        assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("queue-worker-")]
    finally:
        engine.stop(busy=True)


def test_a_look_that_waits_for_the_database_does_not_hold_up_the_end(install, monkeypatch):
    back = threading.Event()
    monkeypatch.setattr(dbos_engine, "queue_worker_thread", lambda *_: back.wait(60))
    monkeypatch.setattr(dbos_engine, "_ENDING_SECONDS", 0.01)
    engine = DbosEngine(install().database)
    engine.start({SCORE: lambda *_: None}, around=nullcontext)
    (looking,) = engine._threads
    try:
        engine.stop(busy=False)
        assert looking.is_alive()
    finally:
        back.set()
    looking.join(30)
    assert not looking.is_alive()
