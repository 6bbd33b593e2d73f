"""Settings from environment variables: CORONODE_SECTION__KEY, nested like the file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel

from config.errors import ConfigurationError
from config.section import find_kinds
from config.settings import Settings

_YES: Final = frozenset({"true", "yes", "on", "1"})
_NO: Final = frozenset({"false", "no", "off", "0"})

Explain = Callable[[str, type[BaseModel]], str]
"""Says of an unknown name in a section what is allowed there."""


@dataclass(slots=True)
class Spoken:
    """What the environment says: the settings, nested like the file, and the variable that each comes from."""

    settings: dict[str, Any] = field(default_factory=dict)
    variables: dict[tuple[str, ...], str] = field(default_factory=dict)

    def find_variable(self, location: tuple[str, ...]) -> str | None:
        """Return the variable that a setting comes from, None where that is another source."""
        starts = (location[:length] for length in range(len(location), 0, -1))
        return next((self.variables[start] for start in starts if start in self.variables), None)


def read_environment(
    environment: Mapping[str, str], prefix: str, *, spelling: Mapping[str, str], explain: Explain
) -> Spoken:
    """Read the variables that begin with `prefix`; their names are case-insensitive.

    `spelling` gives the names of peers as the file has them, by their lower case. Raises ConfigurationError for a
    variable that names no key, for two of the same name, and for a list or table that is not JSON.
    """
    spoken = Spoken()
    for name, text in sorted(environment.items()):
        if not name.upper().startswith(prefix):
            continue
        location, section = _find_key(name, name[len(prefix) :].lower().split("__"), spelling, explain)
        if location in spoken.variables:
            raise ConfigurationError(f"environment variables {spoken.variables[location]} and {name}: are the same key")
        spoken.variables[location] = name
        _put(spoken.settings, location, _read_value(name, text, section, location), name)
    return spoken


def _find_key(
    name: str, parts: list[str], spelling: Mapping[str, str], explain: Explain
) -> tuple[tuple[str, ...], type[BaseModel] | None]:
    """Return the key that a variable names, and the section that it stands in; None inside a table of free names."""
    location: list[str] = []
    model: Any = Settings
    section: type[BaseModel] | None = None
    for part in parts:
        if isinstance(model, type) and issubclass(model, BaseModel):
            section = model
            if part not in section.model_fields:
                raise ConfigurationError(
                    f"environment variable {name}: {explain('.'.join([*location, part]), section)}"
                )
            location.append(part)
            model = section.model_fields[part].annotation
        elif (values := _find_values(model)) is not None and part:
            is_section = isinstance(values, type) and issubclass(values, BaseModel)
            location.append(spelling.get(part, part.upper()) if is_section else part)
            section, model = None, values
        else:
            raise ConfigurationError(
                f"environment variable {name}: {'.'.join(location)} is a key, and {part!r} is nothing in it"
            )
    return tuple(location), section


def _find_values(annotation: Any) -> Any:
    """Return the type of the values of a table of free names; None for anything else."""
    return get_args(annotation)[1] if get_origin(annotation) is dict else None


def _read_value(name: str, text: str, section: type[BaseModel] | None, location: tuple[str, ...]) -> Any:
    """Turn the text of a variable into what a TOML file would have; what has another form is left for the model."""
    if section is None:
        return _read_json(name, text) if text[:1] in ("[", "{") else text
    kinds = {kind.__name__ for kind in find_kinds(section, location[-1])}
    annotation = str(section.model_fields[location[-1]].annotation)
    if not kinds and "SecretStr" not in annotation:
        return _read_json(name, text)
    for word in _list_readings(text.strip(), kinds):
        return word
    return text


def _list_readings(text: str, kinds: set[str]) -> Iterator[Any]:
    if "bool" in kinds and text.lower() in _YES | _NO:
        yield text.lower() in _YES
    for kind, read in (("int", int), ("float", float)):
        if kind in kinds:
            try:
                yield read(text)
            except ValueError:
                continue


def _read_json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"environment variable {name}: is not JSON; lists and tables are written as JSON there, for instance "
            """CORONODE_RESULTS__DESTINATIONS='["PACS"]'"""
        ) from error


def _put(settings: dict[str, Any], location: tuple[str, ...], value: Any, name: str) -> None:
    """Put a value where it belongs; a whole section as JSON takes what other variables say of its keys."""
    for part in location[:-1]:
        below = settings.setdefault(part, {})
        if not isinstance(below, dict):
            raise ConfigurationError(
                f"environment variable {name}: {part} is set to something else by another variable"
            )
        settings = below
    settings[location[-1]] = value
