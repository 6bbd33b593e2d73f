"""How far a retrieval has come: the counts of its sub-operations and the final status they mean (PS3.4 C.4.2.3.1)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from dicom import status
from scp.network.command import SubOperations

_PENDING_SECONDS: Final = 0.5

Kind = Literal["completed", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a sub-operation ended; `reason` says why it failed, in words for the requestor.

    One that is unsure has failed because its association ended: nobody knows whether the object arrived.
    """

    kind: Kind
    reason: str = ""
    is_unsure: bool = False


class Progress:
    """Counts the sub-operations of a retrieval of `total` objects. `clock` is monotonic seconds."""

    def __init__(self, total: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.total: Final = total
        self.completed = self.warning = self.failed = 0
        self.failed_uids: list[str] = []
        self.reason = ""
        self.is_cancelled = False
        self._clock = clock
        self._reported = -math.inf

    @property
    def remaining(self) -> int:
        """How many sub-operations have not been tried."""
        return self.total - self.completed - self.warning - self.failed

    def note(self, sop_instance_uid: str, outcome: Outcome) -> None:
        """Count a sub-operation; the reason of the first failure is kept."""
        if outcome.kind == "completed":
            self.completed += 1
        elif outcome.kind == "warning":
            self.warning += 1
        else:
            self.failed += 1
            self.failed_uids.append(sop_instance_uid)
            self.reason = self.reason or outcome.reason

    def fail_rest(self, reason: str) -> int:
        """Count the objects that are left, and that nobody can name any more, as failed; return their number."""
        left = self.remaining
        if left:
            self.failed += left
            self.reason = self.reason or reason
        return left

    def is_due(self) -> bool:
        """Return whether the requestor should be told the counts now: at once, then twice a second."""
        now = self._clock()
        if now - self._reported < _PENDING_SECONDS:
            return False
        self._reported = now
        return True

    def count(self, *, final: bool) -> SubOperations:
        """Return the counts; those of a final response have no remaining ones unless it was cancelled (C.4.2.1.6)."""
        remaining = self.remaining if self.is_cancelled or not final else None
        return SubOperations(remaining, self.completed, self.failed, self.warning)

    def decide(self) -> int:
        """Decide the final status (PS3.4 C.4.2.3.1, C.4.3.3.1)."""
        if self.is_cancelled:
            return status.CANCELLED
        if self.failed and self.failed == self.total:
            return status.CANNOT_PERFORM_SUB_OPERATIONS
        return status.WARNING if self.failed or self.warning else status.SUCCESS
