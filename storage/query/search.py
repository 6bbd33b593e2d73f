"""C-FIND: an identifier becomes one SELECT, each row a response (PS3.4 C.2.2.2, C.4.1, C.6.1, C.6.2).

More is accepted than the Standard demands: unique keys of the levels above may be missing, and keys of the levels above
are matched and returned too. Modality, a key of series, asks a study for its modalities, as many workstations mean it.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataset import Dataset
from sqlalchemy import ColumnElement, Integer, Select, UnaryExpression, literal, select
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.operators import custom_op

from config.errors import Rejected
from dicom import status
from dicom.encoding import Encoder, Slot
from dicom.text import read_text
from storage.database.engine import Database
from storage.database.models import InstanceRow, SeriesRow, StudyRow
from storage.objects.attributes import ATTRIBUTES, FOLDED, LEVELS, Level
from storage.query.computed import COMPUTED, COMPUTED_LEVELS, FROM_OUTSIDE, first_of_patient, in_study
from storage.query.matching import Target, build_condition

Root = Literal["study", "patient"]
_LEVEL, _CHARACTER_SET, _VIEW = 0x00080052, 0x00080005, 0x00080053
_MOST_UIDS = 10_000
# Each becomes several comparisons, and SQLite bounds the depth of an expression.
_MOST_VALUES = 50
# The longest values of the Standard have 324 characters, three groups of a name; both databases bound a pattern.
_LONGEST_VALUE = 1024
_BATCH = 64
_SEVERAL = frozenset({"ImageType", "ConvolutionKernel"})
_TABLES: dict[Level, type[StudyRow | SeriesRow | InstanceRow]] = {
    "PATIENT": StudyRow,
    "STUDY": StudyRow,
    "SERIES": SeriesRow,
    "IMAGE": InstanceRow,
}


class IdentifierError(Rejected):
    """The identifier is invalid: 0xA900, Identifier does not match SOP Class (PS3.4 C.4.1.1.4)."""

    def __init__(self, reason: str) -> None:
        super().__init__(status.DOES_NOT_MATCH, reason)


@dataclass(frozen=True, slots=True)
class Key:
    """One element of the identifier; `text` is empty for universal matching.

    One that is not supported at this level is returned empty; `matched_as` names what it is matched as all the same.
    """

    tag: int
    keyword: str
    vr: str
    text: str
    supported: bool
    matched_as: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """A parsed identifier."""

    root: Root
    level: Level
    keys: tuple[Key, ...]

    @classmethod
    def parse(cls, root: Root, identifier: Dataset) -> Self:
        """Parse an identifier.

        Raises:
            IdentifierError: the level is missing or not of this root, or a key has too many or too long values.
        """
        allowed = LEVELS if root == "patient" else LEVELS[1:]
        name = read_text(identifier, _LEVEL, "CS")
        if name not in get_args(Level) or name not in allowed:
            raise IdentifierError(f"Query/Retrieve Level must be {', '.join(allowed)}"[:64])
        level: Level = next(level for level in LEVELS if level == name)
        # In tag order, like the elements of the responses.
        tags = sorted(tag for tag in identifier.keys() if tag.element != 0)  # noqa: SIM118
        keys = [_parse_key(identifier, tag, level, root) for tag in tags if tag not in (_LEVEL, _CHARACTER_SET, _VIEW)]
        return cls(root, level, tuple(keys))

    @property
    def unsupported(self) -> tuple[str, ...]:
        """Keys that are returned empty; with any of them the status is 0xFF01 instead of 0xFF00."""
        return tuple(key.keyword or f"{key.tag:08X}" for key in self.keys if not key.supported)

    def encode_matches(
        self, db: Database, *, implicit: bool, source: Mapping[str, str] | None = None
    ) -> Generator[bytes]:
        """Yield the matches as they are read, each as an encoded data set in Little Endian; close it to stop early.

        Args:
            db: the database.
            implicit: Implicit VR, else Explicit VR.
            source: where and how the objects can be retrieved, by keyword; every match says it, asked for or not
                (PS3.4 C.4.1.1.3.2).

        Raises:
            Transient: the database did not answer, or the matches were taken too slowly.
        """
        statement, columns = self._build_statement(db.engine.dialect.name)
        encoder = Encoder(self._list_slots(columns, source or {}), implicit=implicit)
        with closing(db.rows(statement, batch=_BATCH)) as batches:
            for batch in batches:
                yield from map(encoder.encode, batch)

    def _list_slots(self, columns: list[str], source: Mapping[str, str]) -> list[Slot]:
        answered = [
            Slot(key.tag, key.vr, varies=key.supported and key.keyword in columns)
            for key in self.keys
            if key.keyword not in source
        ]
        told = [
            Slot(tag_for_keyword(keyword) or 0, dictionary_VR(keyword), varies=False, value=value)
            for keyword, value in source.items()
        ]
        return [Slot(_LEVEL, "CS", varies=False, value=self.level), *answered, *told]

    def _build_statement(self, dialect: str) -> tuple[Select[Any], list[str]]:
        columns: dict[str, ColumnElement[Any] | InstrumentedAttribute[Any]] = {}
        conditions: list[ColumnElement[bool]] = []
        for key in self.keys:
            if key.matched_as and (in_any := in_study(key.matched_as, key.text, dialect)) is not None:
                conditions.append(in_any)
            if not key.supported or key.keyword in FROM_OUTSIDE:
                continue
            columns[key.keyword] = COMPUTED[key.keyword]() if key.keyword in COMPUTED else _find_column(key.keyword)
            if (matched := _build_condition(key, dialect)) is not None:
                conditions.append(matched)
        if self.level == "PATIENT":
            conditions.append(first_of_patient())
        statement = select(*columns.values()) if columns else select(literal(1))
        statement = statement.select_from(_TABLES[self.level])
        if self.level == "IMAGE":
            above = self._link_parent(SeriesRow, "SOPInstanceUID", dialect=dialect)
            statement = statement.join(SeriesRow, InstanceRow.series_id == above)
        if self.level in ("IMAGE", "SERIES"):
            above = self._link_parent(StudyRow, "SOPInstanceUID", "SeriesInstanceUID", dialect=dialect)
            statement = statement.join(StudyRow, SeriesRow.study_id == above)
        return statement.where(*conditions), list(columns) or [""]

    def _link_parent(self, table: type[StudyRow | SeriesRow], *below: str, dialect: str) -> ColumnElement[int]:
        """Return the parent key for a join; SQLite starts from the parent unless a unique key is given `below`.

        Without statistics SQLite assumes that scanning a million objects costs less than a few studies with all their
        contents. The sign keeps it from using the key's own index.
        """
        column: ColumnElement[int] = table.id.expression
        if dialect != "sqlite" or any(key.text and key.keyword in below for key in self.keys):
            return column
        return UnaryExpression(column, operator=custom_op("+"), type_=Integer())


def _parse_key(identifier: Dataset, tag: int, level: Level, root: Root) -> Key:
    keyword = keyword_for_tag(tag)
    vr = dictionary_VR(tag).split(" or ")[0] if dictionary_has_tag(tag) else "UN"
    supported = _is_supported(keyword, level, root)
    matched_as = "ModalitiesInStudy" if keyword == "Modality" and level == "STUDY" else ""
    text = read_text(identifier, tag, vr, longest=None) if supported or matched_as else ""
    most = _MOST_UIDS if vr == "UI" else _MOST_VALUES
    if text.count("\\") >= most:
        raise IdentifierError(f"{keyword}: more than {most} values")
    if any(len(value) > _LONGEST_VALUE for value in text.split("\\")):
        raise IdentifierError(f"{keyword}: a value of more than {_LONGEST_VALUE} characters"[:64])
    return Key(int(tag), keyword, vr, text, supported, matched_as)


def _is_supported(keyword: str, level: Level, root: Root) -> bool:
    attribute = ATTRIBUTES.get(keyword)
    lowest = attribute.level if attribute is not None else COMPUTED_LEVELS.get(keyword)
    if lowest is None:
        return False
    if root == "study" and lowest == "PATIENT":
        lowest = "STUDY"
    return LEVELS.index(lowest) <= LEVELS.index(level)


def _find_column(keyword: str) -> InstrumentedAttribute[str]:
    attribute = ATTRIBUTES[keyword]
    column: InstrumentedAttribute[str] = getattr(_TABLES[attribute.level], attribute.column)
    return column


def _build_condition(key: Key, dialect: str) -> ColumnElement[bool] | None:
    if key.keyword in ("ModalitiesInStudy", "SOPClassesInStudy"):
        return in_study(key.keyword, key.text, dialect)
    if key.keyword in COMPUTED:
        return None
    attribute = ATTRIBUTES[key.keyword]
    table = _TABLES[attribute.level]
    folded = getattr(table, FOLDED[attribute.column]).expression if attribute.column in FOLDED else None
    target = Target(_find_column(key.keyword).expression, key.vr, folded, key.keyword in _SEVERAL)
    return build_condition(target, key.text, dialect)
