"""The rules of deletion in time, as values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

YOUNGEST: Final = timedelta(days=1)
"""What is younger is deleted by no rule, however full the disk is."""


class Kind(StrEnum):
    """What is deleted together, under one rule."""

    IMAGES = "images"
    """The objects of a series whose result is delivered; the result stays."""
    NOT_SCORABLE = "not_scorable"
    """The objects of a series without a result; the reason stays."""
    KEPT = "kept"
    """A series that others sent and that is never scored, with its rows."""
    DOCUMENTS = "documents"
    """A series of documents that this node made; the result that they were made of stays."""
    RESULTS = "results"
    """A series with its result, reviews, readings, documents and deliveries."""
    QUARANTINE = "quarantine"
    """Objects that contradict others."""
    REJECTED = "rejected"
    """Objects that a rejection note took out; the note counts for them on."""


class Hold(StrEnum):
    """Why a series is left alone although it is old enough."""

    UNFINISHED = "unfinished"
    """It is being received or scored, its result is not delivered everywhere, or a delivery of it is dead."""
    REVIEWED = "reviewed"
    """A reader has a review of it open."""
    HELD = "held"
    """Its result is held back."""
    UNCOMMITTED = "uncommitted"
    """A destination that is asked for Storage Commitment has not committed to a document."""
    PROMISED = "promised"
    """This node has committed to the storage of objects of it, or is about to answer a request for that."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How old what has to be; None: never deleted.

    `promised` is how long objects are kept from the time when a peer was told that they are; None: for ever.
    `committing` names the destinations that are asked for Storage Commitment; without `has_destinations` a scored
    series is as finished as a delivered one.
    """

    images: timedelta | None = None
    not_scorable: timedelta | None = None
    kept: timedelta | None = None
    documents: timedelta | None = None
    results: timedelta | None = None
    quarantine: timedelta | None = None
    rejected: timedelta | None = None
    promised: timedelta | None = None
    committing: tuple[str, ...] = ()
    has_destinations: bool = True

    def list_rules(self) -> Iterator[tuple[Kind, timedelta]]:
        """Yield the kinds that are deleted in time, with their age, the largest files first."""
        for kind in Kind:
            age: timedelta | None = getattr(self, kind)
            if age is not None:
                yield kind, max(age, YOUNGEST)
