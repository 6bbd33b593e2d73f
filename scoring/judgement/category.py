"""From a total to the groups that readers use: the category and CAC-DRS."""

from __future__ import annotations

import math
from collections.abc import Iterable

from scoring.result import Artery, Category


def categorise(total: float, *, any_lesion: bool) -> Category:
    """The product's category; borders are judged on the total rounded to an integer.

    A total that rounds to 0 is in the second category when any lesion counts.
    """
    rounded = _round(total)
    if rounded == 0 and not any_lesion:
        return "0"
    if rounded <= 100:
        return "1-100"
    return "101-400" if rounded <= 400 else ">400"


def format_cac_drs(total: float, arteries: Iterable[Artery | None]) -> str:
    """CAC-DRS of a total and the arteries of its lesions, as "A2/N3"; "A0" when there is no lesion.

    Hecht et al., J Cardiovasc Comput Tomogr 2018;12:185: A1 = 1-99, A2 = 100-299, A3 from 300 (300 itself by
    doi 10.1186/s12968-023-00958-5); N = number of the arteries LM, LAD, LCX, RCA with calcium. Where a lesion's
    artery is not known (None), N is not either and is left out.
    """
    diseased = set(arteries)
    if not diseased:
        return "A0"
    rounded = _round(total)
    grade = 1 if rounded < 100 else 2 if rounded < 300 else 3
    return f"A{grade}" if None in diseased else f"A{grade}/N{len(diseased)}"


def _round(total: float) -> int:
    return math.floor(total + 0.5)
