"""Work that is looked at again and again: one thread, one look every so many seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from config.errors import Transient
from scp.trouble import Trouble

log = structlog.get_logger(__name__)


class Rounds:
    """Calls `look` every `seconds` in a thread of its own, from `start` to `stop`; `at_once`, or first after them.

    A look that fails is followed by the next. One that is Transient is logged with the words of `failed` when that
    begins and with those of `again` when it ends, any other each time, with a trace.
    """

    def __init__(
        self, name: str, look: Callable[[], None], seconds: float, *, failed: str, again: str, at_once: bool = True
    ) -> None:
        self._look = look
        self._seconds = seconds
        self._failed = failed
        self._trouble = Trouble(failed, again)
        self._at_once = at_once
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def has_begun(self) -> bool:
        """Whether `start` was called."""
        return self._thread.ident is not None

    @property
    def is_stopping(self) -> bool:
        """Whether `stop` was called: a look that lasts ends where it can."""
        return self._stopped.is_set()

    def start(self) -> None:
        """Begin, unless that was done."""
        if not self.has_begun:
            self._thread.start()

    def stop(self, seconds: float | None = None) -> None:
        """End, and wait for the look that is under way, at most so long."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        pause = 0.0 if self._at_once else self._seconds
        while not self._stopped.wait(pause):
            pause = self._seconds
            try:
                self._look()
            except Transient as error:
                self._trouble.note(error)
            except Exception:  # the edge of the thread: the next look may succeed
                log.exception(self._failed)
            else:
                self._trouble.end()
