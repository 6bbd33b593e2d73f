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

from config.errors import ConfigurationError
from config.settings import Settings

PREFIX: Final = "CORONODE_"
FILE_VARIABLE: Final = "CORONODE_CONFIG"
DEFAULT_FILE: Final = Path("coronode.toml")


def read_defaults() -> str:
    """Return the text of `defaults.toml`: every key with its default and its meaning."""
    return resources.files("config").joinpath("defaults.toml").read_text(encoding="utf-8")


def load(path: Path | None = None) -> Settings:
    """Read settings from `path`, else the file that CORONODE_CONFIG names, else coronode.toml in the working folder.

    Without a file the built-in defaults apply. Environment variables CORONODE_SECTION__KEY override the file.

    Raises ConfigurationError: one line with file or variable, key, value and what is allowed.
    """
    source = path or _find_file()
    written = _read(source) if source is not None else {}
    spoken = _read_variables(written)
    try:
        return Settings.model_validate(_merge(written, spoken))
    except ValidationError as error:
        raise ConfigurationError("; ".join(_explain(e, source, spoken) for e in error.errors())) from error


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


def _find_file() -> Path | None:
    """Return the file to read when none is given."""
    named = os.environ.get(FILE_VARIABLE)
    if named:
        return Path(named)
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


def _read_variables(written: Mapping[str, Any]) -> dict[str, Any]:
    """Read the settings in the environment. Raises ConfigurationError for a variable that names no section."""
    names = [name for name in os.environ if name.startswith(PREFIX) and name != FILE_VARIABLE]
    for name in names:
        section, separator, _ = name.removeprefix(PREFIX).lower().partition("__")
        if section not in Settings.model_fields:
            hint = "" if separator else f"; write {PREFIX}SECTION__KEY with two underscores"
            raise ConfigurationError(
                f"environment variable {name}: no section {section!r}{_suggest(section, Settings)}{hint}"
            )
    if not names:
        return {}
    # Deferred: pydantic-settings takes a third of the time that reading a configuration takes.
    from config.environment import read_environment  # noqa: PLC0415

    return read_environment(PREFIX, written.get("peers", {}))


def _merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def _explain(error: ErrorDetails, source: Path | None, spoken: Mapping[str, Any]) -> str:
    location = [str(part) for part in error["loc"]]
    key = ".".join(location)
    where = _name_source(location, source, spoken)
    if error["type"] == "extra_forbidden":
        section = _find_section(location[:-1])
        what = "section" if len(location) == 1 else "key"
        return f"{where}: {key}: unknown {what}{_suggest(location[-1], section) if section else ''}"
    if error["type"] == "missing":
        return f"{where}: {key}: is missing and has no default"
    message = error["msg"]
    if error["type"] == "value_error":
        message = message.removeprefix("Value error, ")
    else:
        message = f"{message[:1].lower()}{message[1:]}"
    if error["type"] in {"tuple_type", "list_type"}:
        message = f'should be a list, for instance ["{error["input"]}"]'
    if not location:
        return f"{where}: {message}"
    if isinstance(error["input"], Mapping):  # a whole section says too much, the hashes of its users among it
        return f"{where}: {key}: {message}"
    return f"{where}: {key} = {error['input']!r}: {message}"


def _name_source(location: list[str], source: Path | None, spoken: Mapping[str, Any]) -> str:
    value: Any = spoken
    for part in location:
        if not isinstance(value, Mapping) or part not in value:
            return str(source) if source is not None else "configuration"
        value = value[part]
    if not location:
        return str(source) if source is not None else "configuration"
    return f"environment variable {PREFIX}{'__'.join(location).upper()}"


def _find_section(location: list[str]) -> type[BaseModel] | None:
    """Return the model class at a location such as ("peers", "PACS"), or None."""
    model: Any = Settings
    for part in location:
        if isinstance(model, type) and issubclass(model, BaseModel):
            if part not in model.model_fields:
                return None
            model = model.model_fields[part].annotation
        else:
            model = get_args(model)[1]
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def _suggest(name: str, section: type[BaseModel]) -> str:
    names = sorted(section.model_fields)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{hint} (allowed: {', '.join(names)})"
