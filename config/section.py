"""What every section of the configuration is made of."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, Literal, Self, Union, get_args, get_origin
from unicodedata import category

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

_LONGEST_AE_TITLE: Final = 16
_KINDS: Final = frozenset({int, float, bool, str, Path})

OF_A_FILE: Final = "_file"
"""Ends the key that names a file with a secret."""


def _check_ae_title(value: str) -> str:
    """Check an AE title: at most 16 characters of the default repertoire, no backslash, not only spaces (PS3.5 6.2)."""
    stripped = value.strip(" ")
    if (
        not stripped
        or len(stripped) > _LONGEST_AE_TITLE
        or "\\" in value
        or not stripped.isascii()
        or not stripped.isprintable()
    ):
        raise ValueError("an AE title is 1 to 16 printable ASCII characters without a backslash")
    return stripped


def list_controls(text: str) -> list[str]:
    """List the characters of a text that are none: controls, and halves of surrogates."""
    return [character for character in text if category(character) in {"Cc", "Cs"}]


def _check_long_string(value: str) -> str:
    """Check a value of VR LO: no backslash, which separates values there, and no control character (PS3.5 6.2)."""
    if "\\" in value:
        raise ValueError("should have no backslash, which separates values in DICOM")
    if list_controls(value):
        raise ValueError("should be one line, without control characters")
    return value


def _refuse_duplicates(value: Any) -> Any:
    """Refuse a list that names something twice."""
    if isinstance(value, list | tuple):
        twice = next((item for place, item in enumerate(value) if item in value[:place]), None)
        if twice is not None:
            raise ValueError(f"{twice!r} is listed twice; once is enough")
    return value


AeTitle = Annotated[str, AfterValidator(_check_ae_title)]
LongString = Annotated[str, AfterValidator(_check_long_string), Field(max_length=64)]
Port = Annotated[int, Field(ge=1, le=65535)]
ListenPort = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=7 * 24 * 3600)]
ONCE: Final = BeforeValidator(_refuse_duplicates)
"""Marks a list in which nothing may stand twice."""


class Section(BaseModel):
    """A section of the configuration: unknown keys are errors, values do not change after loading.

    A number is a number: neither `true` nor text in quotes. A secret in KEY may stand in a file instead, which KEY_file
    names; see `config.secrets`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)

    @field_validator("*", mode="before")
    @classmethod
    def _take_each_kind_as_it_is(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse what would be converted (`port = true` is 1 to pydantic), and text that is none."""
        kinds = find_kinds(cls, info.field_name or "")
        if isinstance(value, bool):
            if bool not in kinds and kinds & {int, float}:
                raise ValueError("should be a number, not true or false")
        elif isinstance(value, int | float):
            if bool in kinds and not kinds & {int, float}:
                raise ValueError("should be true or false")
        elif isinstance(value, str):
            _check_text(value, kinds)
        return value

    @model_validator(mode="after")
    def _take_a_secret_from_one_place(self) -> Self:
        for key in type(self).model_fields:
            secret = key.removesuffix(OF_A_FILE)
            if secret != key and getattr(self, key) is not None and getattr(self, secret, None) is not None:
                raise ValueError(f"{secret} and {key} exclude each other; keep one of the two, better {key}")
        return self


@cache
def find_kinds(section: type[BaseModel], key: str) -> frozenset[type]:
    """Find what a key takes as it is: of int, float, bool, str and Path; nothing for lists, tables and secrets."""
    return frozenset(_list_kinds(section.model_fields[key].annotation))


def _list_kinds(annotation: Any) -> Iterator[type]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _list_kinds(get_args(annotation)[0])
    elif origin in {Union, UnionType}:
        for part in get_args(annotation):
            yield from _list_kinds(part)
    elif origin is Literal:
        yield from map(type, get_args(annotation))
    elif annotation in _KINDS:
        yield annotation


def _check_text(value: str, kinds: frozenset[type]) -> None:
    if kinds and not kinds & {str, Path}:
        what = "true or false" if bool in kinds else "a number" if float in kinds else "an integer"
        raise ValueError(f"should be {what}, without quotes")
    if set(list_controls(value)) - {"\n", "\t"}:
        raise ValueError("has a control character, or is no text")
    if Path in kinds and (not value.strip() or value.startswith("~")):
        raise ValueError("should be a path that is written out: neither empty nor beginning with ~")
