"""What the web process asks the node about itself, through a pipe between the two."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Final, Literal, Protocol

Question = Literal["metrics", "scorer"]
Answers = Mapping[Question, Callable[[], Any]]

_ANSWER_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A question; the answer repeats its number."""

    number: int
    question: Question


@dataclass(frozen=True, slots=True)
class Failed:
    """Why the web process cannot work, in words for the log."""

    reason: str


class NodeSilent(Exception):
    """The node did not answer."""


class Link(Protocol):
    """The way to the node."""

    def ask(self, question: Question) -> Any:
        """Return the node's answer: its metrics as bytes, or whether it can score. Raises NodeSilent."""
        ...


class NodeLink:
    """The web process's end of the pipe; thread-safe."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()
        self._number = 0

    def ask(self, question: Question) -> Any:
        """Return the node's answer. Raises NodeSilent."""
        with self._lock:
            self._number += 1
            try:
                self._pipe.send(Asked(self._number, question))
                while self._pipe.poll(_ANSWER_SECONDS):
                    number, answer = self._pipe.recv()
                    # an answer that came too late for its question is thrown away
                    if number == self._number:
                        return answer
            except (EOFError, OSError) as error:
                raise NodeSilent("the node has ended") from error
        raise NodeSilent(f"the node did not answer within {_ANSWER_SECONDS:g} s")


class NoNode:
    """The link where there is no node in front: a test, or a machine that serves pages alone."""

    def ask(self, question: Question) -> Any:
        """Raise NodeSilent."""
        raise NodeSilent(f"there is no node to ask for {question}")
