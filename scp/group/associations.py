"""The open associations of this process, as facts for the other members: a series is held open while one brings it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from config.errors import Transient
from scp.trouble import Trouble
from storage.database.engine import Database
from storage.group import associations


class Open(Protocol):
    """An association."""

    def is_alive(self) -> bool:
        """Return whether it is still open."""
        ...


@dataclass(slots=True)
class _Entry:
    association: Open
    name: str
    series: set[str] = field(default_factory=set)


class OpenAssociations:
    """Enters each association with each series that it brings, and removes it when it has ended; thread-safe.

    `owner` returns the member of the group that this process is.
    """

    def __init__(self, database: Database, owner: Callable[[], str]) -> None:
        self._database = database
        self._owner = owner
        self._entered_as = ""
        self._entries: dict[int, _Entry] = {}
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._trouble = Trouble("an open association is not noted", "open associations are noted again")

    def note(self, series_instance_uid: str, association: Open | None) -> None:
        """Note that an association has brought an object of a series; only the first one of each costs anything.

        That the database does not take it is no fault of the object: the next one of the series tries again.
        """
        if association is None:
            return
        with self._lock:
            entry = self._entries.get(id(association))
            if entry is None:
                entry = self._entries[id(association)] = _Entry(association, str(next(self._numbers)))
            if series_instance_uid in entry.series:
                return
            try:
                associations.enter(self._database, self._owner(), entry.name, series_instance_uid)
            except Transient as error:
                self._trouble.note(error, series=series_instance_uid)
                return
            self._trouble.end()
            entry.series.add(series_instance_uid)

    def look(self) -> None:
        """Remove what has ended; enter the rest anew if this process has become another member. Raises Transient."""
        with self._lock:
            owner = self._owner()
            ended = [key for key, entry in self._entries.items() if not entry.association.is_alive()]
            if ended:
                associations.close(self._database, owner, [self._entries[key].name for key in ended])
                for key in ended:
                    del self._entries[key]
            if owner != self._entered_as:
                self._enter_again(owner)

    def _enter_again(self, owner: str) -> None:
        if self._entered_as:
            for entry in self._entries.values():
                for series_instance_uid in sorted(entry.series):
                    associations.enter(self._database, owner, entry.name, series_instance_uid)
        self._entered_as = owner
