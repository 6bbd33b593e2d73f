"""Load `Settings` from a TOML file and the environment, with errors that an administrator can act on."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from config.contradictions import find_faults
from config.environment import Spoken, read_environment
from config.errors import ConfigurationError
from config.secrets import is_secret
from config.settings import Settings

PREFIX: Final = "CORONODE_"
FILE_VARIABLE: Final = "CORONODE_CONFIG"
DEFAULT_FILE: Final = Path("coronode.toml")
_LONGEST_VALUE: Final = 200
_OF_A_NAME: Final = "[key]"
"""Ends the location of an error that the name of a table has, not its value."""


def read_defaults() -> str:
    """Return the text of `defaults.toml`: every key with its default and its meaning."""
    return resources.files("config").joinpath("defaults.toml").read_text(encoding="utf-8")


def load(path: Path | None = None) -> Settings:
    """Read settings from `path`, else the file that CORONODE_CONFIG names, else coronode.toml in the working folder.

    Without a file the built-in defaults apply. Environment variables CORONODE_SECTION__KEY override the file.

    Raises ConfigurationError: one line with file or variable, key, value and what is allowed.
    """
    source = path or find_file()
    written = _read(source) if source is not None else {}
    spoken = _read_variables(written)
    try:
        settings = Settings.model_validate(_merge(written, spoken.settings))
    except ValidationError as error:
        # not chained: a traceback would show the values, secrets among them
        raise ConfigurationError("; ".join(_explain(e, source, spoken) for e in error.errors())) from None
    for fault in find_faults(settings):
        raise ConfigurationError(f"{_name_source(fault.location, source, spoken)}: {fault}")
    return settings


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be read ({error.strerror}); give a readable TOML file, or write one with: "
            f"coronode config init"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: is not UTF-8 text (byte {error.start}); TOML files are UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: is not valid TOML: {error}") from error


def find_file() -> Path | None:
    """Return the file that is read when none is given; None for the built-in defaults."""
    named = os.environ.get(FILE_VARIABLE)
    if named:
        return Path(named)
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


def _read_variables(written: Mapping[str, Any]) -> Spoken:
    """Read the settings in the environment. Raises ConfigurationError for a variable that names no key."""
    variables = {name: text for name, text in os.environ.items() if name != FILE_VARIABLE}
    peers = written.get("peers", {})
    spelling = {name.lower(): name for name in peers} if isinstance(peers, Mapping) else {}
    return read_environment(variables, PREFIX, spelling=spelling, explain=_explain_variable)


def _explain_variable(key: str, section: type[BaseModel]) -> str:
    """Say that a variable names nothing, and what it may have been meant to name."""
    if section is not Settings:
        return f"{key}: unknown key{_suggest(key.rpartition('.')[2], section)}"
    words = f"no section {key!r}{_suggest(key, section)}; write {PREFIX}SECTION__KEY with two underscores"
    if key.startswith(("port", "service")):
        words += "; Kubernetes sets such variables for a service named coronode: enableServiceLinks: false"
    return words


def _merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def _explain(error: ErrorDetails, source: Path | None, spoken: Spoken) -> str:
    location = tuple(str(part) for part in error["loc"] if part != _OF_A_NAME)
    where = _name_source(location, source, spoken)
    words = _describe(error, location)
    return f"{where}: {_escape('.'.join(location))}{words}" if location else f"{where}{words}"


def _describe(error: ErrorDetails, location: tuple[str, ...]) -> str:
    """Say what is wrong behind the name of the key: its value, unless that is a section or a secret, and why."""
    if error["type"] == "extra_forbidden":
        section = _find_section(location[:-1])
        what = "section" if len(location) == 1 else "key"
        return f": unknown {what}{_suggest(location[-1], section) if section else ''}"
    if error["type"] == "missing":
        return ": is missing and has no default"
    message, value = error["msg"], error["input"]
    if error["type"] == "value_error":
        message = message.removeprefix("Value error, ")
    else:
        message = f"{message[:1].lower()}{message[1:]}"
    secret = _is_secret(location) or _OF_A_NAME in error["loc"]
    if error["type"] in {"tuple_type", "list_type"}:
        message = "should be a list" if secret else f'should be a list, for instance ["{_shorten(value)}"]'
    # a whole section says too much, the hashes of its users among it
    return (
        f": {message}"
        if secret or not location or isinstance(value, Mapping)
        else f" = {_shorten(repr(value))}: {message}"
    )


def _shorten(value: Any) -> str:
    """Return a value as text that fits into a line."""
    text = _escape(str(value))
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def _escape(text: str) -> str:
    """Write what would break the line, or the terminal, as its code."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


def _name_source(location: tuple[str, ...], source: Path | None, spoken: Spoken) -> str:
    variable = spoken.find_variable(location)
    if variable is not None:
        return f"environment variable {variable}"
    return str(source) if source is not None else "configuration"


def _is_secret(location: tuple[str, ...]) -> bool:
    """Return whether the value at a location is never shown."""
    for length in range(1, len(location) + 1):
        section = _find_section(location[: length - 1])
        field = None if section is None else section.model_fields.get(location[length - 1])
        if field is not None and is_secret(field.annotation, field.metadata):
            return True
    return False


def _find_section(location: tuple[str, ...]) -> type[BaseModel] | None:
    """Return the model class at a location such as ("peers", "PACS"), or None."""
    model: Any = Settings
    for part in location:
        if isinstance(model, type) and issubclass(model, BaseModel):
            if part not in model.model_fields:
                return None
            model = model.model_fields[part].annotation
        elif len(get_args(model)) > 1:
            model = get_args(model)[1]
        else:
            return None
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def _suggest(name: str, section: type[BaseModel]) -> str:
    names = sorted(section.model_fields)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{hint} (allowed: {', '.join(names)})"
