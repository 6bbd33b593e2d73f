"""The figures of an assessment as rows of tables, in the words and with the decimal sign of a language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from scoring.report.common.texts import Texts
from scoring.result import CATEGORIES
from scoring.validation.agreement import Agreement, ArteryAgreement
from scoring.validation.assessment import Assessment, Needed, Stratum
from scoring.validation.detection import Detection
from scoring.validation.drift import Alarm
from scoring.validation.estimate import Estimate
from scoring.validation.limits import Limits
from scoring.validation.worst import Worst

NONE: Final = "\N{EN DASH}"
"""Shown where there is no number."""

Form = Literal["ratio", "share", "score", "root"]
"""A number from -1 to 1, a proportion in per cent, a difference of Agatston scores, one of their square roots."""


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of a table: its name, value, interval or why there is none, number of cases, and what it says."""

    name: str
    value: str
    interval: str
    cases: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a title."""

    title: str
    rows: tuple[Row, ...]


def list_tables(agreement: Agreement, texts: Texts) -> list[Table]:
    """Every figure of a group of pairs: detection first, false zeros before all."""
    return [
        Table(texts("validation.detection"), tuple(_list_detection(agreement.detection, texts))),
        Table(texts("validation.agreement"), tuple(_list_agreement(agreement, texts))),
        Table(texts("validation.limits"), tuple(_list_limits(agreement.differences, agreement.roots, texts))),
    ]


def format_number(value: float | None, form: Form, texts: Texts) -> str:
    """A number in its form."""
    if value is None:
        return NONE
    if form == "share":
        return f"{texts.number(100 * value)} %"
    if form == "ratio":
        return texts.number(value, 3).replace("-", "\N{MINUS SIGN}")
    return texts.signed(value, 1 if form == "score" else 2)


def format_interval(one: Estimate, form: Form, texts: Texts) -> str:
    """The interval of a figure, or the reason why it has none."""
    if one.low is None or one.high is None:
        return texts(f"validation.missing_{one.missing}") if one.missing else NONE
    low, high = (format_number(number, form, texts) for number in (one.low, one.high))
    return texts("validation.expected_range", low=low, high=high)


def format_estimate(one: Estimate, form: Form, texts: Texts) -> str:
    """A figure with its interval in one cell."""
    if one.value is None:
        return format_interval(one, form, texts)
    value = format_number(one.value, form, texts)
    if one.low is None or one.high is None:
        return f"{value} ({format_interval(one, form, texts)})"
    low, high = (format_number(number, form, texts) for number in (one.low, one.high))
    return texts("validation.of", estimate=value, low=low, high=high)


def name_stratum(stratum: Stratum, texts: Texts) -> str:
    """The name of a group of scans, with its unit."""
    if not stratum.name:
        return texts("validation.unknown")
    if stratum.by in {"kvp", "thickness"}:
        return texts(f"validation.unit_{stratum.by}", value=texts.short(float(stratum.name)))
    return stratum.name


def list_matrix(agreement: Agreement) -> list[list[int]]:
    """The table of categories with its sums in the last row and column."""
    rows = [[*row, sum(row)] for row in agreement.matrix]
    return [*rows, [sum(column) for column in zip(*rows, strict=True)]]


def list_artery_cells(arteries: Sequence[ArteryAgreement], texts: Texts) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the table by artery."""
    head = ["artery", "cases", "false_zeros", "false_positives", "sensitivity", "kappa", "icc_agreement", "bias_roots"]
    rows = [
        [
            one.artery,
            str(one.n),
            str(one.detection.false_zeros),
            str(one.detection.false_positives),
            format_estimate(one.detection.sensitivity, "share", texts),
            format_estimate(one.kappa, "ratio", texts),
            format_estimate(one.icc_agreement, "ratio", texts),
            format_estimate(one.roots.bias, "root", texts),
        ]
        for one in arteries
    ]
    return [texts(f"validation.{key}") for key in head], rows


def list_stratum_cells(strata: Sequence[Stratum], texts: Texts) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the table of groups of scans; the first cell of the head is empty."""
    head = ["cases", "false_zeros", "false_positives", "kappa_linear", "icc_agreement", "bias_roots"]
    rows = [
        [
            name_stratum(one, texts),
            str(one.agreement.n),
            str(one.agreement.detection.false_zeros),
            str(one.agreement.detection.false_positives),
            format_estimate(one.agreement.kappa_linear, "ratio", texts),
            format_estimate(one.agreement.icc_agreement, "ratio", texts),
            format_estimate(one.agreement.roots.bias, "root", texts),
        ]
        for one in strata
    ]
    return ["", *(texts(f"validation.{key}") for key in head)], rows


def list_worst_cells(worst: Sequence[Worst], texts: Texts) -> list[list[str]]:
    """Rows of the worst cases: why it is one, the reader's total, ours, and the series."""
    return [
        [
            texts(f"validation.why_{one.why}"),
            texts.number(one.pair.theirs.total),
            texts.number(one.pair.ours.total),
            one.pair.series_instance_uid,
        ]
        for one in worst
    ]


def list_expected(agreement: Agreement, texts: Texts) -> list[tuple[str, str]]:
    """The reader's score, and between which scores ours lies."""
    return [
        (
            texts.number(one.reader, 0),
            texts("validation.expected_range", low=texts.number(one.low, 0), high=texts.number(one.high, 0)),
        )
        for one in agreement.expected
    ]


def list_needed(assessment: Assessment, texts: Texts) -> list[Row]:
    """How many cases each precision asks for, and how many are missing."""
    return [_describe_needed(one, texts) for one in assessment.needed]


def list_left_out(assessment: Assessment, texts: Texts) -> list[tuple[str, int]]:
    """How many readings do not count, by reason, the most frequent first."""
    counts: dict[str, int] = {}
    for one in assessment.left_out:
        counts[one.why] = counts.get(one.why, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return [(texts(f"validation.left_out_{why}"), count) for why, count in ordered]


def describe_alarm(alarm: Alarm, months: int, texts: Texts) -> str:
    """A sign of drift as a sentence."""
    form: Form = "ratio" if alarm.sign == "kappa" else "share"
    values: dict[str, object] = {
        "now": format_estimate(alarm.now, form, texts),
        "before": format_estimate(alarm.before, form, texts),
    }
    if alarm.sign == "kappa":
        return texts("validation.alarm_kappa", months=months, **values)
    scanner = texts("validation.alarm_scanner", scanner=alarm.scanner) if alarm.scanner else ""
    return texts(f"validation.alarm_{alarm.sign}", month=alarm.month, scanner=scanner, **values)


def _describe_needed(one: Needed, texts: Texts) -> Row:
    width = texts.number(one.half_width, 2) if one.figure == "kappa" else format_number(one.half_width, "share", texts)
    suffix = "_sensitivity" if one.figure == "sensitivity" else ""
    more = one.needed - one.have
    return Row(
        texts(f"validation.needed_figure_{one.figure}", width=width),
        texts(f"validation.needed_count{suffix}", needed=one.needed),
        texts("validation.needed_have", have=one.have),
        "",
        texts("validation.needed_more", more=more) if more > 0 else texts("validation.needed_enough"),
    )


def _list_detection(detection: Detection, texts: Texts) -> Iterator[Row]:
    n = detection.both + detection.false_zeros + detection.false_positives + detection.neither
    for key, count in (("false_zeros", detection.false_zeros), ("false_positives", detection.false_positives)):
        yield Row(texts(f"validation.{key}"), str(count), "", str(n), texts(f"validation.{key}_meaning"))
    for key in ("sensitivity", "specificity", "positive_predictive", "negative_predictive"):
        yield _build(key, getattr(detection, key), "share", texts)


def _list_agreement(agreement: Agreement, texts: Texts) -> Iterator[Row]:
    yield _build("same", agreement.same, "share", texts)
    for key in ("kappa_linear", "kappa_quadratic", "kappa", "icc_agreement", "icc_consistency", "icc_roots"):
        yield _build(key, getattr(agreement, key), "ratio", texts)
    for key in ("concordance", "pearson", "spearman"):
        yield _build(key, getattr(agreement, key), "ratio", texts)
    yield _build("within_range", agreement.within_range, "share", texts)


def _list_limits(raw: Limits, roots: Limits, texts: Texts) -> Iterator[Row]:
    form: Form
    for suffix, limits, form in (("", raw, "score"), ("_roots", roots, "root")):
        yield _build(f"bias{suffix}", limits.bias, form, texts, meaning="bias_meaning" if not suffix else "")
        for side in ("lower", "upper"):
            yield _build(f"{side}{suffix}", getattr(limits, side), form, texts, meaning="limits_meaning")
    yield _build("widening", raw.widening, "ratio", texts)


def _build(key: str, one: Estimate, form: Form, texts: Texts, *, meaning: str | None = None) -> Row:
    meaning = f"{key}_meaning" if meaning is None else meaning
    return Row(
        texts(f"validation.{key}"),
        format_number(one.value, form, texts),
        format_interval(one, form, texts),
        str(one.n),
        texts(f"validation.{meaning}") if meaning else "",
    )


def name_categories(texts: Texts) -> list[str]:
    """The heads of the table of categories: the categories, then all."""
    return [*CATEGORIES, texts("validation.all")]
