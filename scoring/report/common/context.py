"""The score among other people and over time, in sentences: percentile, arterial age, ten-year risk, change.

Every sentence stands on its own, with its source; what is not known is said with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from scoring.result import Score
from scoring.risk.change import Change, Difference
from scoring.risk.percentile import Percentile

ARTERIAL_AGE_SOURCE: Final = "McClelland et al., Am J Cardiol 2009;103:59"
TEN_YEAR_SOURCE: Final = "McClelland et al., J Am Coll Cardiol 2015;66:1643"
PROGRESSION_ROOT: Final = 2.5
"""Growth of the square root of the volume from which studies speak of progression (KOICA registry)."""

_SEX: Final = {"female": "women", "male": "men"}


def context(score: Score) -> Iterator[str]:
    """All sentences in the order of a report."""
    yield percentile(score)
    yield arterial_age(score)
    yield ten_year(score)
    yield from change(score)


def percentile(score: Score) -> str:
    """Where the score stands in its population, or why that is not known."""
    found = score.percentile
    if found is None:
        return f"Percentile: not determined. {_reason(score.risk.percentile_reason if score.risk else '')}".rstrip()
    standing = found.band if found.estimate is None else f"{found.band} (estimate {found.estimate})"
    return " ".join((f"Percentile: {standing} among {population(found)}.", *_sentences(found.caveats)))


def population(found: Percentile) -> str:
    """The people that a score is compared with, what is known of their scores, and the source."""
    people = f"{found.group} {_SEX.get(found.sex, found.sex)} of {found.age_years:.4g} years in {found.population}"
    scores = ", ".join(f"{part:.4g}" for part in (found.p25, found.p50, found.p75, found.p90))
    return (
        f"{people} without clinical disease, of whom {found.p_nonzero_percent:.3g} % have any calcium "
        f"(25th, 50th, 75th, 90th percentile: Agatston {scores}; {found.citation})"
    )


def arterial_age(score: Score) -> str:
    """The age that has this score on average, or that none was determined."""
    if score.risk is None or score.risk.arterial_age_years is None:
        return "Arterial age: not determined."
    return f"Arterial age: {score.risk.arterial_age_years:.1f} years (no interval is published; {ARTERIAL_AGE_SOURCE})."


def ten_year(score: Score) -> str:
    """The risk of coronary heart disease within ten years with and without the score, or why it is not known."""
    if score.risk is None or score.risk.ten_year_percent is None:
        reason = _reason(score.risk.ten_year_reason if score.risk else "")
        return f"10-year risk of coronary heart disease: not determined. {reason}".rstrip()
    risk, without = f"{score.risk.ten_year_percent:.1f} %", score.risk.ten_year_without_percent
    beside = "" if without is None else f", {without:.1f} % without the calcium score"
    return f"10-year risk of coronary heart disease (MESA): {risk}{beside} ({TEN_YEAR_SOURCE})."


def change(score: Score) -> Iterator[str]:
    """The comparison with the earlier scan line by line, or that there is none."""
    found = score.change
    if found is None:
        reason = _reason(score.risk.change_reason if score.risk else "")
        yield f"Change: no comparison with an earlier scan. {reason}".rstrip()
        return
    yield f"Change since {found.date} ({found.interval_days} days):"
    yield f"- {_difference('Agatston', found.agatston, '')}"
    if found.volume_mm3 is not None:
        yield f"- {_difference('Volume', found.volume_mm3, ' mm3')}"
    if found.mass_mg is not None:
        yield f"- {_difference('Mass', found.mass_mg, ' mg')}"
    if found.root_volume is not None:
        yield f"- {_root(found)}"
    if found.differences:
        yield f"- Not alike in the two scans: {'; '.join(found.differences)}."
    yield from (f"- {note}" for note in _sentences(found.notes))
    if found.citations:
        yield f"- Sources: {'; '.join(found.citations)}."


def _difference(name: str, found: Difference, unit: str) -> str:
    share = f" ({found.absolute / found.then * 100:+.1f} %)" if found.then > 0 else ""
    parts = [f"{name} {found.then:.1f} then, {found.now:.1f}{unit} now: {found.absolute:+.1f}{unit}{share}"]
    if found.per_year is not None:
        parts.append(f"{found.per_year:+.1f}{unit} a year")
    if found.limit is not None:
        verdict = "exceeds" if found.exceeds_limit else "is within"
        parts.append(f"{verdict} the 95 % limit of a repeated scan ({found.limit:.1f}{unit})")
    return ", ".join(parts)


def _root(found: Change) -> str:
    verdict = "" if found.progression is None else ", progression" if found.progression else ", no progression"
    return f"Difference of the square roots of the volumes: {found.root_volume:+.2f}{verdict} (from {PROGRESSION_ROOT})"


def _sentences(parts: tuple[str, ...]) -> Iterator[str]:
    return (part if part.endswith((".", "!", "?")) else f"{part}." for part in parts)


def _reason(text: str) -> str:
    return "" if not text else f"{text[0].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
