"""What a person reads of a series: names, days, moments, states and reasons in the language of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from config.errors import NotScorable
from scoring.report.common.catalogue import has_sentence, sentence
from scoring.report.common.texts import Texts
from scoring.report.common.words import CATEGORY_KEYS, headline
from storage.series.states import State

STATE_KINDS: Final[Mapping[State, str]] = {
    State.DELIVERED: "good",
    State.NOT_SCORABLE: "warn",
    State.UNDELIVERABLE: "bad",
}
"""How a state's badge is coloured; the others have no colour."""
_OWN_REASONS: Final = ("emptied", "internal")


@dataclass(frozen=True, slots=True)
class Note:
    """A line of words; `language` where it is not that of the page: an error or a reason that came from elsewhere."""

    text: str
    language: str = ""


def format_reason(code: str, values: Mapping[str, Any], words: str, texts: Texts) -> Note:
    """Word the reason for which a series has no score; `words` stand where the catalogue has no sentence."""
    verdict = NotScorable(code, **{name: _restore(value) for name, value in values.items()})
    if code and has_sentence(verdict, texts):
        return Note(sentence(verdict, texts))
    if code in _OWN_REASONS:
        return Note(texts(f"overview.reason_{code}", why=words))
    return Note(words or code, "en")


def name_reason(code: str, texts: Texts) -> str:
    """Name a reason briefly; its code where there are no words for it."""
    key = f"overview.why_{code}"
    return texts(key) if key in texts.words else code


def format_state(state: State, texts: Texts) -> str:
    """Name a state."""
    return texts(f"overview.state_{state}")


def format_score(agatston: float | None, texts: Texts) -> str:
    """Write a total as it is spoken; empty where there is none."""
    return "" if agatston is None else headline(agatston).replace(".", texts("format.decimal"))


def format_category(category: str, texts: Texts) -> str:
    """Write a category with the word for it; empty where there is none."""
    key = next((key for known, key in CATEGORY_KEYS.items() if known == category), None)
    return category if key is None else f"{category} {texts(f'categories.{key}_short')}"


def format_name(name: str) -> str:
    """Write a person's name (PS3.5 6.2.1) as one says it: family name, then the others; further groups in brackets."""
    groups = [_format_group(group) for group in name.split("=")]
    first, *others = [group for group in groups if group] or [""]
    return f"{first} ({', '.join(others)})" if others else first


def format_count(key: str, count: int, texts: Texts, **values: object) -> str:
    """Word a number of things; the key with "_one" at its end is the form for one of them."""
    single = f"overview.{key}_one"
    chosen = single if count == 1 and single in texts.words else f"overview.{key}"
    return texts(chosen, count=count, **values)


def format_day(day: str, texts: Texts) -> str:
    """Write a DA value (PS3.5 6.2) as a day; what is none stays as it is."""
    if len(day) != len("YYYYMMDD") or not (day.isascii() and day.isdigit()):
        return day
    return texts("overview.day", year=day[:4], month=day[4:6], day=day[6:])


def format_moment(moment: datetime | None, texts: Texts) -> str:
    """Write a point in time in the time zone of this machine."""
    if moment is None:
        return ""
    local = moment.astimezone()
    return f"{format_day(f'{local:%Y%m%d}', texts)} {local:%H:%M}"


def format_time(moment: datetime | None) -> str:
    """Write the time of a moment that is near."""
    return "" if moment is None else f"{moment.astimezone():%H:%M:%S}"


def format_age(seconds: float, texts: Texts) -> str:
    """Write how long something lasts, in its largest unit."""
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= length:
            return format_count(f"age_{unit}", int(seconds // length), texts)
    return format_count("age_seconds", max(0, int(seconds)), texts)


def _format_group(group: str) -> str:
    family, _, rest = group.partition("^")
    others = " ".join(part.strip() for part in rest.split("^") if part.strip())
    return ", ".join(filter(None, (family.strip(), others)))


def _restore(value: Any) -> Any:
    """JSON has no tuples."""
    return tuple(value) if isinstance(value, list) else value
