"""The change of the score since an earlier scan: verdict, numbers, chart, and remarks about the comparison."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from scoring.report.common.context import finish_sentence
from scoring.report.common.texts import Texts
from scoring.report.typeset.artery_table import NONE
from scoring.report.typeset.change_chart import DAYS_A_YEAR, change_chart
from scoring.result import Change, Difference, Risk, Score
from scoring.risk.comparison import NOISE_BELOW, PROGRESSION_ROOT

_COLUMNS: Final = ("then", "now", "difference", "a_year", "repeat")
_NOTHING: Final[dict[str, Any]] = {"verdict": "", "certainty": "", "chart": None, "head": [], "rows": [], "unlike": ""}


def change(score: Score, texts: Texts, *, dated: bool) -> dict[str, Any]:
    """The comparison with the latest earlier scan, or why there is none; its title has the date where `dated`."""
    result = score.change
    if result is None:
        reasons = (score.risk or Risk()).change_reason
        lines = [texts("report.no_change", reason=" ".join(finish_sentence(reason.text) for reason in reasons)).strip()]
        return {"title": texts("report.no_change_title"), "lines": lines, **_NOTHING}
    interval = format_interval(result.interval_days, texts)
    rows = (("agatston", result.agatston), ("volume", result.volume_mm3), ("mass", result.mass_mg))
    unlike = "; ".join(item.text for item in result.differences)
    return {
        "title": texts("report.change", date=texts.date(result.date), interval=interval)
        if dated
        else texts("pictures.change", interval=interval),
        "verdict": _verdict(result.agatston, texts),
        "certainty": finish_sentence(_certainty(result.agatston, texts)),
        "chart": change_chart(texts, result),
        "head": ["", *(texts(f"report.{key}") for key in _COLUMNS)],
        "rows": [[texts(f"report.{key}"), *_cells(one, texts)] for key, one in rows if one is not None],
        "unlike": texts("report.unlike", differences=unlike) if unlike else "",
        "lines": list(_remarks(result, texts)),
    }


def format_interval(days: int, texts: Texts) -> str:
    """The time between two scans in the unit that people use for it."""
    if days < 60:
        return texts("report.day") if days == 1 else texts("report.days", days=days)
    months = round(days / DAYS_A_YEAR * 12)
    if months < 24:
        return texts("report.months", months=months)
    return texts("report.interval_years", years=texts.number(days / DAYS_A_YEAR))


def _verdict(agatston: Difference, texts: Texts) -> str:
    difference = texts.signed(agatston.absolute)
    # a percentage of next to nothing means nothing
    if agatston.then < NOISE_BELOW:
        return texts("report.verdict", difference=difference)
    share = texts.signed(agatston.absolute / agatston.then * 100, 0)
    return texts("report.verdict_share", difference=difference, share=share)


def _certainty(agatston: Difference, texts: Texts) -> str:
    if agatston.limit is None:
        return texts("report.no_limit")
    return texts("report.exceeds" if agatston.exceeds_limit else "report.within", limit=texts.number(agatston.limit))


def _cells(one: Difference, texts: Texts) -> list[str]:
    repeat = NONE
    if one.limit is not None:
        key = "report.repeat_exceeds" if one.exceeds_limit else "report.repeat_within"
        repeat = texts(key, limit=texts.number(one.limit))
    yearly = NONE if one.per_year is None else texts.signed(one.per_year)
    return [texts.number(one.then), texts.number(one.now), texts.signed(one.absolute), yearly, repeat]


def _remarks(result: Change, texts: Texts) -> Iterator[str]:
    if result.root_volume is not None:
        difference, least = texts.signed(result.root_volume, 2), texts.short(PROGRESSION_ROOT)
        if result.progression is None:
            yield texts("report.root_volume", difference=difference)
        else:
            key = "report.progression" if result.progression else "report.no_progression"
            yield texts(key, difference=difference, least=least)
    yield from (finish_sentence(note.text) for note in result.notes)
