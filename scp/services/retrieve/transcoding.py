"""The process in which objects are encoded anew: a decoder that crashes, hangs or grows there harms one object."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, Protocol

from config.errors import Permanent, Transient
from scp.memory import limited_memory

_CONTEXT: Final = multiprocessing.get_context("spawn")
_SECONDS: Final = 120.0
_MEMORY_MB: Final = 4096

Serve = Callable[[Connection], None]


class Job(Protocol):
    """What the process is to do; it is pickled, and imports what it needs when it runs."""

    def run(self) -> bytes:
        """Do it, and return what is asked for. Whatever it raises, the object cannot be decoded."""
        ...


@dataclass(frozen=True, slots=True)
class Encoding:
    """Encode the data set of the file `source` in an uncompressed transfer syntax, into the file `target`."""

    source: Path
    syntax: str
    target: Path

    def run(self) -> bytes:
        """Write the file."""
        from scp.services.retrieve.encoding import encode  # noqa: PLC0415  # heavy, and for that process alone

        encode(self.source, self.syntax, self.target)
        return b""


@dataclass(frozen=True, slots=True)
class Done:
    """The answer to a job: why it failed, empty where it did not; else what it returned."""

    failure: str
    content: bytes = b""


class Transcoder:
    """One process that decodes objects, one at a time; it runs while somebody is `using` it. Thread-safe."""

    def __init__(self, *, seconds: float = _SECONDS, serve: Serve | None = None) -> None:
        self._seconds = seconds
        self._serve = serve or _serve
        self._asking = threading.Lock()
        self._counting = threading.Lock()
        self._users = 0
        self._process: tuple[multiprocessing.process.BaseProcess, Connection] | None = None

    @contextmanager
    def using(self) -> Iterator[None]:
        """Keep the process, once it was needed, until the end of the block."""
        with self._counting:
            self._users += 1
        try:
            yield
        finally:
            with self._counting:
                self._users -= 1
                if not self._users:  # so that nobody is asking
                    self._end()

    def encode(self, source: Path, syntax: str, target: Path) -> None:
        """Write the data set of a stored file to `target` in an uncompressed transfer syntax.

        Raises Permanent when the object cannot be encoded, Transient when that took too long.
        """
        self.perform(Encoding(source, syntax, target))

    def perform(self, job: Job) -> bytes:
        """Do a job there and return its result; raises as `encode` does."""
        with self._asking:
            try:
                done = self._ask(job)
            except (EOFError, OSError) as error:
                self._end()
                raise Permanent("cannot be decoded: the decoder crashed") from error
        if done.failure:
            raise Permanent(f"cannot be decoded: {done.failure}")
        return done.content

    def _ask(self, job: Job) -> Done:
        if self._process is None:
            ours, theirs = _CONTEXT.Pipe()
            process = _CONTEXT.Process(target=self._serve, args=(theirs,), name="coronode-transcoder", daemon=True)
            process.start()
            theirs.close()
            self._process = process, ours
        pipe = self._process[1]
        pipe.send(job)
        if not pipe.poll(self._seconds):
            self._end()
            raise Transient(f"was not decoded within {self._seconds:g} s")
        done: Done = pipe.recv()
        return done

    def _end(self) -> None:
        ended, self._process = self._process, None
        if ended is not None:
            process, pipe = ended
            pipe.close()
            process.kill()
            process.join()
            process.close()


def _serve(pipe: Connection) -> None:
    """Do jobs until the parent closes the pipe or dies."""
    from dicom.process import configure_process  # noqa: PLC0415  # heavy, and for this process alone

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the node, which ends this process
    configure_process()
    with limited_memory(_MEMORY_MB), suppress(EOFError, OSError):
        while True:
            pipe.send(_answer(pipe.recv()))


def _answer(job: Job) -> Done:
    from scp.services.retrieve.encoding import NotEncodable  # noqa: PLC0415

    try:
        return Done("", job.run())
    except NotEncodable as error:
        return Done(str(error))
    except MemoryError:
        return Done("it needs too much memory")
    except OSError as error:
        return Done(error.strerror or "the disk fails")
    except Exception as error:  # noqa: BLE001  # decoders raise all kinds; their words may repeat the header's values
        return Done(f"the decoder failed ({type(error).__name__})")
