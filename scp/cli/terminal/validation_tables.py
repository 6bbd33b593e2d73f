"""What `coronode validate` prints: the figures as tables, and the rows of a file that are not used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from scp.cli.terminal.listing import print_table
from scp.cli.terminal.output import say

if TYPE_CHECKING:
    from scoring.report.common.texts import Texts
    from scoring.validation.assessment import Assessment
    from scp.validating.table import Refused

_MOST_WORST: Final = 20
_REPEATED: Final = frozenset({"row_known", "row_same"})
"""Rows that say nothing new: no fault of the file."""


def show_refused(refused: Sequence[Refused], texts: Texts) -> None:
    """Print each row that is not used, on standard error."""
    for one in refused:
        say(f"{texts('validation.line')} {one.line}: {texts(f'validation.{one.code}', **one.values)}", err=True)


def has_faults(refused: Iterable[Refused]) -> bool:
    """Return whether a row was refused for anything but being here already."""
    return any(one.code not in _REPEATED for one in refused)


def list_refused(refused: Sequence[Refused], texts: Texts) -> list[dict[str, object]]:
    """The same for a script."""
    return [
        {"line": one.line, "code": one.code, "reason": texts(f"validation.{one.code}", **one.values)} for one in refused
    ]


def show_assessment(assessment: Assessment, texts: Texts) -> None:
    """Print every figure."""
    from scoring.report.agreement import words

    total = assessment.total
    say(texts("validation.pairs", n=total.n) if total.n else texts("validation.no_pairs"))
    for origin, count in assessment.origins.items():
        say(f"  {count} {texts(f'validation.origin_{origin}')}")
    for reason, count in words.list_left_out(assessment, texts):
        say(f"  {count} {texts('validation.left_out')}: {reason}")
    if not total.n:
        return
    heads = [texts(f"validation.{key}") for key in ("figure", "value", "interval", "cases")]
    for table in words.list_tables(total, texts):
        say()
        print_table([table.title, *heads[1:]], [(row.name, row.value, row.interval, row.cases) for row in table.rows])
    say()
    names = words.name_categories(texts)
    matrix = words.list_matrix(total)
    print_table(
        [f"{texts('validation.reader')} \\ {texts('validation.ours')}", *names],
        [[name, *map(str, row)] for name, row in zip(names, matrix, strict=True)],
    )
    say()
    print_table(*words.list_artery_cells(assessment.arteries, texts))
    for by in dict.fromkeys(stratum.by for stratum in assessment.strata):
        say()
        head, rows = words.list_stratum_cells([one for one in assessment.strata if one.by == by], texts)
        print_table([texts(f"validation.stratum_{by}"), *head[1:]], rows)
    _show_worst(assessment, texts)
    say()
    needed = [(row.name, row.value, row.interval, row.meaning) for row in words.list_needed(assessment, texts)]
    print_table([texts("validation.needed"), "", "", ""], needed)


def _show_worst(assessment: Assessment, texts: Texts) -> None:
    from scoring.report.agreement import words

    say()
    if not assessment.worst:
        say(texts("validation.worst_none"))
        return
    rows = words.list_worst_cells(assessment.worst[:_MOST_WORST], texts)
    print_table([texts(f"validation.{key}") for key in ("worst", "reader", "ours", "series")], rows)
    if len(assessment.worst) > _MOST_WORST:
        say(texts("validation.more_cases", count=len(assessment.worst) - _MOST_WORST))
