"""SOP Class Extended Negotiation (PS3.7 D.3.3.5): what a service supports, and its answers to what is offered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scp.network.user_information import ExtendedNegotiation


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a class, a sub-field of one byte each: 1 is supported (PS3.4 C.5.1.1, C.5.2.1, C.5.3.1).

    Each is accepted or turned down as it is offered; what was not offered is not answered.
    """

    supported: bytes

    def answer(self, offered: bytes) -> bytes:
        """Answer the Service-class-application-information of a request."""
        return bytes(int(wanted == ours == 1) for wanted, ours in zip(offered, self.supported, strict=False))


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What we are, whatever the requestor says of itself (PS3.4 B.3.1.2)."""

    information: bytes

    def answer(self, offered: bytes) -> bytes:  # noqa: ARG002  # states, does not negotiate
        """Answer the Service-class-application-information of a request."""
        return self.information


ExtendedSupport = Options | Capabilities


def answer_extended(
    offered: Iterable[ExtendedNegotiation], supported: Mapping[str, ExtendedSupport | None]
) -> dict[str, bytes]:
    """Answer the first item of each class that has something to answer; what we do not know is not answered."""
    answers: dict[str, bytes] = {}
    for item in offered:
        ours = supported.get(item.sop_class_uid)
        if ours is None or item.sop_class_uid in answers:
            continue
        if answer := ours.answer(item.information):
            answers[item.sop_class_uid] = answer
    return answers
