"""Lesions, Agatston score, volume and mass of each artery and of all, and how much of it is uncertain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from scoring.report.common.colours import NO_ARTERY_COLOUR, Colour, artery_colour, hexadecimal
from scoring.report.common.texts import Texts
from scoring.report.common.words import lesion_count, without_artery
from scoring.result import ARTERIES, Artery, ArteryValues, Lesion, Score

NONE: Final = "\N{EN DASH}"
"""Shown where there is no number."""

_HEAD: Final = ("artery", "lesions", "agatston", "volume", "mass")


def table(score: Score, texts: Texts) -> dict[str, Any]:
    """A row for each artery, one for all, then what of it is uncertain and what was left out though possible."""
    return {"head": [texts(f"report.{key}") for key in _HEAD], "rows": list(_rows(score, texts))}


def _rows(score: Score, texts: Texts) -> Iterator[dict[str, Any]]:
    for artery in ARTERIES:
        name = texts(f"arteries.{artery}")
        yield _build_row(name, _values(score, artery, texts), code=artery, colour=artery_colour(artery))
    unnamed = [lesion for lesion in score.lesions if lesion.artery is None]
    if unnamed:
        cells = [str(len(unnamed)), texts.number(without_artery(score)), *_sums(unnamed, texts)]
        yield _build_row(texts("arteries.none"), cells, colour=NO_ARTERY_COLOUR)
    yield _build_row(texts("arteries.all"), _values(score, None, texts), kind="total")
    uncertain = [lesion for lesion in score.lesions if lesion.is_uncertain]
    if uncertain:
        agatston = texts.number(sum(lesion.agatston for lesion in uncertain))
        cells = [str(len(uncertain)), agatston, *_sums(uncertain, texts)]
        yield _build_row(texts("report.uncertain"), cells, kind="part")
    yield from _build_uncounted(score, texts)


def _build_uncounted(score: Score, texts: Texts) -> Iterator[dict[str, Any]]:
    """Candidates that were not counted although they may be coronary calcium; "+" where more were not even kept."""
    possible = [candidate for candidate in score.rejected if candidate.is_possible]
    if not possible:
        return
    more = "+" if len(possible) == len(score.rejected) and score.rejected_left_out else ""
    agatston = texts.number(sum(candidate.agatston for candidate in possible))
    volume = texts.number(sum(candidate.volume_mm3 for candidate in possible))
    cells = [f"{len(possible)}{more}", f"{agatston}{more}", f"{volume}{more}", NONE]
    yield _build_row(texts("report.left_out"), cells, kind="part")


def _build_row(
    name: str, cells: Sequence[str], *, code: str = "", colour: Colour | None = None, kind: str = "artery"
) -> dict[str, Any]:
    swatch = None if colour is None else hexadecimal(colour)
    return {"name": name, "cells": list(cells), "code": code, "colour": swatch, "kind": kind}


def _values(score: Score, artery: Artery | None, texts: Texts) -> list[str]:
    def share(values: ArteryValues | None) -> str:
        if values is None:
            return NONE
        return texts.number(values.total if artery is None else values.of(artery))

    quantities = (score.agatston, score.volume_mm3, score.mass_mg)
    return [str(lesion_count(score, artery)), *map(share, quantities)]


def _sums(lesions: Sequence[Lesion], texts: Texts) -> list[str]:
    """Volume and mass; no mass where that of a lesion is not known."""
    masses = [lesion.mass_mg for lesion in lesions if lesion.mass_mg is not None]
    mass = texts.number(sum(masses)) if len(masses) == len(lesions) else NONE
    return [texts.number(sum(lesion.volume_mm3 for lesion in lesions)), mass]
