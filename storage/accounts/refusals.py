"""Why a change to the accounts is refused."""

from __future__ import annotations

from collections.abc import Mapping

from config.errors import CoronodeError


class AccountRefused(CoronodeError):
    """A change that cannot be made: a stable code, and the values that its words need (catalogue, [accounts])."""

    def __init__(self, code: str, **values: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.values: Mapping[str, str | int] = values
