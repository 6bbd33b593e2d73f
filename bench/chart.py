"""A bar chart as PNG, with a group of bars for each program."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evaluation.canvas import BLUE, GREEN, GREY, INK, PALE, Axis, Canvas, Colour

_WIDTH: Final = 860
_LABELS, _RIGHT, _TOP, _BOTTOM = 200, 90, 78, 24
_BAR, _GAP = 20, 16
COLOURS: Final[tuple[Colour, ...]] = (BLUE, GREEN, GREY)


@dataclass(frozen=True)
class Group:
    """The bars of one program; NaN is drawn as a dash."""

    title: str
    values: tuple[float, ...]


def draw(path: Path, title: str, legend: Sequence[str], groups: Sequence[Group], *, digits: int = 0) -> None:
    """Write the picture; `legend` names the bars of a group in their order."""
    height = _TOP + len(groups) * (len(legend) * _BAR + _GAP) + _BOTTOM
    canvas = Canvas(_WIDTH, height)
    finite = [value for group in groups for value in group.values if math.isfinite(value)]
    axis = Axis(0, max(finite, default=1) or 1, _LABELS, _WIDTH - _RIGHT)
    canvas.text((24, 24), title, 17, INK, anchor="lm", bold=True)
    for number, name in enumerate(legend):
        left = _LABELS + 180 * number
        canvas.box((left, 46), (left + 14, 60), fill=COLOURS[number])
        canvas.text((left + 22, 53), name, 13, INK, anchor="lm")
    canvas.line([(_LABELS, _TOP - 6), (_LABELS, height - _BOTTOM)], PALE)
    top = float(_TOP)
    for group in groups:
        canvas.text((_LABELS - 12, top + len(legend) * _BAR / 2), group.title, 13, INK, anchor="rm")
        for value, colour in zip(group.values, COLOURS, strict=False):
            end = axis(value) if math.isfinite(value) else axis(0)
            if end > axis(0):
                canvas.box((axis(0), top + 2), (end, top + _BAR - 2), fill=colour)
            words = f"{value:,.{digits}f}" if math.isfinite(value) else "-"
            canvas.text((end + 8, top + _BAR / 2), words, 12, INK, anchor="lm")
            top += _BAR
        top += _GAP
    canvas.save(path)
