"""The score among other people: percentile, arterial age and ten-year risk, or why one of them is not known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from scoring.report.common.context import band, finish_sentence
from scoring.report.common.texts import Texts
from scoring.report.typeset.percentile_chart import percentile_chart
from scoring.result import Percentile, Risk, Score, Statement
from scoring.risk import population

_GROUPS: Final = (population.ALL, "white", "chinese", "black", "hispanic")


def comparison(score: Score, texts: Texts) -> dict[str, Any]:
    """Percentile with its chart and people, then arterial age and ten-year risk, or why one of them is not known."""
    percentile, risk = score.percentile, score.risk or Risk()
    total = 0.0 if score.agatston is None else score.agatston.total
    values = {
        "title": texts("report.comparison"),
        "risk": list(_risk(risk, texts)),
        "no_risk": [] if _has_ten_year(risk) else [_reason(texts, "report.no_ten_year", risk.ten_year_reason)],
    }
    if percentile is None:
        reason = _reason(texts, "report.no_percentile", risk.percentile_reason)
        return values | {"verdict": "", "chart": None, "who": "", "people": [reason], "caveats": []}
    return values | {
        "verdict": standing(percentile, texts),
        "chart": percentile_chart(texts, percentile, total),
        "who": texts("pictures.people", **_who(percentile, texts)),
        "people": [_people(percentile, texts)],
        "caveats": [finish_sentence(caveat.text) for caveat in percentile.caveats],
    }


def standing(percentile: Percentile, texts: Texts) -> str:
    """The band in words, and the estimate where there is one."""
    words = band(percentile, texts)
    if percentile.band == "no calcium":
        return words
    if percentile.estimate is None:
        return texts("report.percentile", band=words)
    return texts("report.percentile_estimate", band=words, estimate=percentile.estimate)


def _who(percentile: Percentile, texts: Texts) -> dict[str, str]:
    group = percentile.group if percentile.group in _GROUPS else population.ALL
    return {
        "population": percentile.population,
        "sex": texts(f"people.{percentile.sex}"),
        "group": texts(f"people.{group}"),
        "age": texts.short(percentile.age_years),
    }


def _people(percentile: Percentile, texts: Texts) -> str:
    who = texts("report.people", nonzero=texts.short(percentile.p_nonzero_percent, 3), **_who(percentile, texts))
    scores = {f"p{part}": texts.short(getattr(percentile, f"p{part}"), 5) for part in population.PERCENTS}
    return f"{who} {texts('report.percentiles', **scores)}"


def _has_ten_year(risk: Risk) -> bool:
    return risk.ten_year_percent is not None and risk.ten_year_without_percent is not None


def _risk(risk: Risk, texts: Texts) -> Iterator[str]:
    if risk.arterial_age_years is not None:
        yield texts("report.arterial_age", years=texts.number(risk.arterial_age_years))
    if risk.ten_year_percent is not None and risk.ten_year_without_percent is not None:
        chance, without = map(texts.number, (risk.ten_year_percent, risk.ten_year_without_percent))
        yield texts("report.ten_year", risk=chance, without=without)


def _reason(texts: Texts, key: str, reason: Statement | None) -> str:
    return texts(key, reason="" if reason is None else finish_sentence(reason.text)).strip()
