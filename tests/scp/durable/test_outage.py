"""A database that is away is told once, and once its end; what the library says meanwhile is not shown."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from config.errors import Transient
from scp import logs
from scp.durable.dbos_engine import DbosEngine
from scp.durable.job import SCORE, Job
from scp.durable.outage import Outages
from storage.database.engine import Database

GONE = "the database does not answer: work that is under way waits for it"
BACK = "the database answers again"
LOST = OperationalError("SELECT 1", {}, psycopg.OperationalError("connection is bad: no such file\nis it running?"))


def record(error: BaseException | None = None) -> logging.LogRecord:
    info = None if error is None else (type(error), error, None)
    return logging.LogRecord("dbos", logging.WARNING, "", 0, "something", (), info)


@pytest.fixture
def told() -> Callable[[], list[dict[str, object]]]:
    """What has been logged, in JSON."""
    target = io.StringIO()
    logs.configure("info", "json", target=target)
    return lambda: [json.loads(line) for line in target.getvalue().splitlines()]


class Server:
    """A database that is away until a test says otherwise."""

    def __init__(self) -> None:
        self.is_away = True
        self.now = 100.0

    def ping(self) -> None:
        if self.is_away:
            raise Transient("away")


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def outages(server) -> Iterator[Outages]:
    made = Outages(server.ping, look_seconds=0.01, monotonic=lambda: server.now)
    yield made
    made.stop()


@pytest.mark.parametrize(
    ("error", "expected"),
    [(None, True), (ValueError("oops"), True), (Transient("the node is stopping"), False), (LOST, False)],
    ids=repr,
)
def test_work_left_for_later_and_what_an_outage_brings_are_no_news(outages, error, expected):
    assert outages.is_news(record(error)) is expected


def test_an_error_that_is_being_handled_counts_though_the_record_does_not_name_it(outages):
    try:
        raise LOST
    except OperationalError:
        assert not outages.is_news(record())
    assert outages.is_news(record())


def test_an_outage_is_told_once_and_once_its_end(outages, server, told, eventually):
    for _ in range(100):
        assert not outages.is_news(record(LOST))
    server.now += 61
    server.is_away = False
    eventually("the end is told", lambda: len(told()) == 2)
    first, last = told()
    assert (first["event"], first["level"], first["reason"]) == (GONE, "warning", "connection is bad: no such file")
    assert (last["event"], last["level"], last["seconds"]) == (BACK, "info", 61)

    assert not outages.is_news(record(LOST)), "it was lost in the same outage, and found out later"
    assert len(told()) == 2
    server.now += 60
    server.is_away = True
    assert not outages.is_news(record(psycopg.errors.CannotConnectNow("starting up")))
    assert [event["event"] for event in told()] == [GONE, BACK, GONE]


@pytest.mark.component
def test_jobs_outlive_a_server_that_is_stopped_and_little_is_said_of_it(
    postgresql_cluster, postgresql, told, eventually
):
    database = Database.open(postgresql)
    database.migrate()
    engine = DbosEngine(database)
    began, go, ran = threading.Semaphore(0), threading.Event(), []

    def step(series_instance_uid: str, version: int) -> None:
        ran.append(series_instance_uid)
        began.release()
        assert go.wait(60)

    engine.start({SCORE: step}, around=nullcontext)
    try:
        job = Job.score("1.2", 1)
        engine.enqueue(job)
        assert began.acquire(timeout=60)
        postgresql_cluster.stop()
        try:
            go.set()  # the job ends while nobody can note it
            eventually("the outage is told", lambda: GONE in [event["event"] for event in told()])
            threading.Event().wait(3)  # of an outage: each loop of the library meets it
        finally:
            postgresql_cluster.start()
        eventually("the end is told", lambda: BACK in [event["event"] for event in told()])

        def runs_again() -> bool:
            engine.forget_ended(job.workflow_id)  # only what is noted as ended can be forgotten
            engine.enqueue(job)
            return began.acquire(blocking=False)

        eventually("the job has ended and runs again", runs_again)
    finally:
        engine.stop(busy=True)
        database.close()
    assert set(ran) == {"1.2"}
    assert len(ran) >= 2, "one more where a run ended between two questions"
    assert [event["event"] for event in told()] == [GONE, BACK]
    assert not [event for event in told() if "exception" in event]
    assert "Traceback" not in json.dumps(told())
