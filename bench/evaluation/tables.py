"""The tables of the whole population and of the real scans."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from evaluation import agreement, measures
from evaluation.reading import NOT_SCORABLE, Reading
from evaluation.scan import Scan
from evaluation.table import number, percent, share, table
from scoring.result import ARTERIES, CATEGORIES, Artery


def summary(scans: Sequence[Scan], failed: int) -> str:
    """Tabulate all measures of the whole population, one per row."""
    return table(("Measure", "Value"), [list(row) for row in _summary(scans, failed)])


def _summary(scans: Sequence[Scan], failed: int) -> Iterator[tuple[str, str]]:
    pairs = measures.totals(scans)
    fit = sum(scan.is_fit for scan in scans)
    yield "Scans, scored", f"{len(scans)}, {len(pairs)}"
    yield "Refused although fit for scoring", share(measures.refusals(scans, fit=True).total(), fit)
    yield (
        "Refused of those with metal in the heart",
        share(measures.refusals(scans, fit=False).total(), len(scans) - fit),
    )
    yield "Failed (software error)", str(failed)
    same = measures.agreeing(scans)
    low, high = agreement.wilson(same, len(pairs))
    yield "Same category", f"{share(same, len(pairs))}, 95 % interval {percent(low)} to {percent(high)}"
    yield "Kappa of the category, linear weights", number(agreement.weighted_kappa(measures.levels(scans)), 3)
    yield "ICC(2,1) of the total", number(agreement.icc(pairs), 4)
    yield "False zeros, truth over 0", share(*measures.false_zeros(scans))
    yield "False zeros, truth 1 and more", share(*measures.false_zeros(scans, 1.0))
    yield "Over 0 without calcium", share(*measures.false_positives(scans))
    limits = agreement.bland_altman(pairs)
    bounds = f"{number(limits.low, sign=True)} to {number(limits.high, sign=True)}"
    yield "Bland-Altman bias and limits, Agatston", f"{number(limits.bias, sign=True)}, {bounds}"
    yield "Absolute error, median and 95th percentile", _spread(measures.absolute_errors(scans), number)
    yield "Relative error (truth over 0), median and 95th percentile", _spread(measures.relative_errors(scans), percent)
    yield "Calcifications found, all above the threshold", share(*measures.calcifications(scans))
    yield "Calcifications found, 1 Agatston and more", share(*measures.calcifications(scans, 1.0))
    missed, false = (measures.per_scan(scans, count) for count in (lambda s: len(s.missed), lambda s: len(s.false)))
    yield (
        "Missed per scan: calcifications, Agatston",
        f"{number(missed, 2)}, {number(measures.missed_agatston(scans), 2)}",
    )
    yield "False per scan: lesions, Agatston", f"{number(false, 2)}, {number(measures.false_agatston(scans), 2)}"
    masses = measures.mass_errors(scans)
    spread = f"{percent(agreement.mean(masses), sign=True)}, {percent(agreement.deviation(masses))}"
    yield f"Mass, relative error: mean, SD ({len(masses)} scans)", spread
    yield "Range contains the true total", share(*measures.covered(scans))
    yield "The same, within 10 % or 1 Agatston", share(*measures.covered(scans, 0.1, 1.0))
    yield "Seconds per scan, median and 95th percentile", _spread([scan.record.seconds for scan in scans], number)


def _spread(values: Sequence[float], shown: Callable[[float], str]) -> str:
    return f"{shown(agreement.quantile(values, 0.5))}, {shown(agreement.quantile(values, 0.95))}"


def confusion(scans: Sequence[Scan]) -> list[list[int]]:
    """Count scans by true category (rows) and measured category (columns, the last for refused scans)."""
    counts = [[0] * (len(CATEGORIES) + 1) for _ in CATEGORIES]
    for scan in scans:
        counts[scan.true_level][len(CATEGORIES) if scan.measured_level is None else scan.measured_level] += 1
    return counts


def categories(scans: Sequence[Scan]) -> str:
    """Tabulate the confusion matrix, and the errors by true category."""
    rows = []
    for level, counts in enumerate(confusion(scans)):
        part = [scan for scan in scans if scan.true_level == level]
        errors = _spread(measures.absolute_errors(part), number), _spread(measures.relative_errors(part), percent)
        rows.append([f"**{CATEGORIES[level]}**", *map(str, counts), *errors])
    return table(("True", *CATEGORIES, "refused", "absolute error", "relative error"), rows)


def refusals(scans: Sequence[Scan], failed: dict[int, str]) -> str:
    """Tabulate the reasons for refusals, and list the errors."""
    fit, metal = measures.refusals(scans, fit=True), measures.refusals(scans, fit=False)
    rows = [[f"`{code}`", str(fit[code]), str(metal[code])] for code in sorted({*fit, *metal})]
    text = table(("Reason", "fit for scoring", "with metal in the heart"), rows) if rows else "None was refused.\n"
    return text + "".join(f"\nSeed {seed} failed: {error}\n" for seed, error in sorted(failed.items()))


def arteries(scans: Sequence[Scan]) -> str:
    """Tabulate the agreement for each artery, and to which arteries the Agatston of each was assigned."""
    groups: dict[str, tuple[Artery, ...]] = {a: (a,) for a in ARTERIES} | {"LM + LAD": ("LM", "LAD")}
    rows = []
    for name, group in groups.items():
        pairs = measures.artery_totals(scans, group)
        detected = [measured > 0 for true, measured in pairs if true > 0]
        clean = [measured == 0 for true, measured in pairs if true == 0]
        limits = agreement.bland_altman(pairs)
        rows.append(
            [
                name,
                number(agreement.icc(pairs), 3),
                number(limits.bias, sign=True),
                f"{number(limits.low, sign=True)} to {number(limits.high, sign=True)}",
                share(sum(detected), len(detected)),
                share(sum(clean), len(clean)),
                percent(measures.correctly_assigned(scans, group)),
            ]
        )
    header = ("Artery", "ICC", "bias", "limits", "calcium detected", "clean recognised", "AU correctly assigned")
    parts = measures.artery_agatston(scans)
    columns = (*ARTERIES, measures.MISSED)
    assigned = [
        [f"**{true}**", *(number(parts.get((true, column), 0.0), 0) for column in columns)]
        for true in (*ARTERIES, measures.NOT_CORONARY)
    ]
    return (
        table(header, rows)
        + "\n"
        + table(("Agatston, true in", *(f"assigned to {a}" for a in ARTERIES), "missed"), assigned)
    )


def calibration(judged: Sequence[tuple[float, bool]]) -> str:
    """Tabulate confidence against truth, in ten bins."""
    parts = agreement.bins(judged)
    rows = [
        [
            f"{part.low:.1f} to {part.high:.1f}",
            str(part.count),
            number(part.confidence, 2),
            f"{number(part.share, 2)}",
            "-" if not part.count else "{:.2f} to {:.2f}".format(*agreement.wilson(part.true, part.count)),
        ]
        for part in parts
    ]
    errors = f"Expected calibration error {number(agreement.calibration_error(parts), 3)}"
    header = ("Confidence", "candidates", "mean", "truly coronary", "95 % interval")
    return f"{table(header, rows)}\n{errors}, Brier score {number(agreement.brier(judged), 3)}.\n"


def readings(scans: Sequence[Reading]) -> str:
    """Tabulate the real scans, one per row, and the agreement of those that have a reader's score."""
    header = ("Scan", "expected", "found", "range", "category", "right", "false AU", "missed AU", "refused")
    text = table(header, map(_reading, scans))
    text += f"\nAs expected: {share(sum(item.is_right for item in scans), len(scans))}.\n"
    pairs = [
        (item.case.total, item.score.agatston.total)
        for item in scans
        if item.case.total is not None and item.score is not None and item.score.agatston is not None
    ]
    levels = [
        (_level(item.case.expected), _level((item.score.category,)))
        for item in scans
        if item.case.total is not None and item.score is not None and item.score.category is not None
    ]
    if len(pairs) > 1:
        kappa, icc = number(agreement.weighted_kappa(levels), 3), number(agreement.icc(pairs), 4)
        text += f"\nOf {len(pairs)} with a reader's score: kappa {kappa}, ICC {icc}.\n"
    return text


def _level(names: Sequence[str]) -> int:
    return [str(category) for category in CATEGORIES].index(names[0])


def _reading(item: Reading) -> list[str]:
    total, score = item.case.total, item.score
    words = " or ".join(name.replace(NOT_SCORABLE, "refused") for name in item.case.expected)
    expected = words if total is None else f"{number(total)} ({words})"
    right = "yes" if item.is_right else "**no**"
    name = f"{item.case.group}/{item.case.name}"
    if score is None:
        return [name, expected, "-", "-", "-", right, "-", "-", f"failed: {item.error}"]
    if score.agatston is None or score.agatston_range is None:
        code = next(flag.code for flag in score.flags if flag.severity == "reject")
        return [name, expected, "-", "-", "-", right, "-", "-", f"`{code}`"]
    low, high = score.agatston_range
    return [
        name,
        expected,
        number(score.agatston.total),
        f"{number(low)} to {number(high)}",
        str(score.category),
        right,
        number(math.nan if item.false is None else item.false),
        number(math.nan if item.missed is None else item.missed),
        "",
    ]
