"""What a receiver process and its node tell each other, through one pipe.

The node decides what is one for all receivers, the seats of associations, the slots of moves and the completion of
series, and asks each for its counters. Associations and moves are numbered by their receiver.
"""

from __future__ import annotations

from dataclasses import dataclass

from config.settings import Settings
from scp.reception.seats import Refusal


@dataclass(frozen=True, slots=True)
class SeatWanted:
    """Receiver to node: an association of a peer wants a seat."""

    association: int
    peer: str


@dataclass(frozen=True, slots=True)
class SeatAnswered:
    """Node to receiver: it has one, or which limit is reached."""

    association: int
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class MoveWanted:
    """Receiver to node: a move to the AE title `destination` wants a slot."""

    move: int
    destination: str


@dataclass(frozen=True, slots=True)
class MoveAnswered:
    """Node to receiver: it has one, or none is free."""

    move: int
    is_free: bool


@dataclass(frozen=True, slots=True)
class MoveEnded:
    """Receiver to node: its slot is free again."""

    move: int


@dataclass(frozen=True, slots=True)
class News:
    """Receiver to node: what came since the last report.

    `instances` are series of which objects came, each with the association (None without one); `announced` those of
    which something was announced; `ended` the associations that have ended.
    """

    instances: tuple[tuple[str, int | None], ...] = ()
    announced: tuple[str, ...] = ()
    ended: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Ready:
    """Receiver to node: it serves."""


@dataclass(frozen=True, slots=True)
class CountersWanted:
    """Node to receiver: send your counters; the answer repeats the number."""

    number: int


@dataclass(frozen=True, slots=True)
class Counters:
    """Receiver to node: its metrics in the text format of Prometheus."""

    number: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Stop:
    """Node to receiver: end in order."""


@dataclass(frozen=True, slots=True)
class Adopt:
    """Node to receiver: go on by this configuration."""

    settings: Settings
