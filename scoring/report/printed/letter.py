"""A letter for the patient in plain words: one page, facts only. The doctor who hands it over decides what follows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydicom.dataset import Dataset

from dicom.dates import format_date
from dicom.elements import text
from scoring.report.common.colours import PAPER
from scoring.report.common.request import ReportRequest
from scoring.report.common.words import CATEGORY_KEYS, has_warning
from scoring.report.printed.pdf import moment
from scoring.report.printed.person import Person, read_person
from scoring.report.typeset import typesetter
from scoring.report.typeset.category_scale import scale
from scoring.report.typeset.headline import figure
from scoring.report.typeset.site import Site, load_site
from scoring.result import Score
from scoring.risk.comparison import NOISE_BELOW


def letter_pdf(score: Score, request: ReportRequest, *, headers: Sequence[Dataset]) -> bytes:
    """Parts of the letter: what a calcium score is, the patient's, what its category means, that the doctor decides.

    `headers` are those of the series, at least one: they name the patient. Raises ValueError when the series was not
    scored or there is no header, ConfigurationError when the site's words, logo or fonts cannot be used.
    """
    if not headers:
        raise ValueError("a letter needs a header of its series: it names the patient")
    if score.agatston is None or score.category is None:
        raise ValueError("a series that was not scored has no letter")
    site, header = load_site(request), headers[0]
    texts, created = site.texts, moment(header, request)
    person = read_person(header, site.faces)
    total = score.agatston.total
    values = {
        **site.common(texts("letter.title")),
        "about": _about(person, site),
        "date": texts.date(created.date().isoformat()),
        "opening": list(_build_opening(score, header, person, site)),
        "score": {"label": texts("letter.score"), "value": figure(texts, total)},
        "scale": scale(texts, total, score.category),
        "parts": list(_build_parts(score, site)),
        "closing": texts("letter.closing"),
        "doctor": texts("letter.doctor"),
    }
    return typesetter.set_pdf("letter.typ", values, site.files(), faces=site.faces, palette=PAPER, created=created)


def _about(person: Person, site: Site) -> str:
    """Name and date of birth, by which the right letter reaches the right person; the Patient ID where no name can."""
    texts, name = site.texts, person.called or person.patient_id
    if not name:
        return ""
    if not person.born:
        return texts("letter.about_name", name=name)
    return texts("letter.about", name=name, born=texts.date(person.born))


def _build_opening(score: Score, header: Dataset, person: Person, site: Site) -> Iterator[str]:
    texts = site.texts
    yield texts("letter.greeting", name=person.called) if person.called else texts("letter.greeting_unnamed")
    scanned = score.series.date or format_date(text(header, "StudyDate"))
    yield texts("letter.intro", date=texts.date(scanned)) if scanned else texts("letter.intro_undated")
    yield texts("letter.what")


def _build_parts(score: Score, site: Site) -> Iterator[dict[str, Any]]:
    texts = site.texts
    meaning = [texts(key) for key in _choose_meaning(score)]
    if score.change is not None:
        change = score.change
        meaning.append(
            " ".join(
                _describe_change(change.date, figure(texts, change.agatston.then), change.agatston.exceeds_limit, site)
            )
        )
    yield {"title": texts("letter.category"), "lines": [line for line in meaning if line]}
    review = score.review
    made = texts("letter.automatic") if review is None else texts("letter.reviewed", reader=review.reader)
    next_ = [texts("letter.decides"), site.faces.legible(made)]
    yield {"title": texts("letter.decides_title"), "lines": [line for line in next_ if line]}


def _choose_meaning(score: Score) -> Iterator[str]:
    """Keys of the sentences that hold for this score."""
    if score.category is None or score.agatston is None:
        return
    yield f"letter.category_{CATEGORY_KEYS[score.category]}"
    if 0 < score.agatston.total < NOISE_BELOW:
        yield "letter.small"
    elif score.agatston.total > 0:
        yield "letter.exact"
    if has_warning(score):
        yield "letter.limits"


def _describe_change(date: str, then: str, exceeds: bool | None, site: Site) -> Iterator[str]:
    texts = site.texts
    yield texts("letter.before", date=texts.date(date), score=then)
    if exceeds is not None:
        yield texts("letter.before_exceeds" if exceeds else "letter.before_within")
