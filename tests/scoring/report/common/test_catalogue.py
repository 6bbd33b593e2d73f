"""Sentences from codes and values: complete in both languages for every code that scoring and node can raise."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from config.errors import NotScorable
from config.settings import RejectionReason
from scoring.images.gate.continuity import Break
from scoring.images.gate.damage import Damage
from scoring.judgement.verdicts import Reason
from scoring.report.common import texts
from scoring.report.common.catalogue import in_language, sentence
from scoring.report.common.context import band
from scoring.report.common.context import context as sentences_in_context
from scoring.report.common.words import method, summary, technique
from scoring.result import Flag, RejectedCandidate, Risk, Score, Statement

ROOT = Path(__file__).parents[4]
ENGLISH, GERMAN = texts.load("en"), texts.load("de")

# built from values at the place where they are raised, which the source alone does not show
BUILT = (
    {
        ("statements", "differs-size", frozenset({"what", "then", "now", "unit"})),
        ("statements", "differs-text", frozenset({"what", "then", "now"})),
        ("statements", "differs-term", frozenset({"what", "then", "now"})),
        ("flags", "iterative-kernel", frozenset({"kernel"})),
        ("flags", "iterative-strength", frozenset({"kernel", "strength"})),
        ("flags", "iterative-algorithm", frozenset({"algorithm"})),
        ("flags", "iterative-name", frozenset({"name"})),
    }
    | {
        ("refusals", f"broken_image-{kind}", frozenset({"slice", "image", "off_hu", "count", "total"}))
        for kind in (*get_args(Damage), *get_args(Break))
    }
    | {("refusals", f"rejected_by_note-{reason}", frozenset({"count", "by"})) for reason in get_args(RejectionReason)}
)


def raised() -> Iterator[tuple[str, str, frozenset[str]]]:
    """Section, key and names of the values of every sentence that the source raises."""
    for package in ("scoring", "scp"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call):
                    yield from _of_call(node)
    for code in get_args(Reason):
        yield "statements", code, frozenset()
    yield from BUILT


def _of_call(node: ast.Call) -> Iterator[tuple[str, str, frozenset[str]]]:
    name = ast.unparse(node.func)
    section = {"NotScorable": "refusals", "Flag.build": "flags", "Statement.build": "statements"}.get(name)
    if section is None or not node.args or not isinstance(node.args[0], ast.Constant):
        return
    variants = [_texts(keyword.value) for keyword in node.keywords if keyword.arg == "variant"]
    values = frozenset(keyword.arg for keyword in node.keywords if keyword.arg and keyword.arg != "variant")
    for variant in variants[0] if variants else ("",):
        yield section, f"{node.args[0].value}-{variant}" if variant else node.args[0].value, values


def _texts(node: ast.expr) -> list[str]:
    """The texts that an expression can be: a constant, or one of two."""
    if isinstance(node, ast.IfExp):
        return _texts(node.body) + _texts(node.orelse)
    # any other is among the built ones
    return [node.value] if isinstance(node, ast.Constant) else []


RAISED = sorted(set(raised()), key=str)


@pytest.mark.parametrize(("section", "key", "values"), RAISED, ids=[f"{section}.{key}" for section, key, _ in RAISED])
def test_every_code_has_a_sentence_whose_placeholders_are_all_given(section, key, values) -> None:
    for language in (ENGLISH, GERMAN):
        for form in (f"{section}.{key}", f"{section}.{key}-one"):
            if form in language.words or not form.endswith("-one"):
                assert language.placeholders(form) <= values


def test_no_sentence_is_left_that_nothing_raises() -> None:
    used = {f"{section}.{key}" for section, key, _ in RAISED}
    assert len(used) > 100
    known = {key for key in ENGLISH.words if key.split(".")[0] in ("flags", "refusals", "statements")}
    assert {key.removesuffix("-one") for key in known} == used


def test_names_in_sentences_are_in_both_languages() -> None:
    what = Statement.build("known_for_one", what=("tube_voltage", "kernel"))
    assert sentence(what, ENGLISH) == "Known for only one of the two scans: tube voltage, kernel"
    assert sentence(what, GERMAN) == "Nur für eine der beiden Untersuchungen bekannt: Röhrenspannung, Faltungskern"
    asked = Statement.build("population_without", variant="group", population="Ours", group="chinese", sex="male")
    assert sentence(asked, ENGLISH) == "Ours has no values for: men, Chinese"
    assert sentence(asked, GERMAN) == "Ours hat keine Werte für: Männer, Gruppe „chinesisch“"


def test_numbers_take_the_form_of_the_language() -> None:
    thin = Statement.build("differs", variant="size", what="slice_thickness", then=2.5, now=3.0, unit="mm")
    assert sentence(thin, ENGLISH) == "slice thickness: 2.5 mm then, 3 mm now"
    assert sentence(thin, GERMAN) == "Schichtdicke: damals 2,5 mm, jetzt 3 mm"
    # what is no number stays as it is
    software = Statement.build("differs", variant="text", what="software", then="coronode 0.0.9", now="coronode 0.1.0")
    assert sentence(software, GERMAN) == "Software: damals coronode 0.0.9, jetzt coronode 0.1.0"
    assert sentence(Flag.build("small", "info", limit=10.0, total=4.26), GERMAN).startswith("Summe unter 10 (4,3)")


def test_one_and_several_have_their_own_forms() -> None:
    gap = Flag.build("gap", "warning", count=1, after=4, before=5)
    assert sentence(gap, ENGLISH) == "1 slice is missing between slices 4 and 5"
    assert sentence(replace(gap, values=gap.values | {"count": 2}), ENGLISH).startswith("2 slices are missing")
    assert sentence(gap, GERMAN).endswith("fehlt 1 Schicht")


def test_alternatives_are_joined_by_the_languages_or() -> None:
    values = {"variant": "open", "counted": 1, "left_out": 0, "low": 90.0, "high": 500.0}
    flag = Flag("review", "warning", values=values | {"categories": ("1-100", "101-400", ">400")})
    assert "category 1-100, 101-400 or >400; review them" in sentence(flag, ENGLISH)
    assert "Kategorie 1-100, 101-400 oder >400; vor" in sentence(flag, GERMAN)


def test_the_same_code_as_remark_and_as_refusal() -> None:
    values = {"count": 2, "after": 4, "before": 5}
    remark, refusal = (sentence(Flag("gap", severity, values=values), ENGLISH) for severity in ("warning", "reject"))
    assert "within the heart" not in remark
    assert refusal == sentence(NotScorable("gap", **values), ENGLISH)
    assert "within the heart" in refusal


@pytest.mark.parametrize("language", [ENGLISH, GERMAN])
def test_words_that_came_with_a_code_are_kept_where_the_catalogue_has_none(language) -> None:
    # version 0.1.0 wrote the sentence alone
    assert sentence(Flag("kvp", "warning", "100 kVp, scored from 130 HU"), language) == "100 kVp, scored from 130 HU"
    assert sentence(Statement(text="Something new"), language) == "Something new"
    # an engine of another maker
    assert sentence(NotScorable("heart_not_covered", text="only 20 slices"), language) == "only 20 slices"
    assert sentence(Flag("theirs", "info", "Their own words"), language) == "Their own words"
    assert sentence(NotScorable("theirs", level=3), language) == "theirs level=3"


def test_a_result_speaks_the_language_that_is_asked_for(scores) -> None:
    score = replace(
        scores["250"],
        flags=(Flag.build("gating_unknown", "info"), Flag("old", "info", "As it was")),
        risk=Risk(
            ten_year_reason=Statement.build("patient_unknown", missing=("age",)),
            change_reason=(Statement.build("no_earlier_score"),),
        ),
        rejected=(RejectedCandidate(1, 2.0, 3.0, 200.0, (1.0, 2.0, 3.0), (4,), 0.3, Statement.build("at_bone")),),
        provenance=replace(scores["250"].provenance, mass_factor_origin=Statement.build("mass_factor_configured")),
    )
    german = in_language(score, GERMAN)
    assert [flag.message for flag in german.flags] == [
        "Im Bildkopf ist keine EKG-Triggerung vermerkt; ohne sie sind Scores schlechter reproduzierbar",
        "As it was",
    ]
    assert german.risk.ten_year_reason.text == "Nicht bekannt: Alter"
    assert german.risk.change_reason[0].text == "Ein früherer Score ist nicht bekannt"
    assert german.rejected[0].reason.text == "an einem Knochen"
    assert german.provenance.mass_factor_origin.text == "der Konfiguration"
    assert in_language(german, ENGLISH) == in_language(score, ENGLISH)
    assert german.agatston == score.agatston


def test_the_reason_of_a_refusal_is_that_of_its_flag(refused: Score) -> None:
    coded = replace(refused, flags=(Flag.build("contrast", "reject", variant="header", agent="OMNIPAQUE"),))
    assert in_language(coded, GERMAN).reason == "Laut Bildkopf mit Kontrastmittel (Contrast/Bolus Agent: OMNIPAQUE)"
    assert in_language(refused, GERMAN).reason == refused.reason


def test_a_site_words_a_flag_in_its_own_way(tmp_path) -> None:
    path = tmp_path / "texts.toml"
    path.write_text('[flags]\nduplicates = "{count} came twice"\n', "utf-8")
    assert sentence(Flag.build("duplicates", "info", count=3), texts.load("de", path)) == "3 came twice"


def test_all_plain_lines_exist_in_german(full, first) -> None:
    score = in_language(replace(full, patient=None), GERMAN)
    lines = "\n".join((summary(score, first, GERMAN), *method(score, GERMAN), technique(score.series, GERMAN)))
    own = {score.provenance.mass_factor_origin.text, first.warning_text, *(flag.message for flag in score.flags)}
    own |= {item.text for item in (*score.percentile.caveats, *score.change.differences, *score.change.notes)}
    own |= {score.percentile.citation, *(item.text for item in score.change.citations)}
    for words in own:
        lines = lines.replace(words, "")
    assert not re.search(r"\b(the|and|of|not|then|with|among|from|slices|years?)\b", lines)
    assert "Koronarkalk, Agatston-Score: 250" in lines
    assert "Veränderung seit 2025-01-04 (366 Tage):" in lines
    assert "Agatston 20,3, Volumen 10,1 mm³" in lines


def test_the_lines_are_english_unless_texts_are_given(full) -> None:
    (percentile, age, risk, change, *_) = sentences_in_context(full)
    assert percentile.startswith("Percentile: 50th to 75th (estimate 64) among white men of 70 years in MESA")
    assert age.startswith("Arterial age: 79.2 years")
    assert "10.4 %, 8.6 % without the calcium score" in risk
    assert change == "Change since 2025-01-04 (366 days):"
    assert band(full.percentile, GERMAN) == "50 bis 75"
