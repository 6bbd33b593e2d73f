"""A reader at work in a browser: from signing in to the amended report in the PACS, with keys and with a mouse."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from copy import deepcopy
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect
from pydicom import Dataset
from pydicom.uid import generate_uid

from scoring.result import ARTERIES, Score
from scp.installation import utc_now
from scp.node import Node
from scp.web.accounts.administration import Administration
from scp.web.accounts.passwords import Hasher
from storage.database import audit
from storage.series import results, states
from storage.series.states import State

WAIT_MS = 60_000
pytestmark = [pytest.mark.component, pytest.mark.peer]

PHONE = (390, 844)
PASSWORD = "four words make it long"
MISSED = (14, 120, 56)
"""Slice from the feet, row and column of calcium in the muscle of the back, where no coronary artery is."""


def put_calcium(images: Sequence[Dataset], place: tuple[int, int, int]) -> list[Dataset]:
    """The same scan under UIDs of its own, with 2 x 2 pixels of 400 HU at a place."""
    study, series = generate_uid(), generate_uid()
    copies = sorted((deepcopy(image) for image in images), key=lambda image: image.ImagePositionPatient[2])
    for image in copies:
        image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID = study, series, generate_uid()
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    slice_, row, column = place
    image = copies[slice_]
    pixels = image.pixel_array.copy()
    pixels[row : row + 2, column : column + 2] = 400 - int(image.RescaleIntercept)
    image.PixelData = pixels.tobytes()
    return copies


@dataclass
class Address:
    """Where a node has its pages."""

    address: str


def can_connect(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def apart(inner: AbstractContextManager[Node]) -> Iterator[Node]:
    """Enter and leave in a thread of its own: this one has the browser's event loop, which a node refuses."""
    with ThreadPoolExecutor(1) as thread:
        entered = thread.submit(inner.__enter__).result()
        try:
            yield entered
        finally:
            thread.submit(inner.__exit__, None, None, None).result()


@dataclass
class Reader:
    """Somebody who works with keys alone, and reads what the page says."""

    page: Page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def told(self, words: str) -> str:
        """Wait until the page says something, and return it whole."""
        announcer = self.page.locator("#announcer")
        expect(announcer).to_have_text(re.compile(words), timeout=WAIT_MS)
        return announcer.inner_text()

    def open(self) -> None:
        self.page.locator("#review[data-ready=yes]").wait_for()

    def sign_in(self, name: str) -> None:
        self.page.locator("#name").wait_for()
        self.press("Tab") if self.page.evaluate("document.activeElement.id") != "name" else None
        self.page.keyboard.type(name)
        self.press("Tab")
        self.page.keyboard.type(PASSWORD)
        self.press("Enter")

    def choose(self, artery: str) -> str:
        """Go to the next lesion of an artery, and return its ID."""
        for _ in range(20):
            self.press("j")
            told = self.page.locator("#announcer").inner_text()
            if told.startswith(f"{artery}, ") and " counted" in told:
                return str(self.page.locator("[role=option][aria-selected=true]").get_attribute("data-lesion"))
        raise AssertionError(f"no lesion in {artery}")

    def go_to(self, place: tuple[int, int, int]) -> None:
        """Leaf to a slice and move the cross to a row and column of it."""
        slice_, row, column = place
        self.press("End", *["ArrowUp"] * slice_)
        self.press("Shift+ArrowUp")
        now = [int(text) for text in re.findall(r"\d+", self.told(r"^Row"))[:2]]
        for wanted, here, back, on in ((row, now[0], "Up", "Down"), (column, now[1], "Left", "Right")):
            tens, ones = divmod(abs(wanted - here), 10)
            key = f"Arrow{on if wanted > here else back}"
            self.press(*[f"Control+{key}"] * tens, *[f"Shift+{key}"] * ones)
        self.told(rf"^Row {row}, column {column}:")


def find_total(page: Page) -> float:
    return float(page.locator("#total").inner_text())


def find_predecessors(document: Dataset) -> list[str]:
    return [
        item.ReferencedSOPInstanceUID
        for study in document.get("PredecessorDocumentsSequence", [])
        for series in study.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    ]


def find_numbers(document: Dataset) -> set[float]:
    """Every number of a structured report, with the digits that a person reads."""
    found = set()
    for item in document.get("ContentSequence", []):
        found |= {round(float(value.NumericValue), 2) for value in item.get("MeasuredValueSequence", [])}
        found |= find_numbers(item)
    return found


def add_readers(node: Node) -> None:
    desk = Administration(node.database, Hasher(), utc_now(), "test")
    desk.add("miller", "Miller, Anna", ("review",), PASSWORD)
    desk.add("jones", "Jones, Bert", ("review",), PASSWORD)


def check_second_reader(other: Reader) -> None:
    """Another reader sees who signed, and what was changed by whom."""
    other.sign_in("jones")
    other.open()
    assert "Miller, Anna" in other.page.locator("#status").inner_text()
    history = other.page.locator("#history li").all_inner_texts()
    assert len(history) == 3
    assert all("Miller, Anna" in line for line in history)


def test_a_review_by_keys_alone_reaches_the_pacs(
    small_series, pacs, configured, run_node, serving, scanner_of, port, eventually, visit
):
    images = put_calcium(small_series, MISSED)
    series = images[0].SeriesInstanceUID
    settings = configured({"PACS": pacs.port}, web={"port": port})
    with apart(run_node(settings)) as node, serving(settings):
        add_readers(node)
        scanner_of(node).send(images)
        eventually("a delivered report", lambda: states.get(node.database, series).state == State.DELIVERED)
        automatic = Score.from_json(results.get(node.database, series).score_json)

        site = Address(f"http://127.0.0.1:{port}")
        eventually("the pages", lambda: can_connect(port))
        reader = Reader(visit(site, "/"))
        reader.sign_in("miller")
        reader.page.locator("table a").first.wait_for()
        reader.page.goto(f"{site.address}/review/{series}")
        reader.open()
        assert "not yet reviewed" in reader.page.locator("#status").inner_text()

        rejected = reader.choose("LCX")
        reader.press("r")
        reader.told("rejected")
        moved = reader.choose("LAD")
        reader.press("4")
        reader.told("RCA")
        reader.go_to(MISSED)
        reader.press("n")
        reader.page.locator("#artery-dialog[open]").wait_for()
        reader.press("1")
        reader.told("Total")
        assert reader.page.locator("[role=option][aria-selected=true]").get_attribute("data-lesion") == "A3"
        total = find_total(reader.page)

        reader.press("Control+Enter")
        reader.page.locator("#sign-dialog[open]").wait_for()
        assert "You sign as Miller, Anna" in reader.page.locator("#sign-dialog").inner_text()
        reader.press("Enter")
        reader.told("Signed")

        eventually("the amended report", lambda: len(pacs.received) == 2)
        signed = Score.from_json(results.get(node.database, series).score_json)
        first, second = pacs.received
        assert find_predecessors(second) == [first.SOPInstanceUID]
        assert (second.VerificationFlag, second.CompletionFlag) == ("VERIFIED", "COMPLETE")
        values = {round(signed.agatston.of(artery), 2) for artery in ARTERIES} | {round(signed.agatston.total, 2)}
        assert values <= find_numbers(second)
        assert not values <= find_numbers(first)
        assert round(signed.agatston.total, 1) == total != round(automatic.agatston.total, 1)
        old = {str(lesion.id): lesion for lesion in automatic.lesions}
        assert pytest.approx(automatic.agatston.RCA + old[moved].agatston) == signed.agatston.RCA
        assert pytest.approx(automatic.agatston.LCX - old[rejected].agatston) == signed.agatston.LCX
        assert (signed.review.rejected, signed.review.moved, signed.review.added) == (1, 1, 1)
        assert {event.person for event in audit.list_events(node.database, kind="signed")} == {"miller"}

        check_second_reader(Reader(visit(site, f"/review/{series}")))


@pytest.fixture
def scored(web, receive_scan, serve):
    """A server with one scored patient, and the patient's series."""
    series = receive_scan(web.services)
    return serve(web.services), series


@pytest.mark.parametrize(("theme", "size", "locale"), [("light", (1440, 900), "en"), ("dark", PHONE, "de")])
def test_the_page_and_its_dialogs_are_accessible_and_fit_the_screen(
    scored, visit, check_accessibility, theme, size, locale
):
    site, series = scored
    page = visit(site, f"/review/{series}", theme=theme, size=size, locale=locale)
    reader = Reader(page)
    reader.open()
    check_accessibility(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    for key, dialog in (("n", "artery"), ("?", "help"), ("Control+Enter", "sign")):
        reader.press(key)
        page.locator(f"#{dialog}-dialog[open]").wait_for()
        check_accessibility(page)
        reader.press("Escape")
        page.locator(f"#{dialog}-dialog[open]").wait_for(state="hidden")


def test_a_click_on_a_lesion_chooses_it_and_its_outline_has_the_colour_of_its_artery(scored, visit, scan):
    site, series = scored
    page = visit(site, f"/review/{series}")
    Reader(page).open()
    page.locator("[role=option]", has_text="LAD").first.click()
    page.locator("#announcer", has_text=re.compile("^LAD")).wait_for(state="attached")
    chosen = page.locator("[aria-selected=true]").get_attribute("data-lesion")
    # the cross is at the lesion: its middle is looked at, then another is chosen, then it is clicked
    page.keyboard.press("c")
    found = page.evaluate(
        """() => {
            const overlay = document.querySelector("#pane .pane-overlay");
            const pixels = overlay.getContext("2d").getImageData(0, 0, overlay.width, overlay.height).data;
            for (let i = 0; i < pixels.length; i += 4)
                if (pixels[i] === 0xf0 && pixels[i + 1] === 0x60 && pixels[i + 2] === 0x30) return true;
            return false;
        }"""
    )
    assert found
    page.keyboard.press("Tab")
    page.locator(f"[role=option]:not([data-lesion='{chosen}'])").last.click()
    page.locator(f"[data-lesion='{chosen}']").click()
    box = page.locator("#pane").bounding_box()
    page.keyboard.press("c")
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_timeout(0)
    assert page.locator("[aria-selected=true]").get_attribute("data-lesion") == chosen


def test_dragging_changes_the_window_and_the_wheel_the_slice(scored, visit):
    site, series = scored
    page = visit(site, f"/review/{series}")
    Reader(page).open()
    words = page.locator("#pane .pane-words")
    assert "Window 800, centre 200" in words.inner_text()
    before = page.locator("#slider").input_value()
    box = page.locator("#pane").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 50, y + 20, steps=3)
    page.mouse.up()
    assert "Window 900, centre 240" in words.inner_text()
    page.mouse.wheel(0, 100)
    page.wait_for_function(f"document.getElementById('slider').value !== '{before}'")
    page.keyboard.press("0")
    page.locator("#pane .pane-words", has_text="Window 800, centre 200").wait_for()


def test_somebody_elses_edit_is_shown_and_not_overwritten(scored, visit):
    site, series = scored
    one, other = (Reader(visit(site, f"/review/{series}")) for _ in range(2))
    for reader in (one, other):
        reader.open()
    one.choose("RCA")
    one.press("r")
    one.told("rejected")
    total = find_total(one.page)
    other.choose("LM")
    other.press("r")
    other.page.locator("#message[data-kind=bad]").wait_for()
    assert find_total(other.page) == total
    assert other.page.locator("#history li").count() == 1
    other.press("u")
    other.told("Undone")
