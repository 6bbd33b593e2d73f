"""The four categories on one scale with the score at its place; places are fractions of the width."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, Final

from scoring.report.common.colours import CATEGORY_COLOUR, hexadecimal
from scoring.report.common.texts import Texts
from scoring.report.common.words import CATEGORY_KEYS, category_words
from scoring.report.typeset.headline import figure
from scoring.result import CATEGORIES, Category

_ZERO: Final = 0.1
_GAP: Final = 0.008
_BORDERS: Final = (1.0, 100.0, 400.0)
_LEAST_END: Final = 4000.0
_TICKS: Final = (1, 10, 100, 400, 1000, 10_000, 100_000)
# distance that the mark keeps from the borders of its category and from the ends of the scale
_MARK: Final = 0.012
_WORDS: Final = 0.03


def scale(texts: Texts, total: float, category: Category) -> dict[str, Any]:
    """Boxes of the categories on a logarithmic axis from 1 on, ticks, and the mark inside the score's own category."""
    end = max(_LEAST_END, 1.6 * total)

    def place(score: float) -> float:
        return _ZERO + 2 * _GAP + math.log(max(score, 1.0)) / math.log(end) * (1 - _ZERO - 2 * _GAP)

    edges = [*map(place, _BORDERS), place(end)]
    spans = [(0.0, _ZERO), *((low, high if high == edges[-1] else high - _GAP / 2) for low, high in pairwise(edges))]
    left, right = spans[CATEGORIES.index(category)]
    mark = (left + right) / 2 if category == "0" else min(max(place(total), left + _MARK), right - _MARK)
    score = figure(texts, total)
    words = category_words(category, texts)
    return {
        "alt": texts("report.scale", score=score, category=category, words=words),
        "boxes": [
            {
                "left": low,
                "right": high,
                "colour": hexadecimal(CATEGORY_COLOUR[one]),
                "word": texts(f"categories.{CATEGORY_KEYS[one]}_short"),
                "chosen": one == category,
            }
            for one, (low, high) in zip(CATEGORIES, spans, strict=True)
        ],
        "ticks": [
            {"x": _ZERO / 2, "word": "0"},
            *({"x": place(tick), "word": f"{tick}"} for tick in _TICKS if tick < 0.9 * end),
        ],
        "mark": {"x": mark, "word": score, "word_x": min(max(mark, _WORDS), 1 - _WORDS)},
    }
