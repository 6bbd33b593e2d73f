"""What stands in the printed report, in the words of its language and ready to be set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from scoring.judgement.totals import SURE
from scoring.report.common.context import ARTERIAL_AGE_SOURCE, PROGRESSION_ROOT, TEN_YEAR_SOURCE
from scoring.report.common.words import lesion_count, without_artery
from scoring.report.pictures import style
from scoring.report.pictures.artery_table import possible
from scoring.report.printed import charts
from scoring.report.printed.charts import CATEGORY_KEYS, figure, hexadecimal
from scoring.report.printed.texts import Texts
from scoring.result import ARTERIES, Artery, ArteryValues, Lesion, Score
from scoring.risk import population
from scoring.risk.change import Change, Difference
from scoring.risk.comparison import NOISE_BELOW
from scoring.risk.percentile import Percentile

AGATSTON_SOURCE: Final = "Agatston et al., J Am Coll Cardiol 1990;15:827"
CAC_DRS_SOURCE: Final = "CAC-DRS: Hecht et al., J Cardiovasc Comput Tomogr 2018;12:185"

_NONE: Final = "\N{EN DASH}"
_DAYS_A_YEAR: Final = 365.25
_BAND: Final = re.compile(r"(?:(\d+)th-(\d+)th|>(\d+)th|under (\d+)th)")


def headline(score: Score, texts: Texts) -> dict[str, Any]:
    """Total, category, and what stands beside them."""
    if score.agatston is None or score.category is None:
        raise ValueError("a series that was not scored has no report to print")
    beside = [texts("report.cac_drs", cac_drs=score.cac_drs)] if score.cac_drs else []
    if score.agatston_range is not None and score.agatston_range[0] != score.agatston_range[1]:
        low, high = map(texts.number, score.agatston_range)
        beside.append(texts("report.interval", low=low, high=high))
    words = texts(f"categories.{CATEGORY_KEYS[score.category]}")
    return {
        "label": texts("report.score"),
        "value": figure(texts, score.agatston.total),
        "category": texts("report.category", category=score.category, words=words),
        "beside": beside,
    }


def table(score: Score, texts: Texts) -> dict[str, Any]:
    """A row for each artery, one for all, and what is uncertain or was left out."""
    rows = [
        _row(texts(f"arteries.{artery}"), _values(score, artery, texts), artery, style.artery_colour(artery))
        for artery in ARTERIES
    ]
    unnamed = [lesion for lesion in score.lesions if lesion.artery is None]
    if unnamed:
        cells = [str(len(unnamed)), texts.number(without_artery(score)), *_sums(unnamed, texts)]
        rows.append(_row(texts("arteries.none"), cells, "", style.NO_ARTERY_COLOUR))
    rows.append(_row(texts("arteries.all"), _values(score, None, texts), kind="total"))
    doubtful = [lesion for lesion in score.lesions if lesion.confidence < SURE]
    if doubtful:
        agatston = texts.number(sum(lesion.agatston for lesion in doubtful))
        rows.append(
            _row(texts("report.uncertain"), [str(len(doubtful)), agatston, *_sums(doubtful, texts)], kind="part")
        )
    left_out = possible(score)
    if left_out:
        more = "+" if len(left_out) == len(score.rejected) and score.rejected_left_out else ""
        agatston = texts.number(sum(item.agatston for item in left_out))
        volume = texts.number(sum(item.volume_mm3 for item in left_out))
        cells = [f"{len(left_out)}{more}", f"{agatston}{more}", f"{volume}{more}", _NONE]
        rows.append(_row(texts("report.left_out"), cells, kind="part"))
    keys = ("artery", "lesions", "agatston", "volume", "mass")
    return {"head": [texts(f"report.{key}") for key in keys], "rows": rows}


def comparison(score: Score, texts: Texts) -> dict[str, Any]:
    """The score among other people, arterial age and ten-year risk, each with its reason where there is none."""
    found, total = score.percentile, 0.0 if score.agatston is None else score.agatston.total
    values: dict[str, Any] = {"title": texts("report.comparison"), "verdict": "", "chart": None}
    lines: list[str] = []
    if found is None:
        lines.append(_with_reason(texts, "report.no_percentile", score.risk.percentile_reason if score.risk else ""))
    else:
        values |= {"verdict": standing(found, texts), "chart": charts.percentile(texts, found, total)}
        lines += [_people(found, texts), *map(_sentence, map(texts.said, found.caveats))]
    risk = score.risk
    if risk is not None and risk.arterial_age_years is not None:
        lines.append(texts("report.arterial_age", years=texts.number(risk.arterial_age_years)))
    if risk is not None and risk.ten_year_percent is not None and risk.ten_year_without_percent is not None:
        chance, without = map(texts.number, (risk.ten_year_percent, risk.ten_year_without_percent))
        lines.append(texts("report.ten_year", risk=chance, without=without))
    else:
        lines.append(_with_reason(texts, "report.no_ten_year", risk.ten_year_reason if risk else ""))
    return values | {"lines": lines}


def standing(found: Percentile, texts: Texts) -> str:
    """The band in words, and the estimate where there is one."""
    band = _BAND.fullmatch(found.band)
    if band is None:
        return texts("report.no_calcium")
    low, high, above, below = band.groups()
    if above:
        words = texts("report.band_above", low=above)
    elif below:
        words = texts("report.band_below", high=below)
    else:
        words = texts("report.band_between", low=low, high=high)
    if found.estimate is None:
        return texts("report.percentile", band=words)
    return texts("report.percentile_estimate", band=words, estimate=found.estimate)


def change(score: Score, texts: Texts) -> dict[str, Any]:
    """The comparison with the latest earlier scan, or why there is none."""
    found = score.change
    if found is None:
        lines = [_with_reason(texts, "report.no_change", score.risk.change_reason if score.risk else "")]
        empty: dict[str, Any] = {"verdict": "", "certainty": [], "chart": None, "head": [], "rows": []}
        return {"title": texts("report.no_change_title"), "lines": lines, **empty}
    keys = ("then", "now", "difference", "a_year", "repeat")
    rows = (("agatston", found.agatston), ("volume", found.volume_mm3), ("mass", found.mass_mg))
    return {
        "title": texts("report.change", date=texts.date(found.date), interval=_interval(found.interval_days, texts)),
        "verdict": _verdict(found.agatston, texts),
        "certainty": [_sentence(_certainty(found.agatston, texts))],
        "chart": charts.change(texts, found),
        "head": ["", *(texts(f"report.{key}") for key in keys)],
        "rows": [[texts(f"report.{key}"), *_difference(one, texts)] for key, one in rows if one is not None],
        "lines": list(_change_lines(found, texts)),
    }


def flags(score: Score, texts: Texts) -> dict[str, Any]:
    """What a reader should know, what matters most first."""
    ordered = sorted(score.flags, key=lambda flag: ("reject", "warning", "info").index(flag.severity))
    items = [
        {
            "kind": texts(f"report.{one.severity}"),
            "alarm": one.severity != "info",
            "words": _sentence(texts.said(one.message)),
        }
        for one in ordered
    ]
    return {"title": texts("report.flags"), "nothing": texts("report.no_flags"), "items": items}


def sources(score: Score, texts: Texts) -> dict[str, Any]:
    """Where the method and every table that was used were published."""
    named = [AGATSTON_SOURCE]
    if score.cac_drs:
        named.append(CAC_DRS_SOURCE)
    if score.percentile is not None:
        named.append(f"{score.percentile.population}: {score.percentile.citation}")
    if score.risk is not None and score.risk.arterial_age_years is not None:
        named.append(ARTERIAL_AGE_SOURCE)
    if score.risk is not None and score.risk.ten_year_percent is not None:
        named.append(TEN_YEAR_SOURCE)
    named += score.change.citations if score.change is not None else ()
    return {"title": texts("report.sources"), "lines": [f"{source}." for source in named]}


def _row(
    name: str, cells: Sequence[str], code: str = "", colour: style.Colour | None = None, kind: str = "artery"
) -> dict[str, Any]:
    swatch = None if colour is None else hexadecimal(colour)
    return {"name": name, "cells": list(cells), "code": code, "colour": swatch, "kind": kind}


def _values(score: Score, artery: Artery | None, texts: Texts) -> list[str]:
    def of(values: ArteryValues | None) -> str:
        if values is None:
            return _NONE
        return texts.number(values.total if artery is None else values.of(artery))

    return [str(lesion_count(score, artery)), of(score.agatston), of(score.volume_mm3), of(score.mass_mg)]


def _sums(lesions: Sequence[Lesion], texts: Texts) -> list[str]:
    masses = [lesion.mass_mg for lesion in lesions if lesion.mass_mg is not None]
    mass = texts.number(sum(masses)) if len(masses) == len(lesions) else _NONE
    return [texts.number(sum(lesion.volume_mm3 for lesion in lesions)), mass]


def _people(found: Percentile, texts: Texts) -> str:
    group = found.group if found.group in (population.ALL, "white", "chinese", "black", "hispanic") else population.ALL
    who = texts(
        "report.people",
        population=found.population,
        sex=texts(f"people.{found.sex}"),
        group=texts(f"people.{group}"),
        age=texts.short(found.age_years),
        nonzero=texts.short(found.p_nonzero_percent, 3),
    )
    scores = {f"p{part}": texts.short(getattr(found, f"p{part}"), 5) for part in population.PERCENTS}
    return f"{who} {texts('report.percentiles', **scores)}"


def _verdict(found: Difference, texts: Texts) -> str:
    difference = texts.signed(found.absolute)
    # a per cent of next to nothing says nothing
    if found.then < NOISE_BELOW:
        return texts("report.verdict", difference=difference)
    return texts(
        "report.verdict_share", difference=difference, share=texts.signed(found.absolute / found.then * 100, 0)
    )


def _certainty(found: Difference, texts: Texts) -> str:
    if found.limit is None:
        return texts("report.no_limit")
    return texts("report.exceeds" if found.exceeds_limit else "report.within", limit=texts.number(found.limit))


def _difference(found: Difference, texts: Texts) -> list[str]:
    repeat = _NONE
    if found.limit is not None:
        key = "report.repeat_exceeds" if found.exceeds_limit else "report.repeat_within"
        repeat = texts(key, limit=texts.number(found.limit))
    yearly = _NONE if found.per_year is None else texts.signed(found.per_year)
    return [texts.number(found.then), texts.number(found.now), texts.signed(found.absolute), yearly, repeat]


def _interval(days: int, texts: Texts) -> str:
    if days < 60:
        return texts("report.day") if days == 1 else texts("report.days", days=days)
    months = round(days / _DAYS_A_YEAR * 12)
    if months < 24:
        return texts("report.months", months=months)
    return texts("report.interval_years", years=texts.number(days / _DAYS_A_YEAR))


def _change_lines(found: Change, texts: Texts) -> Iterator[str]:
    if found.root_volume is not None:
        difference, least = texts.signed(found.root_volume, 2), texts.short(PROGRESSION_ROOT)
        if found.progression is None:
            yield texts("report.root_volume", difference=difference)
        else:
            key = "report.progression" if found.progression else "report.no_progression"
            yield texts(key, difference=difference, least=least)
    if found.differences:
        yield texts("report.unlike", differences="; ".join(map(texts.said, found.differences)))
    yield from (_sentence(texts.said(note)) for note in found.notes)


def _with_reason(texts: Texts, key: str, reason: str) -> str:
    return texts(key, reason=_reason(texts, reason)).strip()


def _reason(texts: Texts, reason: str) -> str:
    return "" if not reason else _sentence(". ".join(map(texts.said, reason.split(". "))))


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}{'' if words.endswith(('.', '!', '?')) else '.'}" if words else ""
