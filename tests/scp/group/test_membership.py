"""A member shows life, takes the dead one's duties, stops in time, and joins anew when the others gave it up."""

import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from config.errors import Transient
from scp.group.associations import OpenAssociations
from scp.group.membership import Membership
from scp.group.process_identity import Place
from scp.group.roles import EVERY_ROLE
from storage.database.engine import Database
from storage.group import associations, duties, members
from storage.group.members import Member

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def db(tmp_path):
    database = Database.open(f"sqlite:///{tmp_path / 'index.db'}")
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make(db, clock):
    def make(*roles, alone=False):
        member = Membership(db, roles or EVERY_ROLE, alone=alone, version="1", clock=lambda: NOON, monotonic=clock)
        member.join()
        return member

    return make


def pass_time(clock, seconds, *living):
    """Let time pass as the threads of the living members would."""
    for _ in range(seconds // 2):
        clock.now += 2
        for member in living:
            member.beat()
            member.look()


def test_a_dead_members_duties_are_taken_over_within_thirty_seconds(make, clock):
    dead, living = make(), make()
    living.look()
    assert dead.holds("completion")
    assert not living.holds("completion")
    pass_time(clock, 18, living)
    assert not living.holds("completion")
    pass_time(clock, 6, living)
    assert living.holds("completion")


def test_a_living_members_duties_are_never_taken_over(make, clock):
    one, other = make(), make()
    pass_time(clock, 600, one, other)
    assert one.holds("completion")
    assert not other.holds("completion")


def test_a_member_takes_no_work_before_the_others_may_give_it_up(make, clock):
    member = make()
    clock.now = 14.9
    assert member.is_sound()
    clock.now = 15
    assert not member.is_sound()
    assert not member.holds("completion")
    member.beat()
    assert member.holds("completion")


def test_a_node_alone_takes_everything_over_at_once_and_needs_no_sign_of_life(make, clock, db):
    make()
    alone = make(alone=True)
    assert alone.holds("completion")
    clock.now = 3600
    assert alone.holds("completion")
    assert alone.list_living() == {alone.id}


def test_who_was_given_up_joins_anew_and_tells(make, clock, db):
    slow, other = make(), make()
    told = []
    slow.renamed = told.append
    before = slow.id
    pass_time(clock, 24, other)
    assert other.list_living() == {other.id}
    slow.beat()
    assert told == [slow.id]
    assert slow.id != before
    assert other.list_living() == {slow.id, other.id}
    slow.look()
    assert not slow.holds("completion")


def test_who_leaves_gives_up_its_duties_at_once(make, db):
    one, other = make(), make()
    one.leave()
    other.look()
    assert other.holds("completion")
    assert members.list_members(db)[0].id == other.id


def test_only_who_receives_asks_for_images_and_pages_have_no_duty(make, db):
    make("web")
    make("score")
    assert "witness" not in duties.list_duties(db)
    receiver = make("receive")
    assert receiver.holds("witness")
    assert not receiver.holds("completion")


class Association:
    alive = True

    def is_alive(self) -> bool:
        return self.alive


def test_open_associations_are_facts_for_all(make, db):
    member, association = make(), Association()
    book = OpenAssociations(db, member.owner)
    book.look()
    for _ in range(3):
        book.note("1.2", association)
    book.note("1.3", association)
    book.note("1.4", None)
    assert [associations.is_open(db, uid) for uid in ("1.2", "1.3", "1.4")] == [True, True, False]
    association.alive = False
    book.look()
    assert not associations.is_open(db, "1.2")


def test_who_joins_anew_enters_its_associations_again(make, db, clock):
    member, other, association = make(), make(), Association()
    book = OpenAssociations(db, member.owner)
    book.look()
    book.note("1.2", association)
    pass_time(clock, 24, other)
    assert not associations.is_open(db, "1.2")
    member.beat()
    book.look()
    assert associations.is_open(db, "1.2")


def test_a_database_that_is_away_is_no_fault_of_the_object(make, db, monkeypatch):
    member, association = make(), Association()
    book = OpenAssociations(db, member.owner)

    def fail(*_):
        raise Transient("away")

    with monkeypatch.context() as patch:
        patch.setattr("storage.group.associations.enter", fail)
        with capture_logs() as lines:
            for uid in ("1.2", "1.3", "1.2"):
                book.note(uid, association)
    assert [line["event"] for line in lines] == ["an open association is not noted"]
    with capture_logs() as lines:
        for uid in ("1.2", "1.3"):
            book.note(uid, association)
    assert [(line["event"], line["failures"]) for line in lines] == [("open associations are noted again", 3)]
    assert associations.is_open(db, "1.2")


def test_an_outage_is_told_when_it_begins_and_when_it_ends(make, monkeypatch):
    monkeypatch.setattr("scp.group.membership._ALONE_SECONDS", 0.001)
    looks, enough = [], threading.Event()

    def look() -> None:
        looks.append(1)
        if len(looks) < 5:
            raise Transient("away")
        if len(looks) == 7:
            enough.set()

    member = make(alone=True)
    monkeypatch.setattr(member, "look", look)
    with capture_logs() as lines:
        member.start()
        assert enough.wait(20)
        member.leave()
    assert [line["event"] for line in lines] == [
        "no sign of life to the group for now",
        "the group sees signs of life again",
    ]


def test_who_is_started_again_on_the_same_machine_takes_over_from_what_it_was_at_once(make, db):
    here = Place.here()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        name = here.name_process(process.pid)
        members.join(db, Member("dead", "host", process.pid, EVERY_ROLE, "1", 0, NOON, name))
        duties.take(db, "dead", ["completion"])
        assert not make().holds("completion")
        process.kill()
        process.wait()
    again = make()
    assert again.holds("completion")
    assert "dead" not in again.list_living()
