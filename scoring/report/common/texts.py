"""The words of report and letter: a shipped language, and what a site replaces in it."""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

from config.errors import ConfigurationError
from config.settings import Language

SENTENCES: Final = "sentences"
PAPERS: Final = ("a4", "us-letter")

# sections in which a site may leave a text out by giving an empty one, and the keys there that stay
_OPTIONAL: Final = {"letter": frozenset({"title", "score", "automatic", "decides"})}
_NUMBER: Final = re.compile(r"([+-]?\d+)\.(\d+)( ?[a-zA-Z%]+\d?)?")


@dataclass(frozen=True, slots=True)
class Texts:
    """Every text by its key ("report.title"), and how numbers, dates and the node's own sentences are told.

    Keys and placeholders were checked when it was loaded: a call with a wrong one is a mistake of the program.
    """

    words: Mapping[str, str]
    months: tuple[str, ...]
    sentences: tuple[tuple[re.Pattern[str], str], ...]

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key with its placeholders filled."""
        return self.words[key].format(**values)

    def number(self, value: float, digits: int = 1) -> str:
        """A number with so many decimals."""
        return f"{value:.{digits}f}".replace(".", self.words["format.decimal"])

    def short(self, value: float, digits: int = 4) -> str:
        """A number with so many significant digits and no zeros at its end."""
        return f"{value:.{digits}g}".replace(".", self.words["format.decimal"])

    def signed(self, value: float, digits: int = 1) -> str:
        """A difference, with a sign unless it is 0."""
        told = f"{value:+.{digits}f}"
        unsigned = told.lstrip("+-")
        sign = "" if not float(told) else "\N{MINUS SIGN}" if told.startswith("-") else "+"
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

    def said(self, sentence: str) -> str:
        """A sentence of the node in this language; one that has no translation stays English."""
        bare = sentence.rstrip(".")
        for pattern, translation in self.sentences:
            found = pattern.fullmatch(bare)
            if found is not None:
                return translation.format(**{name: self._taken(value) for name, value in found.groupdict().items()})
        return bare

    def _taken(self, value: str) -> str:
        """What a placeholder took over: numbers in the form of the language, words translated if they can be."""
        number = _NUMBER.fullmatch(value)
        if number is not None:
            return f"{number[1]}{self.words['format.decimal']}{number[2]}{number[3] or ''}"
        if ", " in value:
            return ", ".join(self._taken(part) for part in value.split(", "))
        exact = (text for pattern, text in self.sentences if not pattern.groups and pattern.fullmatch(value))
        return next(exact, value)


def load(language: Language, path: Path | None = None) -> Texts:
    """The texts of a language, with those of a site's own file (`results.texts`) in their place.

    Raises ConfigurationError with file, key and what is allowed when the file has an unknown key, another type, an
    unknown placeholder or lacks one.
    """
    texts = resources.files("scoring.report.common").joinpath("texts")
    shipped = tomllib.loads(texts.joinpath(f"{language}.toml").read_text("utf-8"))
    shipped.setdefault(SENTENCES, {})
    if path is not None:
        for section, values in _read(path).items():
            _check(path, section, values, shipped)
            shipped[section] = shipped[section] | values
    words = {
        f"{section}.{key}": value
        for section, values in shipped.items()
        if section != SENTENCES
        for key, value in values.items()
        if isinstance(value, str)
    }
    # words without placeholders are compared first: a sentence with some would take them as well
    ordered = sorted(shipped[SENTENCES].items(), key=lambda pair: (len(_placeholders(pair[0])), -len(pair[0])))
    return Texts(words, tuple(shipped["format"]["months"]), tuple((_pattern(said), told) for said, told in ordered))


def every(texts: Texts) -> Iterator[tuple[str, str]]:
    """Key and text of everything that can be printed."""
    yield from texts.words.items()
    yield from (("format.months", month) for month in texts.months)
    yield from ((SENTENCES, text) for _, text in texts.sentences)


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
    if section not in shipped:
        raise ConfigurationError(f"results.texts: {path}: {section}: unknown section; allowed: {', '.join(shipped)}")
    if not isinstance(values, dict):
        raise ConfigurationError(
            f"results.texts: {path}: {section}: is not a section; write [{section}] above its keys"
        )
    for key, value in values.items():
        place = f"results.texts: {path}: {section}.{key}"
        if section == SENTENCES:
            _check_text(place, value, _placeholders(key, place))
        elif key not in shipped[section]:
            raise ConfigurationError(f"{place}: unknown key; allowed: {', '.join(shipped[section])}")
        elif isinstance(shipped[section][key], list):
            if not isinstance(value, list) or len(value) != 12 or not all(isinstance(one, str) for one in value):
                raise ConfigurationError(f"{place}: allowed: a list of 12 names")
        elif value != "" or key in _OPTIONAL.get(section, (key,)):
            _check_text(place, value, _placeholders(shipped[section][key]))
    if section == "format" and values.get("paper", PAPERS[0]) not in PAPERS:
        allowed = ", ".join(map(repr, PAPERS))
        raise ConfigurationError(f"results.texts: {path}: format.paper: {values['paper']!r}; allowed: {allowed}")


def _check_text(place: str, value: object, expected: frozenset[str]) -> None:
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{place}: {value!r}; allowed: a text that is not empty")
    found = _placeholders(value, place)
    if found != expected:
        wrong = [f"has unknown placeholder {{{name}}}" for name in sorted(found - expected)]
        wrong += [f"lacks placeholder {{{name}}}" for name in sorted(expected - found)]
        allowed = ", ".join(f"{{{name}}}" for name in sorted(expected)) or "none"
        raise ConfigurationError(f"{place}: {', '.join(wrong)}; placeholders of this text: {allowed}")


def _placeholders(text: str, place: str = "") -> frozenset[str]:
    """Names in braces. Raises ConfigurationError where braces are anything else."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        parts = [("", "", "", "")]
    names = [(name, form, conversion) for _, name, form, conversion in parts if name is not None]
    if any(not name.isidentifier() or form or conversion for name, form, conversion in names):
        raise ConfigurationError(
            f"{place}: braces are for placeholders like {{name}}; write {{{{ and }}}} for themselves"
        )
    return frozenset(name for name, _, _ in names)


def _pattern(sentence: str) -> re.Pattern[str]:
    """What recognizes a sentence, whatever stands in the places of its placeholders."""
    parts = []
    for literal, name, _, _ in string.Formatter().parse(sentence):
        parts.append(re.escape(literal))
        if name is not None:
            parts.append(f"(?P<{name}>.+?)")
    return re.compile("".join(parts), re.IGNORECASE)
