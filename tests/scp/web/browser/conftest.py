"""Pages in a real browser: Debian's Chromium against a server in this process."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Request, sync_playwright

from scp.web.app import create_app
from scp.web.services import Services

AXE = Path(__file__).with_name("node_modules") / "axe-core/axe.min.js"
WAIT_MS = 60_000
"""For machines that have other things to do."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser without a network but this machine's.

    It ends with the module: while it runs, its event loop takes the thread from tests with a loop of their own.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None or not AXE.exists():
        if os.environ.get("REQUIRE_PEERS"):
            pytest.fail("no chromium on the PATH, or no node_modules in tests/scp/web/browser (npm ci)")
        pytest.skip("needs chromium, and `npm ci` in tests/scp/web/browser")
    with sync_playwright() as playwright:
        arguments = [
            "--no-sandbox",
            "--enable-unsafe-swiftshader",
            "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
        ]
        browser = playwright.chromium.launch(executable_path=path, args=arguments, timeout=3 * WAIT_MS)
        yield browser
        browser.close()


@dataclass
class Site:
    """A server and the address of its pages."""

    address: str
    services: Services


@pytest.fixture
def serve() -> Iterator[Callable[[Services], Site]]:
    """`serve(services)` serves the application at a free port until the test ends."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(services: Services) -> Site:
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(create_app(services), log_config=None, access_log=False, timeout_graceful_shutdown=1)
        )
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        running.append((server, thread))
        return Site(f"http://127.0.0.1:{listener.getsockname()[1]}", services)

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join(30)


@dataclass
class Watched:
    """What a page did that it must not do: requests to others, errors, refusals by its own policy."""

    own: str
    faults: list[str] = field(default_factory=list)

    def note_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and parts.netloc != self.own:
            self.faults.append(f"request to {request.url}")

    def note_console(self, message: ConsoleMessage) -> None:
        # an answer with a status of 400 and more is the test's own business
        # a request that another one replaces, or that the reader leaves behind, ends as it should
        expected = ("Failed to load resource", "htmx:afterRequest", "htmx:sendAbort")
        if message.type == "error" and not message.text.startswith(expected):
            self.faults.append(message.text)

    def note_error(self, error: Error) -> None:
        # images that were still being fetched ahead when the reader went to another page
        if error.message != "Failed to fetch":
            self.faults.append(str(error))


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """`visit(site, "/path", theme="dark", size=(390, 844))`: a page in a browser of its own.

    When the test ends, no such page may have asked another host, or have had an error of script or policy.
    """
    opened: list[tuple[BrowserContext, Watched]] = []

    def open_page(
        site: Site, path: str = "/", *, theme: str = "light", size: tuple[int, int] = (1440, 900), locale: str = "en"
    ) -> Page:
        context = chromium.new_context(
            color_scheme=theme, viewport={"width": size[0], "height": size[1]}, locale=locale, reduced_motion="reduce"
        )
        context.set_default_timeout(WAIT_MS)
        watched = Watched(urlsplit(site.address).netloc)
        opened.append((context, watched))
        page = context.new_page()
        page.on("request", watched.note_request)
        page.on("console", watched.note_console)
        page.on("pageerror", watched.note_error)
        page.goto(site.address + path)
        return page

    yield open_page
    for context, _ in opened:
        context.close()
    assert [fault for _, watched in opened for fault in watched.faults] == []


@pytest.fixture
def check_accessibility() -> Callable[[Page], None]:
    """`check_accessibility(page)`: axe-core finds no violation of WCAG 2.2 A and AA, or of its best practices."""

    def check(page: Page) -> None:
        # the page's policy allows no script of others: axe is put in by the debugger
        page.context.new_cdp_session(page).send("Runtime.evaluate", {"expression": AXE.read_text("utf-8")})
        result = page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
        found = [(item["id"], item["help"], [node["html"][:200] for node in item["nodes"]]) for item in result]
        assert found == []

    return check
