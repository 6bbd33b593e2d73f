"""What a reader can change about a result, as values and as JSON."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from config.errors import Value
from scoring.result import Artery

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Place: TypeAlias = tuple[int, int, int]
"""A stored pixel: (slice, row, column), from 0; the slice is an index into the images that were scored."""

LONGEST_ID: Final = 40
"""Characters of a lesion's name; those cut in two again and again reach it."""


class EditRefused(Exception):
    """An edit that cannot be done: the code of its sentence in the section [review] of the texts, and its values."""

    def __init__(self, code: str, /, **values: Value) -> None:
        super().__init__(code)
        self.code = code
        self.values: Mapping[str, Value] = values


@dataclass(frozen=True, slots=True)
class Reject:
    """A lesion is not coronary calcium."""

    lesion: str
    kind: Literal["reject"] = "reject"


@dataclass(frozen=True, slots=True)
class Accept:
    """A candidate that does not count is coronary calcium, in `artery` or the one that is stated for it."""

    lesion: str
    artery: Artery | None = None
    kind: Literal["accept"] = "accept"


@dataclass(frozen=True, slots=True)
class Move:
    """A lesion lies in another artery."""

    lesion: str
    artery: Artery
    kind: Literal["move"] = "move"


@dataclass(frozen=True, slots=True)
class Add:
    """What is bright at a place is coronary calcium."""

    at: Place
    artery: Artery
    kind: Literal["add"] = "add"


@dataclass(frozen=True, slots=True)
class Trim:
    """A lesion ends before the slice in which this image lies; with `keep` it includes it again."""

    lesion: str
    slice: int
    keep: bool = False
    kind: Literal["trim"] = "trim"


@dataclass(frozen=True, slots=True)
class Split:
    """A lesion is two, which meet at a place."""

    lesion: str
    at: Place
    kind: Literal["split"] = "split"


Edit: TypeAlias = Reject | Accept | Move | Add | Trim | Split


@dataclass(frozen=True, slots=True)
class Numbered:
    """An edit with its number in the review, from 1: names of new lesions follow from it."""

    number: int
    edit: Edit


def to_plain(edit: Edit) -> dict[str, Any]:
    """The JSON form of an edit, `kind` first; what is not stated is left out."""
    values = {name: value for name, value in asdict(edit).items() if value is not None}
    return {"kind": values.pop("kind"), **values}


def parse_edit(values: object) -> Edit:
    """Read the JSON form. Raises EditRefused (`not_an_edit`), which names the place, for anything else."""
    from pydantic import ValidationError  # noqa: PLC0415  # as in _adapter

    try:
        edit = _adapter().validate_python(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "edit"
        raise EditRefused("not_an_edit", place=place, problem=first["msg"]) from None
    if len(getattr(edit, "lesion", "")) > LONGEST_ID:
        raise EditRefused("not_an_edit", place="lesion", problem="too long")
    return edit


@functools.cache
def _adapter() -> TypeAdapter[Edit]:
    from typing import Annotated  # noqa: PLC0415

    from pydantic import Field, TypeAdapter  # noqa: PLC0415  # costs a tenth of a second

    return TypeAdapter(Annotated[Edit, Field(discriminator="kind")])
