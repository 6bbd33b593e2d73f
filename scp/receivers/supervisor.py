"""The receiver processes of the node, all together."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, Self

from config.settings import Settings
from scp import metrics
from scp.counting import sum_counters
from scp.installation import Installation
from scp.receivers.supervised import Supervised
from scp.reception.seats import Seats
from scp.reception.server import Ports
from scp.reception.watch import Holder
from scp.services.retrieve.slots import Slots

_START_SECONDS: Final = 60.0


class Receivers:
    """`count` processes that receive on `ports` from `start` to `stop`.

    `received` is told of each series and the association that brought its objects, `announced` of each series of which
    something was announced.
    """

    def __init__(
        self,
        installation: Installation,
        count: int,
        *,
        received: Callable[[str, Holder | None], None],
        announced: Callable[[str], None],
    ) -> None:
        node = installation.settings.node
        self._seats = Seats(node.max_associations, node.max_associations_per_peer)
        slots = Slots(node.max_moves, node.max_moves_per_destination)
        self._all = [
            Supervised(number, installation, self._seats, slots, received, announced) for number in range(1, count + 1)
        ]

    @classmethod
    def from_settings(
        cls,
        installation: Installation,
        *,
        received: Callable[[str, Holder | None], None],
        announced: Callable[[str], None],
    ) -> Self | None:
        """Make the configured number; None where the node itself receives."""
        count = installation.settings.node.receivers or os.cpu_count() or 1
        return None if count == 1 else cls(installation, count, received=received, announced=announced)

    def start(self, ports: Ports) -> None:
        """Start all, and return once each serves, or could not within a minute."""
        for receiver in self._all:
            receiver.start(ports)
        for receiver in self._all:
            receiver.is_ready.wait(_START_SECONDS)
        metrics.ASSOCIATIONS.set_function(self._seats.count)

    def adopt(self, settings: Settings) -> None:
        """Let all go on by another configuration; their number stays."""
        self._seats.adopt(settings.node.max_associations, settings.node.max_associations_per_peer)
        for receiver in self._all:
            receiver.adopt(settings)

    def stop(self) -> None:
        """Let each end what it is about, abort open associations, and wait."""
        for receiver in self._all:
            receiver.tell_to_stop()
        for receiver in self._all:
            receiver.join()

    def render_metrics(self) -> bytes:
        """Return the metrics of the node with the counters of every receiver, those that have ended included."""
        text = metrics.render()
        for receiver in self._all:
            for counters in receiver.ask_counters():
                text = sum_counters(text, counters)
        return text
