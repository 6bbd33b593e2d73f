"""The score as a figure, and the words of its category."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scoring.report.common import words
from scoring.report.common.colours import CATEGORY_COLOUR, hexadecimal
from scoring.report.common.texts import Texts
from scoring.result import Score


def headline(score: Score, texts: Texts) -> dict[str, Any]:
    """Total, category, and the facts that stand beside them.

    Raises ValueError when the series was not scored.
    """
    if score.agatston is None or score.category is None:
        raise ValueError(f"a series that was not scored has no result to show: {score.reason}")
    category = words.category_words(score.category, texts)
    return {
        "label": texts("report.score"),
        "value": figure(texts, score.agatston.total),
        "words": category,
        "colour": hexadecimal(CATEGORY_COLOUR[score.category]),
        "category": texts("report.category", category=score.category, words=category),
        "beside": list(_beside(score, texts)),
    }


def figure(texts: Texts, total: float) -> str:
    """A score as it is spoken, in the form of the language."""
    return words.headline(total).replace(".", texts("format.decimal"))


def _beside(score: Score, texts: Texts) -> Iterator[str]:
    if score.cac_drs:
        yield texts("report.cac_drs", cac_drs=score.cac_drs)
    if score.agatston_range is not None and score.agatston_range[0] != score.agatston_range[1]:
        low, high = map(texts.number, score.agatston_range)
        yield texts("report.interval", low=low, high=high)
