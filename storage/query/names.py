"""Names of persons: their component groups against those of a key (PS3.5 6.2.1, PS3.4 C.2.2.2.1).

A name has up to three groups, alphabetic, ideographic and phonetic: Yamada^Tarou=山田^太郎=やまだ^たろう. A key without
`=` matches a name of which any group matches. A key with `=` is compared group by group, and a group that it leaves
empty is universal:

    key           compared with
    yamada*       each of the three groups
    yamada*=      the alphabetic group; a trailing `=` has no meaning, so the same as above
    yamada*=*     the alphabetic group
    =山田*        the ideographic group
    ==やまだ*     the phonetic group
    y*==やまだ*   the alphabetic and the phonetic group
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Column, ColumnElement, and_, case, func, literal_column, not_, or_, select, union_all

from storage.query.texts import match_texts

_EQUALS: ColumnElement[str] = literal_column("'='")
_ZERO: ColumnElement[int] = literal_column("0")
_SPLITS = 2  # a name has three groups


def is_universal(key: str) -> bool:
    """Return whether a folded key matches every name, such as one from a form with empty fields."""
    return all("*" in _list_forms(group) for group in key.split("=") if group)


def match_name(column: ColumnElement[str], keys: Sequence[str], dialect: str) -> ColumnElement[bool]:
    """Match names that fit any of the keys; both are folded (`dicom.text.fold`), and no key is universal."""
    alone: list[ColumnElement[bool]] = []
    in_groups: list[ColumnElement[bool]] = []
    for key in keys:
        wanted = {
            place: _list_forms(group)
            for place, group in enumerate(key.split("=", _SPLITS))
            if group and not is_universal(group)
        }
        if set(wanted) == {0}:
            alone.append(match_texts(column, wanted[0], dialect))
        in_groups.append(
            _match_each_group(column, wanted, dialect) if "=" in key else _match_any_group(column, wanted[0], dialect)
        )
    has_groups = _has_groups(column, dialect)
    grouped = and_(has_groups, or_(*in_groups))
    if not alone:
        return grouped
    single = and_(not_(has_groups), or_(*alone))
    if not isinstance(column, Column) or not column.index:
        return or_(single, grouped)
    # No index serves the OR of both; the few names with several groups have their own index.
    matching_ids = union_all(select(column.table.c.id).where(single), select(column.table.c.id).where(grouped))
    return column.table.c.id.in_(matching_ids)


def _list_forms(group: str) -> list[str]:
    """List what one group of a key asks for: DOE^* asks for every DOE, one without a given name too."""
    forms = [group]
    while group.endswith("^*"):
        group = group[:-2].rstrip("^")
        forms.append(group or "*")
    return forms if group.strip("*") else ["*"]


def _match_any_group(column: ColumnElement[str], forms: list[str], dialect: str) -> ColumnElement[bool]:
    anywhere = match_texts(column, [f"*{form}*" for form in forms], dialect)  # cheap, and most names fail it
    groups = _split_groups(column, dialect)
    return and_(anywhere, or_(*(match_texts(group, forms, dialect) for group in groups)))


def _match_each_group(column: ColumnElement[str], wanted: dict[int, list[str]], dialect: str) -> ColumnElement[bool]:
    groups = _split_groups(column, dialect)
    return and_(*(match_texts(groups[place], forms, dialect) for place, forms in wanted.items()))


def _split_groups(column: ColumnElement[str], dialect: str) -> tuple[ColumnElement[str], ...]:
    """Split a name that has several groups; one that it lacks is empty."""
    end = _find_equals(column, dialect)
    rest = func.substr(column, end + 1)
    second_end = _find_equals(rest, dialect)
    second = case((second_end > _ZERO, func.substr(rest, 1, second_end - 1)), else_=rest)
    third = case((second_end > _ZERO, func.substr(rest, second_end + 1)), else_="")
    return func.substr(column, 1, end - 1), second, third


def _find_equals(text: ColumnElement[str], dialect: str) -> ColumnElement[int]:
    place = func.instr if dialect == "sqlite" else func.strpos
    found: ColumnElement[int] = place(text, _EQUALS)
    return found


def _has_groups(column: ColumnElement[str], dialect: str) -> ColumnElement[bool]:
    """Test whether a name has more than one group, in the same words as the index of these names."""
    return and_(column > "", _find_equals(column, dialect) > _ZERO)
