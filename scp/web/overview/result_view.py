"""A result as its page shows it: figures by artery, lesions, flags and what they mean, in the reader's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scoring.report.common import context
from scoring.report.common.catalogue import in_language
from scoring.report.common.texts import Texts
from scoring.report.common.words import technique
from scoring.report.typeset.artery_table import NONE, table
from scoring.report.typeset.headline import headline
from scoring.result import Lesion, Score

MOST_LESIONS = 60
"""More lesions are not listed here; review shows all of them."""


@dataclass(frozen=True, slots=True)
class ResultView:
    """What stands on the page; the parts of a score are empty for a series without one."""

    headline: dict[str, Any]
    arteries: dict[str, Any]
    lesions: tuple[dict[str, str], ...]
    lesions_left_out: int
    flags: tuple[tuple[str, str], ...]
    context: tuple[str, ...]
    technique: str


def describe_result(score_json: str, texts: Texts) -> ResultView | None:
    """Describe a stored result; None where there is nothing in it."""
    if not score_json:
        return None
    score = in_language(Score.from_json(score_json), texts)
    flags = tuple((flag.severity, flag.message) for flag in score.flags)
    made_of = technique(score.series, texts)
    if score.agatston is None or score.category is None:
        return ResultView({}, {}, (), 0, flags, (), made_of)
    lesions = sorted(score.lesions, key=lambda lesion: -lesion.agatston)
    return ResultView(
        headline={**headline(score, texts), "category_code": score.category},
        arteries=table(score, texts),
        lesions=tuple(_describe_lesion(lesion, texts) for lesion in lesions[:MOST_LESIONS]),
        lesions_left_out=max(0, len(lesions) - MOST_LESIONS),
        flags=flags,
        context=tuple(context.context(score, texts)),
        technique=made_of,
    )


def _describe_lesion(lesion: Lesion, texts: Texts) -> dict[str, str]:
    first, last = lesion.slices[0] + 1, lesion.slices[-1] + 1
    return {
        "id": str(lesion.id),
        "artery": texts(f"arteries.{lesion.artery or 'none'}"),
        "code": lesion.artery or "",
        "agatston": texts.number(lesion.agatston),
        "volume": texts.number(lesion.volume_mm3),
        "mass": NONE if lesion.mass_mg is None else texts.number(lesion.mass_mg),
        "peak": f"{lesion.max_hu:.0f}",
        "slices": str(first) if first == last else f"{first}\N{EN DASH}{last}",
        "confidence": f"{100 * lesion.confidence:.0f} %",
        "uncertain": "yes" if lesion.is_uncertain else "",
    }
