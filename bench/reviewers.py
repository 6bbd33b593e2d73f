"""Readers at work, as a program beside the node: each reviews a series of its own, with a pause after each click.

Run as a program it opens every review, prints `ready`, and works until its standard input ends; then it prints what it
did as JSON:

    python bench/reviewers.py http://127.0.0.1:8080 SERIES...

A click is a scroll of three slices, or an edit: a lesion is rejected and accepted again in turn.
"""

from __future__ import annotations

import itertools
import json
import re
import statistics
import sys
import threading
import time
from typing import Any, Final

import httpx2

THINK_SECONDS: Final = 1.0
_SCROLL: Final = 3
_FRAME: Final = 'multipart/related; type="application/octet-stream"'


class Reviewer(threading.Thread):
    """One reader: `edits` and `frames` hold the seconds that each answer took."""

    def __init__(self, address: str, series: str, ended: threading.Event) -> None:
        super().__init__(daemon=True)
        self._client = httpx2.Client(base_url=address, timeout=120)
        self._series = series
        self._ended = ended
        self.edits: list[float] = []
        self.frames: list[float] = []
        self.error = ""
        self._state: dict[str, Any] = {}
        self._images: list[str] = []

    def open(self) -> None:
        """Open the review, as the page does: a request that changes something carries its token."""
        page = self._client.get(f"/review/{self._series}").raise_for_status().text
        token = re.search(r'name="csrf-token" content="([^"]+)"', page)
        if token is not None:
            self._client.headers["X-CSRF-Token"] = token[1]
        answer = self._client.get(f"/api/reviews/{self._series}").raise_for_status()
        self._state = answer.json()
        study = self._state["series"]["study_instance_uid"]
        self._images = [
            f"/dicom-web/studies/{study}/series/{self._series}/instances/{image['sop_instance_uid']}/frames/1"
            for image in self._state["images"]
        ]

    def run(self) -> None:
        """Click until the end."""
        try:
            images = itertools.cycle(self._images)
            for turn in itertools.count():
                if self._ended.wait(THINK_SECONDS):
                    return
                if turn % 2:
                    self._edit()
                else:
                    self._scroll([next(images) for _ in range(_SCROLL)])
        except httpx2.HTTPError as error:
            self.error = str(error)

    def _scroll(self, images: list[str]) -> None:
        for image in images:
            began = time.monotonic()
            self._client.get(image, headers={"Accept": _FRAME}).raise_for_status()
            self.frames.append(time.monotonic() - began)

    def _edit(self) -> None:
        lesion = self._state["lesions"][0]
        edit = {"kind": "reject" if lesion["counted"] else "accept", "lesion": lesion["id"]}
        began = time.monotonic()
        body = {"revision": self._state["revision"], "edit": edit}
        answer = self._client.post(f"/api/reviews/{self._series}/edits", json=body).raise_for_status()
        self.edits.append(time.monotonic() - began)
        self._state = answer.json()


def main() -> None:
    """Work until standard input ends, and print what was done."""
    address, *series = sys.argv[1:]
    ended = threading.Event()
    reviewers = [Reviewer(address, uid, ended) for uid in series]
    for reviewer in reviewers:
        reviewer.open()
    for reviewer in reviewers:
        reviewer.start()
    print("ready", flush=True)
    sys.stdin.read()
    ended.set()
    for reviewer in reviewers:
        reviewer.join(150)
    edits = [seconds for reviewer in reviewers for seconds in reviewer.edits]
    frames = [seconds for reviewer in reviewers for seconds in reviewer.frames]
    outcome = {
        "edits": len(edits),
        "edit_seconds": statistics.median(edits) if edits else None,
        "frames": len(frames),
        "frame_seconds": statistics.median(frames) if frames else None,
        "errors": [reviewer.error for reviewer in reviewers if reviewer.error],
    }
    print(json.dumps(outcome))


if __name__ == "__main__":
    main()
