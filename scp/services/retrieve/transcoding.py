"""The process in which objects are encoded anew: a decoder that crashes, hangs or grows there harms one object."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from config.errors import Permanent, Transient
from scp.memory import limited_memory

_CONTEXT: Final = multiprocessing.get_context("spawn")
_SECONDS: Final = 120.0
_MEMORY_MB: Final = 4096

Serve = Callable[[Connection], None]


class Transcoder:
    """One process that encodes objects, one at a time; it runs while somebody is `using` it. Thread-safe."""

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
        with self._asking:
            try:
                answer = self._ask((source, syntax, target))
            except (EOFError, OSError) as error:
                self._end()
                raise Permanent("cannot be decoded: the decoder crashed") from error
        if answer:
            raise Permanent(f"cannot be decoded: {answer}")

    def _ask(self, request: tuple[Path, str, Path]) -> str:
        if self._process is None:
            ours, theirs = _CONTEXT.Pipe()
            process = _CONTEXT.Process(target=self._serve, args=(theirs,), name="coronode-transcoder", daemon=True)
            process.start()
            theirs.close()
            self._process = process, ours
        pipe = self._process[1]
        pipe.send(request)
        if not pipe.poll(self._seconds):
            self._end()
            raise Transient(f"was not decoded within {self._seconds:g} s")
        return str(pipe.recv())

    def _end(self) -> None:
        ended, self._process = self._process, None
        if ended is not None:
            process, pipe = ended
            pipe.close()
            process.kill()
            process.join()
            process.close()


def _serve(pipe: Connection) -> None:
    """Answer requests until the parent closes the pipe or dies, each with why it failed or nothing."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the node, which ends this process
    with limited_memory(_MEMORY_MB), suppress(EOFError, OSError):
        while True:
            pipe.send(_answer(*pipe.recv()))


def _answer(source: Path, syntax: str, target: Path) -> str:
    # the heavy imports belong to this process alone
    from dicom.process import configure_process  # noqa: PLC0415
    from scp.services.retrieve.encoding import NotEncodable, encode  # noqa: PLC0415

    configure_process()
    try:
        encode(source, syntax, target)
    except NotEncodable as error:
        return str(error)
    except MemoryError:
        return "it needs too much memory"
    except OSError as error:
        return error.strerror or "the disk fails"
    except Exception as error:  # noqa: BLE001  # decoders raise all kinds; their words may repeat the header's values
        return f"the decoder failed ({type(error).__name__})"
    return ""
