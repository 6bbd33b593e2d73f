"""The web process, seen from the node: started, asked after, started again when it ends."""

from __future__ import annotations

import multiprocessing
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Final

import structlog

from config.settings import Settings
from scp.child_process import FIRST_PAUSE, LONGEST_PAUSE, await_end
from scp.web.link import Answers, Asked, Failed

log = structlog.get_logger(__name__)

_CONTEXT: Final = multiprocessing.get_context("spawn")
_ENDING_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.5


class WebProcess:
    """Runs the web server in a process of its own from `start` to `stop`, unless `web.port` is 0.

    `answers` are what the node says about itself. The process ends with the node, however that ends.
    """

    def __init__(self, settings: Settings, answers: Answers) -> None:
        self._settings = settings
        self._news: Connection | None = None
        self._changing = threading.Lock()
        self._renew = threading.Event()
        self._answers = answers
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Start it; a port that is in use is logged, and tried again."""
        if self._settings.web.port:
            self._thread.start()

    def adopt(self, settings: Settings) -> None:
        """Go on by another configuration; where the section [web] has changed, in another process."""
        with self._changing:
            is_other = settings.web != self._settings.web
            self._settings = settings
            if is_other:
                self._renew.set()
            elif self._news is not None:
                with suppress(OSError):  # one that has ended is started again with these settings
                    self._news.send(settings)

    def stop(self) -> None:
        """End it and wait for its end."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stop.is_set():
            reason = self._attend()
            if self._stop.is_set():
                return
            if self._renew.is_set():
                continue
            log.warning(
                "no web pages for now", host=self._settings.web.host, port=self._settings.web.port, reason=reason
            )
            self._stop.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _attend(self) -> str:
        """Run one process until it ends, and return why it did."""
        ours, theirs = _CONTEXT.Pipe()
        heard, news = _CONTEXT.Pipe(duplex=False)
        with self._changing:
            self._renew.clear()
            arguments = (theirs, heard, self._settings)
            process = _CONTEXT.Process(target=_serve, args=arguments, name="coronode-web", daemon=True)
            process.start()
            self._news = news
        theirs.close()
        heard.close()
        try:
            return self._answer_all(ours)
        finally:
            process.terminate()
            await_end(process, _ENDING_SECONDS)
            ours.close()
            with self._changing:
                self._news = None
            news.close()

    def _answer_all(self, pipe: Connection) -> str:
        """Answer until the process ends or is to end; return why it ended."""
        reason = "the process has ended"
        while not self._stop.is_set():
            if self._renew.is_set():
                return "its settings have changed"
            try:
                if not pipe.poll(_LOOK_SECONDS):
                    continue
                said: Asked | Failed = pipe.recv()
                if isinstance(said, Failed):
                    reason = said.reason
                else:
                    pipe.send((said.number, self._answers[said.question]()))
            except (EOFError, OSError):
                return reason
        return "stopped"


def _serve(pipe: Connection, news: Connection, settings: Settings) -> None:
    from scp.web import serving  # noqa: PLC0415  # the heavy imports belong to that process alone

    serving.serve(pipe, news, settings)
