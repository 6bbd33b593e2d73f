"""Reading the configuration again while the node runs: all of it is taken up, or nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import structlog

from config.changes import list_changes, needs_start
from config.errors import CoronodeError
from config.settings import Settings

log = structlog.get_logger(__name__)

Kind = Literal["changed", "same", "refused"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a reading ended, in words for the administrator, and the keys that changed."""

    kind: Kind
    words: str
    keys: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as a control socket answers."""
        return {"kind": self.kind, "words": self.words, "keys": list(self.keys)}


class Reloading:
    """Reads the configuration again when it is called, once at a time; thread-safe.

    `read` reads it, `check` looks at the files that it names, `adopt` hands it to the parts of the node; all three
    raise an error of ours when that cannot be done, and the configuration in force stays. `note` is told which keys
    have changed.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        read: Callable[[], Settings],
        check: Callable[[Settings], None],
        adopt: Callable[[Settings], None],
        note: Callable[[str], None] = lambda _keys: None,
    ) -> None:
        self._settings = settings
        self._read = read
        self._check = check
        self._adopt = adopt
        self._note = note
        self._lock = threading.Lock()

    def __call__(self) -> Outcome:
        """Read and take up what has changed, and log how that went."""
        with self._lock:
            try:
                outcome = self._reload()
            except CoronodeError as error:
                outcome = Outcome("refused", f"{error}; the configuration in force stays")
        if outcome.kind == "refused":
            log.error("configuration not reloaded", reason=outcome.words, keys=list(outcome.keys))
        else:
            log.info("configuration reloaded", changed=list(outcome.keys))
        return outcome

    def compare(self) -> Outcome:
        """Read, and say what a call would take up or refuse; nothing is changed."""
        with self._lock:
            try:
                return self._judge(self._read())
            except CoronodeError as error:
                return Outcome("refused", str(error))

    def _reload(self) -> Outcome:
        settings = self._read()
        outcome = self._judge(settings)
        if outcome.kind == "refused":
            return outcome
        self._check(settings)
        # also where nothing has changed: the files that it names may have
        self._adopt(settings)
        self._settings = settings
        if outcome.keys:
            try:
                self._note(", ".join(outcome.keys))
            except CoronodeError as error:
                log.warning("the change is not in the audit log", reason=str(error))
        return outcome

    def _judge(self, settings: Settings) -> Outcome:
        keys = tuple(list_changes(self._settings, settings))
        waiting = [key for key in keys if needs_start(key)]
        if waiting:
            words = f"{', '.join(waiting)}: changes at the next start of the node alone; restart it, or change it back"
            return Outcome("refused", f"{words}; the configuration in force stays, all of it", keys)
        if not keys:
            return Outcome("same", "nothing has changed")
        return Outcome("changed", f"changed: {', '.join(keys)}", keys)
