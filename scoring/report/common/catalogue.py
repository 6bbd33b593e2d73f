"""From codes and values to sentences: the one place that words flags, refusals and statements.

The texts of a language hold a sentence for each code, in the section of its kind; where a code has several, the key is
"code-variant", and "-one" at its end is the form for a value `count` of 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from config.errors import NotScorable, Value
from scoring.report.common.texts import Texts
from scoring.result import Change, Flag, Percentile, RejectedCandidate, Risk, Score, Statement

FLAGS: Final = "flags"
REFUSALS: Final = "refusals"
STATEMENTS: Final = "statements"


def sentence(item: Flag | Statement | NotScorable, texts: Texts) -> str:
    """The sentence of a flag, a statement or a refusal, without a final full stop.

    An item without an entry in the catalogue keeps its own words: those of a version 0.1.0 result, or of a third-party
    anatomy engine (value `text`).
    """
    key = _find_key(item, texts)
    if key is not None:
        return texts(key, **item.values)
    brought = item.values.get("text") or (item.message if isinstance(item, Flag) else getattr(item, "text", ""))
    return str(brought) or _describe(item.code, item.values)


def has_sentence(item: Flag | Statement | NotScorable, texts: Texts) -> bool:
    """Whether the catalogue words an item itself, in the language of the texts."""
    return _find_key(item, texts) is not None


def in_language(score: Score, texts: Texts) -> Score:
    """The score with every sentence in the words of `texts`."""
    flags = tuple(replace(flag, message=sentence(flag, texts)) for flag in score.flags)
    verdict = next((flag.message for flag in reversed(flags) if flag.severity == "reject"), score.reason)
    origin = score.provenance.mass_factor_origin
    return replace(
        score,
        reason=None if score.status == "scored" else verdict,
        flags=flags,
        provenance=replace(score.provenance, mass_factor_origin=_fill_optional(origin, texts)),
        rejected=tuple(_fill_rejected(item, texts) for item in score.rejected),
        percentile=None if score.percentile is None else _fill_percentile(score.percentile, texts),
        risk=None if score.risk is None else _fill_risk(score.risk, texts),
        change=None if score.change is None else _fill_change(score.change, texts),
    )


def _find_key(item: Flag | Statement | NotScorable, texts: Texts) -> str | None:
    """The key of the sentence, None where the catalogue has none or its placeholders are not all there."""
    if isinstance(item, Statement):
        section = STATEMENTS
    else:
        section = REFUSALS if isinstance(item, NotScorable) or item.severity == "reject" else FLAGS
    variant = item.values.get("variant")
    key = f"{section}.{item.code}" if variant is None else f"{section}.{item.code}-{variant}"
    if item.values.get("count") == 1 and f"{key}-one" in texts.words:
        key = f"{key}-one"
    if key not in texts.words or "text" in item.values:
        return None
    return key if texts.placeholders(key) <= item.values.keys() else None


def _describe(code: str, values: Mapping[str, Value]) -> str:
    """A fallback line for a code without a sentence."""
    return " ".join((code, *(f"{name}={value}" for name, value in values.items())))


def _fill_statement(statement: Statement, texts: Texts) -> Statement:
    return replace(statement, text=sentence(statement, texts))


def _fill_optional(statement: Statement | None, texts: Texts) -> Statement | None:
    return None if statement is None else _fill_statement(statement, texts)


def _fill_all(statements: tuple[Statement, ...], texts: Texts) -> tuple[Statement, ...]:
    return tuple(_fill_statement(statement, texts) for statement in statements)


def _fill_rejected(item: RejectedCandidate, texts: Texts) -> RejectedCandidate:
    return replace(item, reason=_fill_statement(item.reason, texts))


def _fill_percentile(item: Percentile, texts: Texts) -> Percentile:
    return replace(item, caveats=_fill_all(item.caveats, texts))


def _fill_risk(item: Risk, texts: Texts) -> Risk:
    return replace(
        item,
        ten_year_reason=_fill_optional(item.ten_year_reason, texts),
        percentile_reason=_fill_optional(item.percentile_reason, texts),
        change_reason=_fill_all(item.change_reason, texts),
    )


def _fill_change(item: Change, texts: Texts) -> Change:
    return replace(
        item,
        differences=_fill_all(item.differences, texts),
        notes=_fill_all(item.notes, texts),
        citations=_fill_all(item.citations, texts),
    )
