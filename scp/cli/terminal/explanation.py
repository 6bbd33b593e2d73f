"""The table of `coronode score --explain`: every candidate, counted or not, for a person who looks at the images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from scoring.result import POSSIBLE, SURE, Lesion, RejectedCandidate, Score

_IN_DOUBT: Final = "in doubt"
_HEADS: Final = ("Agatston", "confidence", "slices", "peak HU", "x mm", "y mm", "z mm")
_WORDS: Final = frozenset({"artery", "slices", "why not"})


def format_explanation(score: Score) -> str:
    """Format the range, every counted lesion and every rejected candidate near the heart; "" when there is no score."""
    if score.agatston is None or score.agatston_range is None:
        return ""
    low, high = score.agatston_range
    counted = sorted(score.lesions, key=lambda item: -item.agatston)
    parts = [
        f"Total {score.agatston.total:.1f}; without and with doubtful lesions: {low:.1f} to {high:.1f}",
        *_list_counted(counted),
    ]
    # inside a mask everything counts: no candidate was judged
    if score.provenance.engine != "mask":
        parts += _list_rejected(score)
    if counted or score.rejected:
        parts.append(
            "Slices count from 1 at the feet; x, y, z: centre in mm towards left, back and head (DICOM coordinates)."
        )
    return "\n".join(parts)


def _list_counted(lesions: Sequence[Lesion]) -> list[str]:
    if not lesions:
        return ["Counted: nothing"]
    heads = ("id", "artery", *_HEADS, "")
    rows = [
        (str(item.id), item.artery or "-", *_format_cells(item), _IN_DOUBT if item.confidence < SURE else "")
        for item in lesions
    ]
    return [f"Counted: {_format_count(len(lesions), 'lesion')}, largest first", *_align_columns(heads, rows)]


def _list_rejected(score: Score) -> list[str]:
    if not score.rejected:
        return ["Not counted near the heart: nothing"]
    heads = ("id", *_HEADS, "", "why not")
    rows = [
        (str(item.id), *_format_cells(item), _IN_DOUBT if item.confidence >= POSSIBLE else "", item.reason.text)
        for item in score.rejected
    ]
    more = f"; {score.rejected_left_out} more are not listed" if score.rejected_left_out else ""
    title = f"Not counted near the heart: {_format_count(len(score.rejected), 'candidate')}, largest first{more}"
    return [title, *_align_columns(heads, rows)]


def _format_cells(item: Lesion | RejectedCandidate) -> tuple[str, ...]:
    first, last = item.slices[0] + 1, item.slices[-1] + 1
    return (
        f"{item.agatston:.1f}",
        f"{item.confidence:.3f}",
        str(first) if first == last else f"{first}-{last}",
        f"{item.max_hu:.0f}",
        *(str(round(place)) for place in item.centroid_mm),
    )


def _align_columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    table = [heads, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "    "
        + "  ".join(
            cell.ljust(width) if head in _WORDS else cell.rjust(width)
            for head, cell, width in zip(heads, line, widths, strict=True)
        ).rstrip()
        for line in table
    ]


def _format_count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
