"""Every error that crosses a module's border says what is to be done about it.

CoronodeError
|-- ConfigurationError   the administrator mends the configuration (exit status 2)
|-- Rejected             the sender is told: the object was not taken, and why
|-- Transient            worth another try later: network, busy peer, full disk
|-- Permanent            no further try helps: a dead letter for an operator
`-- NotScorable          the series is kept and gets a reason instead of a number
"""

from __future__ import annotations


class CoronodeError(Exception):
    """Base of the project's errors; the text is one sentence for the person who can act."""


class ConfigurationError(CoronodeError):
    """The configuration cannot be used; the text names file, key, value and what is allowed."""


class Rejected(CoronodeError):
    """An object that is not taken: `status` is the DIMSE status (PS3.7 C) that tells the sender."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class Transient(CoronodeError):
    """A failure that may pass: try again later."""


class Permanent(CoronodeError):
    """A failure that will not pass by itself."""


class NotScorable(CoronodeError):
    """A series that gets no score. `code` is stable for machines, the text is for an operator."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return self.reason
