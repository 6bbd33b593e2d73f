"""The errors that cross module boundaries; the class says who has to act.

CoronodeError
|-- ConfigurationError   the administrator corrects the configuration (exit status 2)
|-- Rejected             reported to the sender: the object was not accepted, and why
|-- Transient            retried later: network, busy peer, full disk
|-- Permanent            retrying cannot help: a dead letter for an operator
`-- NotScorable          the series is kept with a reason instead of a score
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from typing import Final

Scalar = str | int | float | bool
Value = Scalar | tuple[Scalar, ...]
"""A value that explains a verdict, as plain as JSON."""


class CoronodeError(Exception):
    """Base of the project's errors; the text is one sentence for the person who can act."""


class ConfigurationError(CoronodeError):
    """The configuration cannot be used; the text names file, key, value and what is allowed."""


class Rejected(CoronodeError):
    """An object that is not accepted; `status` is the DIMSE status returned to the sender (PS3.7 C)."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class Transient(CoronodeError):
    """A temporary failure: retry later."""


class Permanent(CoronodeError):
    """A failure that retrying will not resolve."""


class NotScorable(CoronodeError):
    """A series that cannot be scored: a stable code, and the values that explain it.

    Where one code has several explanations, the value `variant` says which. The catalogue of the reports turns code and
    values into a sentence; a third-party anatomy engine may supply its own sentence as the value `text`. As a
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


# What seeking and reading in a damaged file makes the system say: the data are at fault, not the machine.
_OF_DATA: Final = frozenset({errno.EINVAL, errno.EOVERFLOW, errno.ESPIPE})


def is_fault(error: BaseException) -> bool:
    """Return whether the machine failed, not the data: a file is away or not readable, a disk is full or broken."""
    return isinstance(error, OSError) and error.errno is not None and error.errno not in _OF_DATA


def describe_fault(error: OSError) -> str:
    """Describe a fault of the machine in words, with the file where it is known."""
    words = error.strerror or str(error)
    return words if error.filename is None else f"{error.filename}: {words}"
