"""A process that answers one request after another and ends with its parent.

It is a fresh interpreter (spawn), without the node's threads and locks.
"""

from __future__ import annotations

import errno
import functools
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Final, Protocol

from config.errors import CoronodeError, NotScorable, Transient, describe_fault, is_fault
from scoring.result import Score
from scp.memory import limited_memory
from scp.work.requests import Request, ScoreRequest

if TYPE_CHECKING:
    from scoring.judgement.calibration import Calibration

_CONTEXT: Final = multiprocessing.get_context("spawn")
_KILLED: Final = frozenset({-signal.SIGKILL, -signal.SIGTERM})
_ENDING_SECONDS: Final = 5  # from closing the pipe until the process has ended


class Died(Exception):
    """The process ended before it answered; `exit_code` is the negative number of a signal that ended it."""

    def __init__(self, exit_code: int | None) -> None:
        super().__init__(f"exit code {exit_code}")
        self.exit_code = exit_code

    @property
    def is_killed(self) -> bool:
        """Whether it was ended from outside: by a person, or by the system for want of memory."""
        return self.exit_code in _KILLED


class TookTooLong(Exception):
    """The process did not answer in time."""


@dataclass(frozen=True, slots=True)
class Failed:
    """An error that nobody foresaw: its words, and for the log where it arose and of what type it is.

    The trace has no words of the error, which may repeat a header's values.
    """

    words: str
    trace: str

    @classmethod
    def of(cls, error: Exception) -> Failed:
        """Describe an error."""
        where = traceback.format_tb(error.__traceback__)
        return cls(str(error) or "unexplained", "".join([*where, type(error).__name__]))


class Pipe(Protocol):
    """The worker's end of a pipe."""

    def recv(self) -> Any:
        """Wait for a request. Raises EOFError when the other end is closed."""
        ...

    def send(self, obj: Any) -> None:
        """Send an answer."""
        ...


class Worker(Protocol):
    """Answers requests, one at a time."""

    @property
    def is_alive(self) -> bool:
        """True while it can answer."""
        ...

    def ask(self, request: Request, timeout: float) -> Any:
        """Return the answer, or an error in its place. Raises Died or TookTooLong (`timeout` in seconds)."""
        ...

    def kill(self) -> None:
        """End it now, from any thread; a waiting `ask` raises Died."""
        ...

    def close(self) -> None:
        """End it and release its resources."""
        ...


class ProcessWorker:
    """A worker in its own process, started at once."""

    def __init__(self, serve: Callable[[Pipe], None]) -> None:
        self._pipe, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=serve, args=(theirs,), name="coronode-scorer", daemon=True)
        self._process.start()
        theirs.close()

    @property
    def is_alive(self) -> bool:
        """True while the process is running."""
        try:
            return self._process.is_alive()
        except ValueError:  # another thread has closed it
            return False

    def ask(self, request: Request, timeout: float) -> Any:
        """Return the answer, or an error in its place. Raises Died or TookTooLong (`timeout` in seconds)."""
        try:
            self._pipe.send(request)
            if not self._pipe.poll(timeout):
                raise TookTooLong
            return self._pipe.recv()
        except (EOFError, OSError) as error:
            self._process.join(_ENDING_SECONDS)
            raise Died(self._process.exitcode) from error

    def kill(self) -> None:
        """End the process now, from any thread; a waiting `ask` raises Died."""
        with suppress(ValueError):  # it is already closed
            self._process.kill()

    def close(self) -> None:
        """End the process and wait for its end."""
        self._pipe.close()
        self._process.kill()
        self._process.join()
        self._process.close()


def spawn(memory_mb: int | None = None) -> Worker:
    """Start a process that scores and makes documents, in at most so many MiB of memory."""
    return ProcessWorker(functools.partial(serve, memory_mb=memory_mb))


def serve(pipe: Pipe, *, memory_mb: int | None = None) -> None:
    """Answer requests, with an exception in place of a failed answer, until the parent closes the pipe or dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the node, which ends this process
    threading.Thread(target=_die_with_parent, daemon=True).start()
    with limited_memory(memory_mb), suppress(EOFError, OSError):
        handle = _load()
        while True:
            pipe.send(answer(handle, pipe.recv()))


def answer(handle: Callable[[Request], Any], request: Request) -> Any:
    """Return the answer, or what is sent to the parent in its place: an error of ours, or `Failed`."""
    try:
        return handle(request)
    except CoronodeError as error:
        return error
    except MemoryError:
        return NotScorable("out_of_memory")
    except Exception as error:  # noqa: BLE001  # the process's edge: the reason travels to the parent
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            return NotScorable("out_of_memory")
        if isinstance(error, OSError) and is_fault(error):
            return Transient(describe_fault(error))
        return Failed.of(error)


def _load() -> Callable[[Request], Any]:
    from dicom.process import configure_process  # noqa: PLC0415  # the heavy imports belong to this process alone
    from scoring import engine  # noqa: PLC0415
    from scoring.report import documents  # noqa: PLC0415

    configure_process()

    def handle(request: Request) -> Any:
        if isinstance(request, ScoreRequest):
            score = engine.score(
                request.files,
                request.scoring,
                request.selection,
                context=request.context,
                mask=request.mask,
                calibration=_read_calibration(request.calibration),
            )
            return score.to_json()
        score = Score.from_json(request.score)
        return documents.make(score, request.files, request.kinds, request.report, templates=request.templates)

    return handle


def _read_calibration(text: str | None) -> Calibration | None:
    """Read the site's own weights. Raises Transient: other weights in their place would be another measurement."""
    from scoring.judgement.calibration import Calibration  # noqa: PLC0415  # as in _load

    try:
        return None if text is None else Calibration.from_json(text)
    except ValueError as error:
        raise Transient(
            f"the adopted calibration cannot be read ({error}); adopt another one or revert it (coronode calibrate)"
        ) from error


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
