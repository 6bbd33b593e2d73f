"""The codes and sentences of a report beside its numbers."""

from __future__ import annotations

from collections.abc import Iterator

from dicom.coding import Code
from scoring.report.common import context
from scoring.report.common.signature import changes, confirmation
from scoring.report.common.texts import Texts
from scoring.report.common.words import has_warning, technique
from scoring.report.sr import codes
from scoring.result import Change, Score

Evaluation = tuple[Code, Code]
Note = tuple[Code, str]


def evaluations(score: Score) -> list[Evaluation]:
    """Convention, suitability of the images, risk word, category and CAC-DRS, each with its name."""
    coded = [
        (codes.CONVENTION_NAME, codes.convention_code(score.provenance.convention)),
        (codes.QUALITY_NAME, suitability(score)),
    ]
    if score.category is not None:
        coded.append((codes.RISK_NAME, codes.RISK[score.category]))
        coded.append((codes.CATEGORY_NAME, codes.category_code(score.category)))
    if score.cac_drs:
        coded.append((codes.CAC_DRS_NAME, codes.cac_drs_code(score.cac_drs)))
    return coded


def suitability(score: Score) -> Code:
    """Suitability of the images for scoring, according to the flags."""
    if score.status != "scored" or any(flag.severity == "reject" for flag in score.flags):
        return codes.NOT_SUITABLE
    return codes.WITH_REMARKS if has_warning(score) else codes.SUITABLE


def notes(score: Score, texts: Texts) -> Iterator[Note]:
    """Sentences on the whole tree: review, reason, percentile, arterial age, ten-year risk, technique, each flag."""
    if score.review is not None:
        yield codes.REVIEW_NAME, f"{confirmation(score, texts)} {changes(score.review, texts)}"
    if score.status == "scored":
        yield codes.PERCENTILE_NAME, context.percentile(score, texts)
        yield codes.ARTERIAL_AGE_NAME, context.arterial_age(score, texts)
        yield codes.TEN_YEAR_NAME, context.ten_year(score, texts)
        if score.change is None:
            yield codes.CHANGE_NAME, " ".join(context.change(score, texts))
    else:
        yield codes.REASON_NAME, score.reason or texts("summary.no_score")
    yield codes.TECHNIQUE_NAME, technique(score.series, texts)
    for flag in score.flags:
        yield codes.FLAG_NAME, f"{texts(f'terms.{flag.severity}')}: {flag.message} [{flag.code}]"


def verdicts(change: Change) -> list[Evaluation]:
    """Verdicts: whether each quantity changed by more than repeated scans vary, and whether the volume's root grew."""
    answers = [
        (codes.EXCEEDS["AGATSTON"], change.agatston.exceeds_limit),
        (codes.EXCEEDS["VOLUME"], change.volume_mm3.exceeds_limit if change.volume_mm3 else None),
        (codes.EXCEEDS["MASS"], change.mass_mg.exceeds_limit if change.mass_mg else None),
        (codes.PROGRESSION, change.progression),
    ]
    return [(name, codes.YES if verdict else codes.NO) for name, verdict in answers if verdict is not None]
