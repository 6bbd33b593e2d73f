"""What every section of the configuration is made of."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_LONGEST_AE_TITLE: Final = 16


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


AeTitle = Annotated[str, AfterValidator(_check_ae_title)]
Port = Annotated[int, Field(ge=1, le=65535)]
ListenPort = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=7 * 24 * 3600)]


class Section(BaseModel):
    """A section of the configuration: unknown keys are errors, values do not change after loading."""

    model_config = ConfigDict(frozen=True, extra="forbid")
