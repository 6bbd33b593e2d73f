"""A webhook is told of each incident once, again every day, and of its end; what it did not take is told again."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from pydantic import ValidationError

from config.alerts import AlertSettings
from config.settings import Settings
from scp.installation import Installation
from scp.watching import notifier
from scp.watching.incidents import Sight, find_incidents
from scp.watching.notifier import Notifier
from storage.database.engine import Database
from storage.objects.files import Files
from storage.outbox.alerts import Incident
from storage.outbox.deliveries import DeliveryState
from storage.overview.stages import Stages, Unsent
from storage.series.states import State

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DEAD = Incident("dead_letter:PACS", "dead_letter", {"destination": "PACS", "documents": 2})


@dataclass
class Hook:
    """A webhook; `codes` are what the next calls are answered with, then 204."""

    port: int
    bodies: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(body["key"], body["status"]) for body in self.bodies]


@pytest.fixture
def hook() -> Iterator[Hook]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            made.tokens.append(self.headers["Authorization"])
            self.send_response(made.codes.pop(0) if made.codes else 204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Hook(server.server_port)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@dataclass
class Site:
    """An installation whose incidents are given, at a time that is given."""

    installation: Installation
    found: list[Incident]
    now: datetime = NOW

    def look(self, **elapsed: float) -> None:
        """Let some time pass, and look as a process does that has just been started."""
        self.now += timedelta(**elapsed)
        Notifier(self.installation).look()


@pytest.fixture
def site(tmp_path, hook, monkeypatch) -> Iterator[Site]:
    (tmp_path / "token").write_text("secret\n")
    (tmp_path / "token").chmod(0o600)
    alerts = {"webhook": f"http://127.0.0.1:{hook.port}/coronode?key=1", "token_file": tmp_path / "token"}
    settings = Settings.model_validate({"node": {"data_dir": tmp_path, "reserve_mb": 0}, "alerts": alerts})
    database = Database.open(f"sqlite:///{tmp_path / 'coronode.sqlite'}")
    database.migrate()
    made = Site(Installation(settings, database, Files(tmp_path / "objects"), lambda: made.now), [])
    monkeypatch.setattr(notifier, "find_incidents", lambda *_: list(made.found))
    yield made
    database.close()


def test_an_incident_is_told_once_then_daily_then_its_end(site, hook):
    site.look()
    site.found = [DEAD]
    site.look()
    for _ in range(3):
        site.look(minutes=1)
    assert hook.told == [("dead_letter:PACS", "begun")]
    site.look(days=1)
    site.found = []
    site.look(minutes=1)
    site.look(minutes=1)
    assert [status for _, status in hook.told] == ["begun", "lasting", "over"]
    body = hook.bodies[0]
    assert (body["schema"], body["node"], body["event"]) == ("coronode.alert/1", "CORONODE", "dead_letter")
    assert body["details"] == {"destination": "PACS", "documents": 2}
    assert body["since"] == NOW.isoformat()
    assert hook.tokens == ["Bearer secret"] * 3
    site.found = [DEAD]
    site.look(minutes=1)
    assert hook.told[-1] == ("dead_letter:PACS", "begun")  # another one


def test_what_is_not_taken_is_told_again_later_and_less_and_less_often(site, hook):
    site.found = [DEAD, Incident("disk", "disk", {"free_bytes": 1, "reserve_bytes": 2})]
    hook.codes = [500, 404]
    site.look()
    assert len(hook.bodies) == 1  # nobody takes the others now
    site.look(seconds=29)
    assert hook.told[1:] == [("disk", "begun")]  # it was due and not tried; 404 is a failure, too
    hook.bodies.clear()
    site.look(seconds=31)
    assert sorted(hook.told) == [("dead_letter:PACS", "begun"), ("disk", "begun")]
    hook.bodies.clear()
    site.look(hours=2)
    assert hook.told == []


def test_nobody_is_called_for_what_is_over_before_it_was_told(site, hook):
    hook.codes = [503]
    site.found = [DEAD]
    site.look()
    site.found = []
    site.look(minutes=5)
    assert len(hook.bodies) == 1


def test_the_end_is_given_up_when_nobody_takes_it(site, hook):
    site.found = [DEAD]
    site.look()
    site.found = []
    hook.codes = [500] * 100
    for _ in range(60):
        site.look(hours=1)
    assert len(hook.bodies) == 1 + 20


def test_another_process_of_the_group_has_the_duty(site, hook):
    class Nothing:
        def holds(self, duty: str) -> bool:
            return duty != "alerts"

    site.found = [DEAD]
    Notifier(site.installation, Nothing()).look()
    assert hook.bodies == []


def test_incidents_are_found_where_a_person_is_needed():
    ago = NOW - timedelta(minutes=61)
    unsent = (
        Unsent("PACS", DeliveryState.DEAD, 2, ago),
        Unsent("PACS", DeliveryState.PENDING, 1, NOW - timedelta(minutes=59)),
        Unsent("ARCHIVE", DeliveryState.PENDING, 3, ago),
    )
    stages = Stages({State.SCORING: 1, State.RECEIVING: 1}, {State.SCORING: ago, State.RECEIVING: ago}, unsent, 0, NOW)
    ends = {"near.pem": NOW + timedelta(days=13), "far.pem": NOW + timedelta(days=15)}
    sight = Sight(stages, 99, 100, ends)
    found = find_incidents(sight, AlertSettings(), NOW)
    assert [incident.key for incident in found] == [
        "dead_letter:PACS",
        "stuck:delivering:ARCHIVE",
        "stuck:scoring",
        "disk",
        "certificate:near.pem",
    ]
    assert found[1].details == {"destination": "ARCHIVE", "documents": 3, "stage": "delivering", "minutes": 61}
    chosen = find_incidents(sight, AlertSettings(events=("disk",)), NOW)
    assert [incident.event for incident in chosen] == ["disk"]
    well = Sight(Stages({}, {}, (), 0, None), 100, 100, {})
    assert find_incidents(well, AlertSettings(), NOW) == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"webhook": "http://alerts.example/x"}, "https://"),
        ({"webhook": "alerts.example"}, "such as https://"),
        ({"webhook": "https://me:secret@alerts.example"}, "token_file"),
        ({"token_file": "/etc/token"}, "alerts.webhook"),
    ],
)
def test_a_webhook_that_cannot_be_meant_is_refused(settings, words):
    with pytest.raises(ValidationError, match=words):
        AlertSettings.model_validate(settings)
