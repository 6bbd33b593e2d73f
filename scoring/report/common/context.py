"""The score in its population and over time, in sentences: percentile, arterial age, ten-year risk, change.

Every sentence is self-contained and names its source; where a value is not known, the reason is given. The language is
English unless other texts are given; the sentences of the score itself are as `catalogue.in_language` left them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from scoring.report.common.texts import Texts, load_english
from scoring.result import Change, Difference, Percentile, Score, Statement
from scoring.risk.comparison import PROGRESSION_ROOT

ARTERIAL_AGE_SOURCE: Final = "McClelland et al., Am J Cardiol 2009;103:59"
TEN_YEAR_SOURCE: Final = "McClelland et al., J Am Coll Cardiol 2015;66:1643"


def context(score: Score, texts: Texts | None = None) -> Iterator[str]:
    """All sentences in the order of a report."""
    yield percentile(score, texts)
    yield arterial_age(score, texts)
    yield ten_year(score, texts)
    yield from change(score, texts)


def percentile(score: Score, texts: Texts | None = None) -> str:
    """The percentile of the score in its population, or the reason why it is not known."""
    words = texts or load_english()
    return words("context.percentile", standing=standing(score, words))


def standing(score: Score, texts: Texts | None = None) -> str:
    """`percentile` without its leading word."""
    words, place = texts or load_english(), score.percentile
    if place is None:
        reason = score.risk.percentile_reason if score.risk else None
        return _finish(words("context.none"), [reason] if reason else [])
    values = {"band": band(place, words), "population": population(place, words)}
    if place.estimate is None:
        sentence = words("context.standing", **values)
    else:
        sentence = words("context.standing_estimate", estimate=place.estimate, **values)
    return _finish(sentence, place.caveats)


def band(place: Percentile, texts: Texts | None = None) -> str:
    """The band of a percentile in words."""
    words = texts or load_english()
    low, high = place.band_ends
    if low is None:
        return words("report.no_calcium") if high is None else words("report.band_below", high=high)
    return words("report.band_above", low=low) if high is None else words("report.band_between", low=low, high=high)


def population(place: Percentile, texts: Texts | None = None) -> str:
    """The people that a score is compared with, their scores, and the source."""
    return (texts or load_english())(
        "context.population",
        group=place.group,
        sex=place.sex,
        age=place.age_years,
        population=place.population,
        nonzero=place.p_nonzero_percent,
        p25=place.p25,
        p50=place.p50,
        p75=place.p75,
        p90=place.p90,
        citation=place.citation,
    )


def arterial_age(score: Score, texts: Texts | None = None) -> str:
    """The age that has this score on average, or that none was determined."""
    words = texts or load_english()
    if score.risk is None or score.risk.arterial_age_years is None:
        return words("context.no_arterial_age")
    return words("context.arterial_age", years=score.risk.arterial_age_years, source=ARTERIAL_AGE_SOURCE)


def ten_year(score: Score, texts: Texts | None = None) -> str:
    """The risk of coronary heart disease within ten years with and without the score, or why it is not known."""
    words, risk = texts or load_english(), score.risk
    if risk is None or risk.ten_year_percent is None:
        reason = risk.ten_year_reason if risk else None
        return _finish(words("context.no_ten_year"), [reason] if reason else [])
    values = {"risk": risk.ten_year_percent, "source": TEN_YEAR_SOURCE}
    if risk.ten_year_without_percent is None:
        return words("context.ten_year", **values)
    return words("context.ten_year_both", without=risk.ten_year_without_percent, **values)


def change(score: Score, texts: Texts | None = None) -> Iterator[str]:
    """The comparison with the earlier scan line by line, or that there is none."""
    words = texts or load_english()
    first, *others = comparison(score, words)
    key = "context.no_change" if score.change is None else "context.change"
    yield words(key, reason=first, since=first)
    yield from others


def comparison(score: Score, texts: Texts | None = None) -> Iterator[str]:
    """`change` without the leading word of its first line."""
    words, result = texts or load_english(), score.change
    if result is None:
        yield _finish(words("context.not_compared"), score.risk.change_reason if score.risk else ())
        return
    yield words("context.since", date=result.date, days=result.interval_days)
    yield f"- {_difference(words('context.agatston'), result.agatston, '', words)}"
    if result.volume_mm3 is not None:
        yield f"- {_difference(words('context.volume'), result.volume_mm3, ' mm3', words)}"
    if result.mass_mg is not None:
        yield f"- {_difference(words('context.mass'), result.mass_mg, ' mg', words)}"
    if result.root_volume is not None:
        yield f"- {_root(result, result.root_volume, words)}"
    if result.differences:
        yield f"- {words('context.differences', differences='; '.join(item.text for item in result.differences))}"
    yield from (f"- {finish_sentence(note.text)}" for note in result.notes)
    if result.citations:
        yield f"- {words('context.sources', sources='; '.join(item.text for item in result.citations))}"


def finish_sentence(text: str) -> str:
    """Capitalise a sentence and end it with a full stop."""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}" if text else ""


def _finish(sentence: str, remarks: Iterable[Statement]) -> str:
    """A sentence and the remarks on it, each with a full stop."""
    ended = sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
    return " ".join((ended, *(finish_sentence(remark.text) for remark in remarks)))


def _difference(name: str, item: Difference, unit: str, texts: Texts) -> str:
    then, now, absolute = item.then, item.now, item.absolute
    line = texts("context.difference", name=name, then=then, now=now, absolute=absolute, unit=unit)
    if then > 0:
        line += texts("context.share", share=absolute / then * 100)
    parts = [line]
    if item.per_year is not None:
        parts.append(texts("context.yearly", rate=item.per_year, unit=unit))
    if item.limit is not None:
        key = "context.exceeds" if item.exceeds_limit else "context.within"
        parts.append(texts(key, limit=item.limit, unit=unit))
    return ", ".join(parts)


def _root(result: Change, root: float, texts: Texts) -> str:
    if result.progression is None:
        return texts("context.root_volume", root=root, least=PROGRESSION_ROOT)
    key = "context.progression" if result.progression else "context.no_progression"
    return texts(key, root=root, least=PROGRESSION_ROOT)
