"""News for open pages: told once something has changed, to a limited number of pages, at no cost without any."""

from __future__ import annotations

import asyncio

import pytest

from scp.web.overview import events
from scp.web.overview.events import Newsroom
from storage.database import audit


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(events, "LOOK_SECONDS", 0.01)


async def read_events(page, count: int) -> list[str]:
    return [await asyncio.wait_for(anext(page), 10) for _ in range(count)]


def test_a_page_is_told_of_a_change_and_not_of_somebody_who_looks(web):
    async def listen():
        newsroom, loop, looked = Newsroom(web.services), asyncio.get_running_loop(), asyncio.Event()
        read = events.read_marks

        def note(database):
            marks = read(database)
            loop.call_soon_threadsafe(looked.set)
            return marks

        async def wait_for_looks(number):
            for _ in range(number):
                looked.clear()
                await asyncio.wait_for(looked.wait(), 10)

        events.read_marks = note
        try:
            page = newsroom.tell()
            await read_events(page, 1)
            pending = asyncio.ensure_future(anext(page))
            await wait_for_looks(2)
            audit.record(web.services.database, web.services.clock(), "viewed", "series")
            await wait_for_looks(3)
            assert not pending.done()
            audit.record(web.services.database, web.services.clock(), "complete")
            told = await asyncio.wait_for(pending, 10)
            await page.aclose()
            return told
        finally:
            events.read_marks = read

    assert asyncio.run(listen()) == "event: outbox\ndata: changed\n\nevent: series\ndata: changed\n\n"


def test_nothing_looks_at_the_database_once_the_last_page_is_gone(web):
    async def leave():
        newsroom = Newsroom(web.services)
        page = newsroom.tell()
        await read_events(page, 1)
        await page.aclose()
        await asyncio.wait_for(newsroom._task, 10)
        return newsroom.is_full

    assert asyncio.run(leave()) is False


def test_more_pages_than_the_limit_are_refused(web, monkeypatch):
    monkeypatch.setattr(events, "MOST_PAGES", 0)
    answer = web.client.get("/events")
    assert answer.status_code == 503
