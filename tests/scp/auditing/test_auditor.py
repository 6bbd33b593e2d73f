"""The auditor: what it records, and that every sink gets everything."""

import stat
from datetime import timedelta

import pytest

from config.auditing import AuditSettings
from config.errors import Transient
from scp.auditing.auditor import Auditor
from scp.installation import Installation
from storage.auditing import arrivals, chain
from storage.database import audit


@pytest.fixture
def audited(install, tmp_path, monkeypatch):
    """An installation whose messages go to files, and what a collector was sent; `refuse` makes it take nothing."""

    class Fake:
        lines: list[str]
        refuses = False

        def __init__(self, _):
            self.lines = []

        def send(self, lines):
            if self.refuses:
                raise Transient("audit.collector: takes no messages")
            self.lines += lines

        def close(self):
            pass

    monkeypatch.setattr("scp.auditing.auditor.Collector", Fake)

    def make(**keys: object) -> tuple[Installation, Auditor, Fake]:
        plain = install()
        settings = plain.settings.model_copy(update={"audit": AuditSettings(**keys)})
        installation = Installation(settings, plain.database, plain.files, plain.clock)
        auditor = Auditor(installation)
        return installation, auditor, auditor._collector

    return make


def note(installation: Installation, count: int = 1) -> None:
    for _ in range(count):
        audit.record(installation.database, installation.clock(), "viewed", person="reader")


def numbers(lines) -> list[int]:
    return [int(line.partition('sequenceId="')[2].partition('"')[0]) for line in lines]


def test_each_event_reaches_collector_and_files_once(audited, tmp_path):
    installation, auditor, collector = audited(collector="tcp://localhost:601", folder=tmp_path / "audit")
    note(installation, 3)
    auditor.look()
    note(installation, 2)
    auditor.look()
    auditor.look()
    assert numbers(collector.lines) == [1, 2, 3, 4, 5]
    (file,) = (tmp_path / "audit").iterdir()
    assert file.name == f"audit-{installation.clock():%Y-%m-%d}.log"
    assert numbers(file.read_text().splitlines()) == [1, 2, 3, 4, 5]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_each_day_has_a_file(audited, tmp_path, clock):
    installation, auditor, _ = audited(folder=tmp_path / "audit")
    note(installation)
    clock.advance(24 * 3600)
    note(installation)
    auditor.look()
    assert len(list((tmp_path / "audit").iterdir())) == 2


def test_another_process_goes_on_where_the_first_ended(audited):
    installation, auditor, collector = audited(collector="tcp://localhost:601")
    note(installation, 2)
    auditor.look()
    note(installation)
    _, following, other = audited(collector="tcp://localhost:601")
    following.look()
    assert numbers(collector.lines) == [1, 2]
    assert numbers(other.lines) == [3]


def test_a_collector_that_is_away_loses_nothing_and_holds_nothing_up(audited, tmp_path):
    installation, auditor, collector = audited(collector="tcp://localhost:601", folder=tmp_path / "audit")
    collector.refuses = True
    note(installation, 2)
    auditor.look()
    assert collector.lines == []
    assert numbers(next((tmp_path / "audit").iterdir()).read_text().splitlines()) == [1, 2]
    collector.refuses = False
    for _ in range(5):
        auditor.look()
    assert numbers(collector.lines) == [1, 2]


def test_what_lay_in_the_buffers_of_a_broken_connection_is_sent_again(audited):
    installation, auditor, collector = audited(collector="tcp://localhost:601")
    note(installation, 3)
    auditor.look()
    collector.refuses = True
    note(installation)
    auditor.look()
    collector.refuses = False
    for _ in range(5):
        auditor.look()
    assert numbers(collector.lines) == [1, 2, 3, 1, 2, 3, 4]


def test_a_folder_that_cannot_be_written_is_tried_again(audited, tmp_path):
    (tmp_path / "audit").write_text("a file in its place")
    installation, auditor, _ = audited(folder=tmp_path / "audit")
    note(installation)
    auditor.look()
    (tmp_path / "audit").unlink()
    for _ in range(5):
        auditor.look()
    assert numbers(next((tmp_path / "audit").iterdir()).read_text().splitlines()) == [1]


def test_start_and_stop_are_recorded_and_handed_on(audited):
    installation, auditor, collector = audited(collector="tcp://localhost:601")
    auditor.start("127.0.0.1:11112")
    auditor.stop()
    assert [event.kind for event in audit.list_events(installation.database)] == ["stopped", "started"]
    assert numbers(collector.lines) == [1, 2]
    assert "110121" in collector.lines[-1]


def test_images_received_are_recorded(audited, receive, clock):
    installation, auditor, _ = audited()
    auditor.look()
    receive(installation, 4)
    clock.advance(61)
    auditor.look()
    (event,) = audit.list_events(installation.database, kind=arrivals.KIND)
    assert event.text == "4 CT Image Storage"


def test_one_process_of_a_group_works(audited, monkeypatch):
    installation, auditor, collector = audited(collector="tcp://localhost:601")
    monkeypatch.setattr(auditor._duties, "holds", lambda duty: duty != "audit")
    note(installation)
    auditor.look()
    assert collector.lines == []


def test_events_leave_the_index_once_they_are_old_and_handed_on(audited, clock):
    installation, auditor, collector = audited(collector="tcp://localhost:601", keep_days=30)
    note(installation, 2)
    clock.advance(timedelta(days=31).total_seconds())
    note(installation)
    collector.refuses = True
    auditor.look()
    assert len(audit.list_events(installation.database)) == 3
    collector.refuses = False
    clock.advance(3700)
    for _ in range(5):
        auditor.look()
        clock.advance(3700)
    assert len(audit.list_events(installation.database)) == 1
    assert list(chain.verify(installation.database, clock())) == []
