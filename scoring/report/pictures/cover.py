"""The first pages of the pictures: the whole result, as a rule on one, set by the template of the printed report."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any, Final

from PIL import Image

from scoring.report.common.colours import SCREEN
from scoring.report.common.texts import Texts
from scoring.report.pictures.drawing import HEIGHT, WIDTH
from scoring.report.typeset import typesetter
from scoring.report.typeset.page import page_values
from scoring.report.typeset.site import Site
from scoring.result import Score

TEMPLATE: Final = "cover.typ"


def cover(
    score: Score, site: Site, *, version: int, series_number: str = "", slices: int = 0, left_out: int = 0
) -> list[Image.Image]:
    """Score, category, arteries, percentile, change, notes, method: RGB pages of the size of all pictures.

    `version` is that of the result, `series_number` that of the source; `slices` is how many have a page of their own,
    `left_out` how many more have calcium. Raises ValueError when the series was not scored.
    """
    values = cover_values(score, site, version=version, series_number=series_number, slices=slices, left_out=left_out)
    pages = typesetter.set_pictures(TEMPLATE, values, site.files(), faces=site.faces, palette=SCREEN)
    return [_open_page(page) for page in pages]


def cover_values(
    score: Score, site: Site, *, version: int, series_number: str = "", slices: int = 0, left_out: int = 0
) -> dict[str, Any]:
    """Everything on the first pages, which show neither the patient nor a date.

    Arguments and errors are those of `cover`.
    """
    texts = site.texts
    values = page_values(score, site, dated=False)
    return {
        **values,
        "width": WIDTH,
        "height": HEIGHT,
        "beside": list(_beside(score, texts)),
        "notes": list(_list_notes(values, texts, slices, left_out)),
        "small": list(_small_print(score, values, texts, series_number, version)),
        "continued": texts("pictures.continued", title=values["title"]),
        "goes_on": texts("pictures.goes_on"),
    }


def _open_page(page: bytes) -> Image.Image:
    with Image.open(BytesIO(page)) as picture:
        return picture.convert("RGB")


def _beside(score: Score, texts: Texts) -> Iterator[str]:
    """Short lines beside the score: category and CAC-DRS, then the interval in whole numbers where these differ."""
    drs = [texts("report.cac_drs", cac_drs=score.cac_drs)] if score.cac_drs else []
    yield " · ".join([texts("pictures.category", category=score.category), *drs])
    if score.agatston_range is not None and score.agatston_range[0] != score.agatston_range[1]:
        low, high = score.agatston_range
        digits = 0 if round(low) != round(high) else 1
        yield texts("pictures.interval", low=texts.number(low, digits), high=texts.number(high, digits))


def _list_notes(values: dict[str, Any], texts: Texts, slices: int, left_out: int) -> Iterator[dict[str, Any]]:
    """Remarks: first the differences between two scans, then the flags, then what the pages leave out."""
    if values["change"]["unlike"]:
        yield {"kind": texts("report.warning"), "alarm": True, "words": values["change"]["unlike"]}
    yield from values["flags"]["items"]
    if not values["flags"]["items"]:
        yield {"kind": "", "alarm": False, "words": values["flags"]["nothing"]}
    if left_out:
        yield {"kind": "", "alarm": False, "words": texts("pictures.left_out", shown=slices, more=left_out)}


def _small_print(score: Score, values: dict[str, Any], texts: Texts, series_number: str, version: int) -> Iterator[str]:
    """Paragraphs that belong to the numbers: remarks, technique, method, sources."""
    if values["changes"]:
        yield values["changes"]
    change, percentile = values["change"], values["percentile"]
    if change["chart"] is not None:
        band = [texts("pictures.band")] if change["chart"]["band"] else []
        yield from _label_sentences(texts("report.no_change_title"), [*band, *change["lines"]])
    yield from _label_sentences(percentile["title"], percentile["caveats"])
    series = [texts("report.series", series=series_number)] if series_number else []
    rows = [f"{label}: {value}" for label, value in values["technique"]["rows"]]
    yield "; ".join([*series, *rows]) + "."
    software = f"{score.provenance.software} {score.provenance.version}, {texts('pictures.version', version=version)}."
    yield from _label_sentences(values["method"]["title"], [values["method"]["words"], software])
    sources = values["sources"]
    yield from _label_sentences(sources["title"], ["; ".join(line.rstrip(".") for line in sources["lines"])])


def _label_sentences(label: str, sentences: list[str]) -> Iterator[str]:
    if sentences:
        yield f"{label}: {' '.join(sentences)}"
