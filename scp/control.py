"""How commands speak to the running node: a socket in its data folder, for its own user alone.

A signal would bring no answer, and a port would need a secret; who may enter the folder may do all of this anyway.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import structlog

from config.errors import CoronodeError, Transient
from scp.lock import DataLock

log = structlog.get_logger(__name__)

FILE_NAME: Final = "coronode.sock"
_LONGEST_QUESTION: Final = 64
_LONGEST_ANSWER: Final = 1024 * 1024
_CALLER_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 60.0
_BACKLOG: Final = 8

Answers = Mapping[str, Callable[[], Any]]
"""What the node answers, as JSON values, by the word that is asked."""


class ControlSocket:
    """Answers commands from `start` to `stop`, one after the other.

    A folder that takes no socket leaves the node without one; that is logged.
    """

    def __init__(self, folder: Path, answers: Answers) -> None:
        self._folder = folder
        self._answers = answers
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name="control", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        try:
            self._socket = self._bind()
        except OSError as error:
            reason = error.strerror or str(error)
            log.warning("commands cannot reach this node", folder=str(self._folder), reason=reason)
            return
        self._thread.start()

    def stop(self) -> None:
        """End, and remove the socket."""
        if self._socket is None:
            return
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(_CALLER_SECONDS)
        self._socket.close()
        (self._folder / FILE_NAME).unlink(missing_ok=True)

    def _bind(self) -> socket.socket:
        """Make the socket in the place of one that a killed node has left; the lock says that there is no other."""
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            (self._folder / FILE_NAME).unlink(missing_ok=True)
            with _short_path(self._folder) as path:
                listening.bind(path)
                Path(path).chmod(0o600)  # before it listens
            listening.listen(_BACKLOG)
        except OSError:
            listening.close()
            raise
        return listening

    def _run(self) -> None:
        while self._socket is not None:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            with caller, suppress(OSError):  # a caller that is gone gets no answer
                caller.settimeout(_CALLER_SECONDS)
                self._answer(caller)

    def _answer(self, caller: socket.socket) -> None:
        word = caller.recv(_LONGEST_QUESTION).decode("ascii", "replace").strip()
        answer = self._answers.get(word)
        try:
            said = {"error": f"this node knows no {word!r}"} if answer is None else answer()
        except Exception:  # the edge of the socket: the next command must find it
            log.exception("a command was not answered", word=word)
            said = {"error": "internal error, see the node's log"}
        caller.sendall(json.dumps(said).encode())


def ask(folder: Path, word: str) -> Any:
    """Ask the node that runs on a data folder, and return its answer.

    Raises CoronodeError when no node runs there, Transient when it does not answer.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            asking.settimeout(_ANSWER_SECONDS)
            with _short_path(folder) as path:
                asking.connect(path)
            asking.sendall(word.encode("ascii"))
            return json.loads(_read_all(asking))
    except TimeoutError as error:
        raise Transient(f"the node on {folder} did not answer within {_ANSWER_SECONDS:g} s") from error
    except PermissionError as error:
        raise CoronodeError(f"{folder}: belongs to another user; run this as the user of the node") from error
    except OSError as error:
        if DataLock(folder).is_held():
            raise CoronodeError(f"the node on {folder} cannot be asked: {error.strerror or error}") from error
        raise CoronodeError(
            f"no node runs on {folder} (node.data_dir); if it runs with another folder, restart it to change that"
        ) from error
    except ValueError as error:
        raise Transient(f"the node on {folder} ended before it had answered") from error


def _read_all(asking: socket.socket) -> bytes:
    said = b""
    while part := asking.recv(65536):
        said += part
        if len(said) > _LONGEST_ANSWER:
            raise Transient("the node's answer is too long")
    return said


@contextmanager
def _short_path(folder: Path) -> Iterator[str]:
    """Give a path of the socket that is short enough for an address, however deep the folder lies (unix(7))."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{FILE_NAME}"
    finally:
        os.close(descriptor)
