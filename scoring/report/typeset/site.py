"""A site's own share of its pages: words, fonts, logo, institution, warning; read and checked in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from config.errors import ConfigurationError
from config.results import ResultsSettings
from scoring.report.common import texts
from scoring.report.common.request import ReportRequest
from scoring.report.common.texts import Texts
from scoring.report.common.words import has_own_warning
from scoring.report.typeset import logo
from scoring.report.typeset.faces import Faces, faces

LOGO: Final = "logo"


@dataclass(frozen=True, slots=True)
class Site:
    """Words, fonts and the logo as PNG with its width in heights, ready for a document."""

    texts: Texts
    faces: Faces
    institution: str
    warning: str
    logo: bytes | None
    logo_ratio: float

    def common(self, title: str) -> dict[str, Any]:
        """Values that the templates of every document take."""
        return {
            "language": self.texts("format.language"),
            "paper": self.texts("format.paper"),
            "title": title,
            "author": self.institution,
            "institution": self.institution,
            "warning": self.warning,
            "page": self.texts("report.page", page="%1", pages="%2"),
            "logo": self._logo(),
        }

    def files(self) -> dict[str, bytes]:
        """The logo for the typesetter, if there is one."""
        return {} if self.logo is None else {LOGO: self.logo}

    def _logo(self) -> dict[str, Any] | None:
        if self.logo is None:
            return None
        return {"file": LOGO, "alt": self.institution or self.texts("report.logo"), "ratio": self.logo_ratio}


def load_site(request: ReportRequest) -> Site:
    """The site of a document. Raises ConfigurationError as `check` does, but for what no font can show.

    A warning that no font can show gives way to the usual one, so that there is one that can be read.
    """
    picture, ratio = (None, 1.0) if request.logo is None else logo.prepare_logo(logo.read(request.logo))
    words, known = texts.load(request.language, request.texts), faces(request.fonts)
    usual = not has_own_warning(request) or bool(known.lacking(request.warning_text))
    return Site(
        texts=words,
        faces=known,
        institution=request.institution,
        warning=words("report.research_use") if usual else request.warning_text,
        logo=picture,
        logo_ratio=ratio,
    )


def check(settings: ResultsSettings) -> None:
    """Refuse what could not be printed: texts, logo, fonts, and words for which no font has the glyphs.

    Raises ConfigurationError with file, key and what is allowed.
    """
    words = texts.load(settings.language, settings.texts)
    if settings.logo is not None:
        logo.read(settings.logo)
    known = faces(settings.fonts)
    own = [("institution", settings.institution), ("warning_text", settings.warning_text)]
    for key, value in [*own, *((f"texts: {key}", text) for key, text in texts.list_texts(words))]:
        lacking = known.lacking(value)
        if lacking:
            raise ConfigurationError(
                f"results.{key}: no font has a sign for {lacking[:20]}; name a folder with other fonts in results.fonts"
            )
