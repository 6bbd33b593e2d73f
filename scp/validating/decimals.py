"""Numbers as spreadsheets of different countries write them.

"1,234" is 1234 in one country and 1.234 in another. Which one a file means is settled by its other numbers; a number
that nothing settles is refused, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal

Mark = Literal[".", ","]
"""A decimal mark; the other one groups thousands."""

_PLAIN: Final = re.compile(r"[0-9]{1,9}")
_GROUPS: Final[dict[Mark, re.Pattern[str]]] = {
    ".": re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]{1,12})?|[0-9]{0,9}\.[0-9]{1,12}"),
    ",": re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]{1,12})?|[0-9]{0,9},[0-9]{1,12}"),
}
_SPACES: Final = re.compile(r"[\s'\u2019]")
"""A space or an apostrophe groups thousands, too."""


class NotANumber(ValueError):
    """The text is no number."""


class Ambiguous(ValueError):
    """The text is two numbers, by the decimal mark."""


def find_mark(texts: Iterable[str]) -> Mark | None:
    """Find the decimal mark of a file: the one that some number needs; None where none does, or they contradict."""
    needed: set[Mark] = set()
    for text in texts:
        fitting = _list_fitting(_SPACES.sub("", text))
        if len(fitting) == 1:
            needed.update(fitting)
    return needed.pop() if len(needed) == 1 else None


def parse_number(text: str, mark: Mark | None) -> float:
    """Parse a number that is not negative, without an exponent. Raises NotANumber or Ambiguous."""
    bare = _SPACES.sub("", text)
    if _PLAIN.fullmatch(bare):
        return float(bare)
    fitting = _list_fitting(bare)
    if not fitting:
        raise NotANumber(text)
    if len(fitting) > 1 and mark is None:
        raise Ambiguous(text)
    chosen: Mark = mark if mark is not None and mark in fitting else fitting[0]
    grouping = "," if chosen == "." else "."
    return float(bare.replace(grouping, "").replace(chosen, "."))


def _list_fitting(bare: str) -> list[Mark]:
    return [mark for mark, pattern in _GROUPS.items() if pattern.fullmatch(bare)]
