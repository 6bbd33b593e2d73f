"""The JSON form of a score: `coronode.score/1`.

A sentence appears as its English text, as in version 0.1.0, with code and values beside it:

    "reason": "next to bone", "reason_code": "at_bone", "reason_values": {}
    "caveats": ["..."], "caveats_coded": [{"code": "...", "values": {}, "text": "..."}]
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NoReturn

from scoring.result import SCHEMA, Score
from scoring.result.context import BAND_ENDS

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Holder = dict[str, Any]

# fields that hold one sentence, and how 0.1.0 wrote that there is none
_SINGLE: Final = (
    ("provenance", "mass_factor_origin", None),
    ("risk", "ten_year_reason", ""),
    ("risk", "percentile_reason", ""),
    ("rejected", "reason", ""),
)
_SEVERAL: Final = (
    ("percentile", "caveats"),
    ("change", "differences"),
    ("change", "notes"),
    ("change", "citations"),
)
# several sentences that 0.1.0 wrote as one text
_JOINED: Final = (("risk", "change_reason"),)
_SEPARATOR: Final = ". "


def to_plain(score: Score) -> dict[str, Any]:
    """Plain dictionaries and lists, `schema` first."""
    values = dataclasses.asdict(score)
    for section, name, nothing in _SINGLE:
        for holder in _holders(values, section):
            statement = holder.pop(name)
            holder[name] = nothing if statement is None else statement["text"]
            holder[f"{name}_code"] = None if statement is None else statement["code"] or None
            holder[f"{name}_values"] = {} if statement is None else statement["values"]
    for section, name in (*_SEVERAL, *_JOINED):
        for holder in _holders(values, section):
            statements = holder.pop(name)
            texts = [statement["text"] for statement in statements]
            holder[name] = _SEPARATOR.join(texts) if (section, name) in _JOINED else texts
            holder[f"{name}_coded"] = statements
    for holder in _holders(values, "percentile"):
        holder["band_low"], holder["band_high"] = BAND_ENDS[holder["band"]]
    return {"schema": values.pop("schema"), **values}


def parse(text: str | bytes) -> Score:
    """Read the JSON form. Raises ValueError, which names the place, for anything else."""
    values = json.loads(text, parse_constant=_refuse_constant)
    if not isinstance(values, dict) or values.get("schema") != SCHEMA:
        schema = values.get("schema") if isinstance(values, dict) else type(values).__name__
        raise ValueError(f"not a score: schema is {schema!r}, this version reads {SCHEMA!r}")
    _lift_sentences(values)
    from pydantic import ValidationError  # noqa: PLC0415  # as in _adapter

    try:
        # as text once more: in JSON an array may be a tuple, and a number in quotes is none
        return _adapter().validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"not a complete score: {place}: {first['msg']}, not {first['input']!r:.80}") from error


def _lift_sentences(values: Holder) -> None:
    """Reassemble the sentences of the JSON form; without a code, the text is all that is known."""
    for section, name, _ in _SINGLE:
        for holder in _holders(values, section):
            text, code = holder.get(name), holder.pop(f"{name}_code", None)
            content = holder.pop(f"{name}_values", {})
            is_empty = not text and not code and section != "rejected"
            if name in holder:
                holder[name] = None if is_empty else {"code": code or "", "values": content, "text": text}
    # version 0.1.0 had the code in the flag alone
    rejecting = (flag.get("code") for flag in _holders(values, "flags") if flag.get("severity") == "reject")
    if "reason_code" not in values:
        values["reason_code"] = next(rejecting, None)
    for section, name in (*_SEVERAL, *_JOINED):
        for holder in _holders(values, section):
            coded = holder.pop(f"{name}_coded", None)
            texts = holder.get(name)
            if coded is not None:
                holder[name] = coded
            elif isinstance(texts, list):
                holder[name] = [{"text": text} for text in texts]
            elif isinstance(texts, str):
                holder[name] = [{"text": texts}] if texts else []


def _holders(values: Holder, section: str) -> Iterator[Holder]:
    """The objects of a section: one, none, or each of an array."""
    content = values.get(section)
    parts = content if isinstance(content, list | tuple) else [content]
    yield from (part for part in parts if isinstance(part, dict))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"not a score: {name} is not a JSON number")


@functools.cache
def _adapter() -> TypeAdapter[Score]:
    from pydantic import TypeAdapter  # noqa: PLC0415  # costs a tenth of a second, and most imports never read a result

    return TypeAdapter(Score)
