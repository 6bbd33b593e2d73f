"""Pages from templates: in the language and the colours that the reader chose."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from config.errors import Transient
from config.results import Language
from scoring.report.common.texts import Texts, load
from scp.web.identity import find_person
from scp.web.services import find_services
from storage.validation import decisions

LANGUAGES: Final[tuple[Language, ...]] = ("en", "de")
LANGUAGE_COOKIE: Final = "coronode_language"
THEME_COOKIE: Final = "coronode_theme"
THEMES: Final = ("light", "dark")
_FOLDER: Final = Path(str(files("scp.web")))


def render(request: Request, template: str, status_code: int = 200, **values: Any) -> HTMLResponse:
    """Fill a template of `templates/`; every value is escaped.

    Templates have `t(key, **values)` for texts of the catalogue, `texts` for numbers and dates, `person`, `asset(path)`
    for files of `static/`, `theme` (None: the system's), `language`, `path` and `in_shadow` (results are held
    back) beside `values`.
    """
    texts = find_texts(request)
    theme = request.cookies.get(THEME_COOKIE)
    page = _environment().get_template(template)
    content = page.render(
        t=texts,
        texts=texts,
        language=find_language(request),
        theme=theme if theme in THEMES else None,
        person=find_person(request),
        path=request.url.path,
        csrf=getattr(request.state, "csrf", ""),
        in_shadow=_is_in_shadow(request),
        **values,
    )
    return HTMLResponse(content, status_code)


def _is_in_shadow(request: Request) -> bool:
    """Return whether results are held back, which every page with results says."""
    services = find_services(request)
    if not services.settings.validation.shadow or find_person(request) is None:
        return False
    try:
        return not decisions.is_live(services.database)
    except Transient:  # the page says so itself
        return False


def find_language(request: Request) -> Language:
    """Return the language that the reader chose, else the browser's first that we have, else the site's."""
    wanted = [request.cookies.get(LANGUAGE_COOKIE, "")]
    wanted += [part.split(";")[0].strip()[:2].lower() for part in request.headers.get("accept-language", "").split(",")]
    site: Language = find_services(request).settings.results.language
    return next((language for tag in wanted for language in LANGUAGES if tag == language), site)


def find_texts(request: Request) -> Texts:
    """Return the texts in the reader's language; a site's own words replace those of the site's language."""
    results = find_services(request).settings.results
    language = find_language(request)
    return _load(language, results.texts if language == results.language else None)


_load: Final[Callable[[Language, Path | None], Texts]] = functools.cache(load)


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = _find_asset
    return environment


@functools.cache
def _find_asset(path: str) -> str:
    """Return the address of a file of `static/`, which changes with its content so that it may be cached for good."""
    digest = hashlib.sha256((_FOLDER / "static" / path).read_bytes()).hexdigest()
    return f"/static/{path}?{digest[:12]}"
