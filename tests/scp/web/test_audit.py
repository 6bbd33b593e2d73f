"""Who looked at what, once for each look."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from scp.web import audit
from scp.web.audit import RecentViews, note_view
from scp.web.identity import Person
from storage.database.audit import list_events


@pytest.fixture
def look(web):
    """`look(account, path, series, clock)`: somebody looks at a page of a series."""
    app = SimpleNamespace(state=SimpleNamespace(views=RecentViews(), services=web.services))

    def by(account: str, path: str, series: str) -> None:
        state = SimpleNamespace(person=Person(account, "", frozenset({"view"})))
        note_view(SimpleNamespace(app=app, state=state, url=SimpleNamespace(path=path)), series)

    return by


def test_who_scrolls_through_a_series_looks_at_it_once(web, look):
    for number in range(50):
        look("anna", f"/dicom-web/frames/{number}", "1.2.3")
    for account, path, series in (
        ("bert", "/dicom-web/x", "1.2.3"),
        ("anna", "/review/x", "1.2.3"),
        ("anna", "/review/x", "1.2.4"),
    ):
        look(account, path, series)
    events = list_events(web.services.database, kind="viewed")
    assert [(event.person, event.text, event.series_instance_uid) for event in reversed(events)] == [
        ("anna", "dicom-web", "1.2.3"),
        ("bert", "dicom-web", "1.2.3"),
        ("anna", "review", "1.2.3"),
        ("anna", "review", "1.2.4"),
    ]


def test_a_look_after_ten_minutes_is_another_one(web):
    views, now = RecentViews(), web.services.clock()
    times = [now, now + audit._ONE_LOOK / 2, now + audit._ONE_LOOK, now + audit._ONE_LOOK * 1.5]
    assert [views.is_new(("anna", "1.2.3"), moment) for moment in times] == [True, False, True, False]


def test_the_memory_for_looks_is_bounded(web, monkeypatch):
    monkeypatch.setattr(audit, "MOST_VIEWS", 10)
    views = RecentViews()
    for number in range(100):
        assert views.is_new(("anna", str(number)), web.services.clock())
    assert len(views._seen) == 10
