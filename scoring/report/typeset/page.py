"""The values of a page with the whole result, the same for the printed report and for the pictures."""

from __future__ import annotations

from typing import Any

from scoring.report.common.catalogue import in_language
from scoring.report.common.signature import changes, confirmation
from scoring.report.typeset import remarks
from scoring.report.typeset.artery_table import table
from scoring.report.typeset.category_scale import scale
from scoring.report.typeset.change import change
from scoring.report.typeset.comparison import comparison
from scoring.report.typeset.headline import headline
from scoring.report.typeset.site import Site
from scoring.result import Score


def page_values(score: Score, site: Site, *, dated: bool) -> dict[str, Any]:
    """Everything that `result.typ` sets, in the words of the site's language.

    Without `dated` no date can be seen on the page; descriptions of charts for readers by voice have some all the same.
    Raises ValueError when the series was not scored.
    """
    texts = site.texts
    score = in_language(score, texts)
    if score.agatston is None or score.category is None:
        raise ValueError(f"a series that was not scored has no page: {score.reason}")
    return {
        **site.common(texts("report.title")),
        "confirm": site.faces.legible(confirmation(score, texts, dated=dated)),
        "changes": "" if score.review is None else changes(score.review, texts),
        "signed": score.review is not None,
        "score": headline(score, texts),
        "scale": scale(texts, score.agatston.total, score.category),
        "table": table(score, texts),
        "percentile": comparison(score, texts),
        "change": change(score, texts, dated=dated),
        "flags": remarks.flags(score, texts),
        "technique": remarks.technique(score.series, texts),
        "method": remarks.method(score, texts),
        "sources": remarks.sources(score, texts),
    }
