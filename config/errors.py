"""Every error that crosses a module's border says what is to be done about it.

CoronodeError
|-- ConfigurationError   the administrator corrects the configuration (exit status 2)
|-- Rejected             the sender is told: the object was not taken, and why
|-- Transient            worth another attempt later: network, busy peer, full disk
|-- Permanent            no further attempt helps: a dead letter for an operator
`-- NotScorable          the series is kept and gets a reason instead of a number
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

Scalar = str | int | float | bool
Value = Scalar | tuple[Scalar, ...]
"""A value that explains a verdict, as plain as JSON."""


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
    """A series that gets no score: a stable code, and the values that explain it.

    Where one code has several explanations, the value `variant` says which. The catalogue of the reports turns code and
    values into a sentence; an anatomy engine of another maker may bring its own sentence as the value `text`. As a
    string it is a line for the log.
    """

    def __init__(self, code: str, /, **values: Value) -> None:
        super().__init__(code)
        self.code = code
        self.values: Mapping[str, Value] = values

    def __str__(self) -> str:
        return " ".join((self.code, *(f"{name}={value}" for name, value in self.values.items())))

    def __reduce__(self) -> tuple[Callable[..., NotScorable], tuple[str, Mapping[str, Value]]]:
        # keyword arguments are not in `args`, by which exceptions are pickled
        return _rebuild_not_scorable, (self.code, self.values)


def _rebuild_not_scorable(code: str, values: Mapping[str, Value]) -> NotScorable:
    return NotScorable(code, **values)
