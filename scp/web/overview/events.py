"""News for pages that are open: one look at the database for all of them, and none while nobody has one open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from config.errors import Transient
from scp.trouble import Trouble
from scp.web.identity import Person, require
from scp.web.services import Services, find_services
from storage.overview.marks import Marks, read_marks

router: Final = APIRouter()

Topic = Literal["series", "outbox"]

MOST_PAGES: Final = 100
LOOK_SECONDS: Final = 1.5
_BREATH_SECONDS: Final = 15.0
"""A comment now and then keeps proxies from closing the connection, and shows that the page is gone."""
_LONGEST_SECONDS: Final = 600.0
"""Then the browser connects anew, and whoever may no longer see anything is refused."""


@dataclass(eq=False, slots=True)
class _Page:
    """An open page, and the news that it has not been told."""

    news: set[Topic] = field(default_factory=set)
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class Newsroom:
    """Looks at the marks of the database as long as there are pages, and tells all of them what has changed."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._pages: set[_Page] = set()
        self._task: asyncio.Task[None] | None = None
        self._trouble = Trouble("no news for open pages", "open pages have news again")

    @property
    def is_full(self) -> bool:
        """Whether no more pages are served."""
        return len(self._pages) >= MOST_PAGES

    async def tell(self) -> AsyncIterator[str]:
        """Yield the events of one page (WHATWG HTML 9.2) until it is gone."""
        page = _Page()
        self._pages.add(page)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())
        end = asyncio.get_running_loop().time() + _LONGEST_SECONDS
        try:
            # what has changed between the page and this connection, or since the last one, is news too
            yield "retry: 3000\n\nevent: series\ndata: changed\n\nevent: outbox\ndata: changed\n\n"
            while asyncio.get_running_loop().time() < end:
                try:
                    await asyncio.wait_for(page.wake.wait(), _BREATH_SECONDS)
                except TimeoutError:
                    yield ":\n\n"
                    continue
                page.wake.clear()
                topics, page.news = sorted(page.news), set()
                yield "".join(f"event: {topic}\ndata: changed\n\n" for topic in topics)
        finally:
            self._pages.discard(page)

    async def _look(self) -> None:
        before: Marks | None = None
        while self._pages:
            try:
                now = await run_in_threadpool(read_marks, self._services.database)
            except Transient as error:
                self._trouble.note(error)
            else:
                self._trouble.end()
                if before is not None:
                    self._announce(before, now)
                before = now
            await asyncio.sleep(LOOK_SECONDS)

    def _announce(self, before: Marks, now: Marks) -> None:
        changed: set[Topic] = set()
        if before.series != now.series:
            changed.add("series")
        if before.outbox != now.outbox:
            changed.add("outbox")
        for page in self._pages if changed else ():
            page.news |= changed
            page.wake.set()


def _find_newsroom(request: Request) -> Newsroom:
    state = request.app.state
    if not hasattr(state, "newsroom"):
        state.newsroom = Newsroom(find_services(request))
    newsroom: Newsroom = state.newsroom
    return newsroom


@router.get("/events")
async def listen(request: Request, _: Annotated[Person, Depends(require("view"))]) -> StreamingResponse:
    """Tell a page that what it shows has changed, without saying what: it asks for that itself."""
    newsroom = _find_newsroom(request)
    if newsroom.is_full:
        raise HTTPException(503, f"{MOST_PAGES} pages are open already; this one does not renew itself")
    return StreamingResponse(
        newsroom.tell(),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"},
    )
