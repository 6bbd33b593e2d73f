"""What a list is asked for: filters, order and page as the fields of a form, and as an address.

Words that may be a patient's name or number never stand in an address: addresses stay in the browser's history, in the
logs of proxies, and are passed on. A search for words is a POST, and its page has the address of its other filters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final
from urllib.parse import urlencode

from scoring.result import CATEGORIES
from storage.overview.selection import SORT_KEYS, Selection, SortKey, Wish
from storage.series.states import State

PAGE_SIZE: Final = 50
LAST_PAGE: Final = 200
"""Later pages are not offered; who needs them narrows the list down."""
MOST_CHARACTERS: Final = 200
STATE_GROUPS: Final[Mapping[str, tuple[State, ...]]] = {
    "open": (State.RECEIVING, State.COMPLETE, State.SCORING),
    "with_score": (State.SCORED, State.DELIVERED, State.UNDELIVERABLE),
}
"""States that one looks for together."""
_SHAREABLE: Final = ("state", "category", "sender", "reason", "wish", "study", "date_from", "date_to", "since")
_WISHES: Final[Mapping[str, Wish]] = {"review": "review", "unsigned": "unsigned"}


@dataclass(frozen=True, slots=True)
class Query:
    """The fields of the form, each one that is allowed or empty, with the order and the page."""

    fields: Mapping[str, str]
    sort: SortKey = "received"
    descending: bool = True
    page: int = 1

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> Query:
        """Read the fields; what is not allowed narrows nothing."""
        fields = {name: given.get(name, "").strip()[:MOST_CHARACTERS] for name in ("q", *_SHAREABLE)}
        if fields["state"] not in (*State, *STATE_GROUPS):
            fields["state"] = ""
        if fields["category"] not in CATEGORIES:
            fields["category"] = ""
        if fields["wish"] not in _WISHES:
            fields["wish"] = ""
        for name in ("date_from", "date_to", "since"):
            if _parse_day(fields[name]) is None:
                fields[name] = ""
        order = given.get("order") or given.get("sort") or "-received"
        key: SortKey = next((key for key in SORT_KEYS if key == order.lstrip("-")), "received")
        number = given.get("page", "")
        page = int(number) if re.fullmatch(r"[0-9]{1,4}", number) else 1
        return cls(fields, key, order.startswith("-"), min(max(page, 1), LAST_PAGE))

    @property
    def words(self) -> str:
        """What is searched for; empty for nothing."""
        return self.fields["q"]

    @property
    def is_narrow(self) -> bool:
        """Whether any filter is set."""
        return any(self.fields.values())

    @property
    def order(self) -> str:
        """The order as a field's value."""
        return f"-{self.sort}" if self.descending else self.sort

    @property
    def offset(self) -> int:
        """How many rows come before the page."""
        return (self.page - 1) * PAGE_SIZE

    @property
    def address(self) -> str:
        """The address of this list, but for what is searched for."""
        values = {name: self.fields[name] for name in _SHAREABLE if self.fields[name]}
        if self.order != "-received":
            values["sort"] = self.order
        if self.page > 1:
            values["page"] = str(self.page)
        return f"/?{urlencode(values)}" if values else "/"

    def to_selection(self) -> Selection:
        """Return what the list is narrowed down to; days are those of this machine's time zone."""
        fields = self.fields
        state = fields["state"]
        since = _parse_day(fields["since"])
        return Selection(
            words=tuple(fields["q"].split()),
            states=STATE_GROUPS.get(state) or ((State(state),) if state else ()),
            category=fields["category"],
            sender=fields["sender"],
            reason_code=fields["reason"],
            wish=_WISHES.get(fields["wish"], ""),
            study_instance_uid=fields["study"],
            study_from=fields["date_from"].replace("-", ""),
            study_to=fields["date_to"].replace("-", ""),
            received_from=None if since is None else datetime.combine(since, time()).astimezone(),
        )

    def turn(self, key: SortKey) -> str:
        """Return the order that a click on a column asks for: the other direction of the current one."""
        if key == self.sort:
            return key if self.descending else f"-{key}"
        return key if key == "patient" else f"-{key}"


def _parse_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else None
    except ValueError:
        return None
