"""What is told of one association: what was answered on it, how it ended, and how long it lasted."""

from __future__ import annotations

import time
from collections import Counter

from scp.network.terms import Ended, Observer


class Record:
    """Kept from the connection on, for the observer; an end without a note was a release."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._began = time.monotonic()
        self._outcome = ("released", "")
        self._answers: Counter[tuple[int, int]] = Counter()

    def count_answer(self, command_field: int, status: int) -> None:
        """Count a final response by Command Field of the request and status."""
        self._answers[command_field, status] += 1

    def note(self, kind: str, words: str) -> None:
        """Note the kind of an end that was no release, and its reason in words."""
        self._observer.broken(kind)
        self._outcome = (kind, words)

    def tell_end(self, association: str, calling_ae: str, host: str, received_bytes: int, *, was_open: bool) -> None:
        """Tell how it ended; not of a port probe, which opens and closes, nor of a refusal, which is told already."""
        kind, words = self._outcome
        if was_open or kind not in ("released", "closed"):
            seconds = time.monotonic() - self._began
            self._observer.ended(
                Ended(association, calling_ae, host, kind, words, self._answers, received_bytes, seconds)
            )
