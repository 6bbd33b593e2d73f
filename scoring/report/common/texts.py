"""The words of every document in one language: the shipped ones, and those with which a site replaces them."""

from __future__ import annotations

import functools
import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

from config.errors import ConfigurationError
from config.results import Language

PAPERS: Final = ("a4", "us-letter")

# sections in which a site may omit a text by making it empty, and the keys there that are required
_OPTIONAL: Final = {"letter": frozenset({"title", "score", "automatic", "reviewed", "decides"})}
# sections whose texts no document has
_OF_PAGES: Final = frozenset({"web", "overview", "viewer", "accounts", "review"})
# form of a placeholder's value: digits of a number, names that are looked up in [terms] and [people], alternatives
_FORMS: Final = re.compile(r"|\+?\.\d[fg]|terms|or")
# a section of whole English sentences for sites to translate, up to 0.1.0
_GONE: Final = "sentences"


class _Formatter(string.Formatter):
    """Fills placeholders with numbers and names in the form of a language."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = words

    def format_field(self, value: Any, format_spec: str) -> str:
        """One value: a list with commas, a number with the decimal sign of the language, a name in its words."""
        if isinstance(value, list | tuple):
            parts = [self.format_field(part, "terms" if format_spec == "terms" else "") for part in value]
            last = [self._words["format.or"].join(parts[-2:])] if format_spec == "or" else parts[-2:]
            return ", ".join([*parts[:-2], *last])
        if format_spec == "terms":
            return _find_term(self._words, str(value))
        if isinstance(value, float) or (isinstance(value, int) and format_spec):
            return format(value, format_spec or "g").replace(".", self._words["format.decimal"])
        return str(value)


@dataclass(frozen=True, slots=True)
class Texts:
    """Every text by its key ("report.title"), and the form of numbers and dates.

    Keys and placeholders were checked on loading: a call with a wrong one is a programming error.
    """

    words: Mapping[str, str]
    months: tuple[str, ...]

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key with its placeholders filled."""
        return _Formatter(self.words).vformat(self.words[key], (), values)

    def placeholders(self, key: str) -> frozenset[str]:
        """Names of the values that the text of a key asks for."""
        return parse_placeholders(self.words[key])

    def term(self, name: str) -> str:
        """The word for a named value, such as "voxels"; the name itself where there is none."""
        return _find_term(self.words, name)

    def number(self, value: float, digits: int = 1) -> str:
        """A number with the given number of decimals."""
        return f"{value:.{digits}f}".replace(".", self.words["format.decimal"])

    def short(self, value: float, digits: int = 4) -> str:
        """A number with the given number of significant digits and no trailing zeros."""
        return f"{value:.{digits}g}".replace(".", self.words["format.decimal"])

    def signed(self, value: float, digits: int = 1) -> str:
        """A difference, with a sign unless it is 0."""
        shown = f"{value:+.{digits}f}"
        unsigned = shown.lstrip("+-")
        sign = "" if not float(shown) else "\N{MINUS SIGN}" if shown.startswith("-") else "+"
        return sign + unsigned.replace(".", self.words["format.decimal"])

    def date(self, iso: str) -> str:
        """A day as YYYY-MM-DD in the words of the language; anything else as it is."""
        parts = iso.split("-")
        if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
            return iso
        year, month, day = parts
        if not 1 <= int(month) <= len(self.months):
            return iso
        return self("format.date", year=year, month=self.months[int(month) - 1], day=int(day))


def _find_term(words: Mapping[str, str], name: str) -> str:
    return words.get(f"terms.{name}") or words.get(f"people.{name}") or name


def load(language: Language, path: Path | None = None) -> Texts:
    """Load the texts of a language, replaced by those of a site's own file (`results.texts`) where it has them.

    Raises ConfigurationError with file, key and what is allowed when the file has an unknown key, another type, an
    unknown placeholder or lacks one.
    """
    texts = resources.files("scoring.report.common").joinpath("texts")
    shipped = tomllib.loads(texts.joinpath(f"{language}.toml").read_text("utf-8"))
    if path is not None:
        for section, values in _read(path).items():
            _check(path, section, values, shipped)
            shipped[section] = shipped[section] | values
    words = {
        f"{section}.{key}": value
        for section, values in shipped.items()
        for key, value in values.items()
        if isinstance(value, str)
    }
    return Texts(words, tuple(shipped["format"]["months"]))


@functools.cache
def load_english() -> Texts:
    """The shipped English texts, read once."""
    return load("en")


def list_texts(texts: Texts) -> Iterator[tuple[str, str]]:
    """Key and text of everything that can be printed: what only pages show is in the fonts of a browser."""
    yield from ((key, text) for key, text in texts.words.items() if key.split(".")[0] not in _OF_PAGES)
    yield from (("format.months", month) for month in texts.months)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"results.texts: {path} cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"results.texts: {path} is not UTF-8 text (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"results.texts: {path} is not valid TOML: {error}") from error


def _check(path: Path, section: str, values: object, shipped: Mapping[str, Mapping[str, Any]]) -> None:
    """Compare one section of a site's file with the shipped one."""
    if section == _GONE:
        raise ConfigurationError(
            f"results.texts: {path}: [{section}] is no longer read: write each sentence under its code in [flags], "
            "[refusals] or [statements], as docs/configuring.md shows"
        )
    if section not in shipped:
        raise ConfigurationError(f"results.texts: {path}: {section}: unknown section; allowed: {', '.join(shipped)}")
    if not isinstance(values, dict):
        raise ConfigurationError(
            f"results.texts: {path}: {section}: is not a section; write [{section}] above its keys"
        )
    for key, value in values.items():
        place = f"results.texts: {path}: {section}.{key}"
        if key not in shipped[section]:
            raise ConfigurationError(f"{place}: unknown key; allowed: {', '.join(shipped[section])}")
        if isinstance(shipped[section][key], list):
            if not isinstance(value, list) or len(value) != 12 or not all(isinstance(one, str) for one in value):
                raise ConfigurationError(f"{place}: allowed: a list of 12 names")
        elif value != "" or key in _OPTIONAL.get(section, (key,)):
            _check_text(place, value, parse_placeholders(shipped[section][key]))
    if section == "format" and values.get("paper", PAPERS[0]) not in PAPERS:
        allowed = ", ".join(map(repr, PAPERS))
        raise ConfigurationError(f"results.texts: {path}: format.paper: {values['paper']!r}; allowed: {allowed}")


def _check_text(place: str, value: object, expected: frozenset[str]) -> None:
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{place}: {value!r}; allowed: a text that is not empty")
    names = parse_placeholders(value, place)
    if names != expected:
        wrong = [f"has unknown placeholder {{{name}}}" for name in sorted(names - expected)]
        wrong += [f"lacks placeholder {{{name}}}" for name in sorted(expected - names)]
        allowed = ", ".join(f"{{{name}}}" for name in sorted(expected)) or "none"
        raise ConfigurationError(f"{place}: {', '.join(wrong)}; placeholders of this text: {allowed}")


def parse_placeholders(text: str, place: str = "") -> frozenset[str]:
    """Names in braces. Raises ConfigurationError where braces are anything else, or the form after a colon unknown."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        parts = [("", "", "", "")]
    names = [(name, form or "", conversion) for _, name, form, conversion in parts if name is not None]
    if any(not name.isidentifier() or not _FORMS.fullmatch(form) or conversion for name, form, conversion in names):
        raise ConfigurationError(
            f"{place}: braces are for placeholders like {{name}} or {{name:.1f}}; write {{{{ and }}}} for themselves"
        )
    return frozenset(name for name, _, _ in names)
