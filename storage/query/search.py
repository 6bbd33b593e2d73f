"""C-FIND: an identifier becomes one SELECT, each row a response (PS3.4 C.2.2.2, C.4.1, C.6.1, C.6.2).

More is accepted than the Standard demands: unique keys of the levels above may be missing, and keys of the levels above
are matched and returned too. Modality, a key of series, asks a study for its modalities, as many workstations mean it.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset
from sqlalchemy import ColumnElement, Integer, Select, UnaryExpression, and_, case, literal, select
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.operators import custom_op

from dicom.dates import parse_offset
from dicom.encoding import Encoder, Slot
from dicom.repertoires import Repertoire, find_repertoire
from dicom.text import read_text
from storage.database.engine import Database
from storage.database.models import InstanceRow, SeriesRow, StudyRow
from storage.objects.attributes import ATTRIBUTES, FOLDED, LEVELS, TIME_OF_DATE, TIMEZONE, Level
from storage.query.computed import COMPUTED, FROM_OUTSIDE, first_of_patient, in_study
from storage.query.keys import CHARACTER_SET, LEVEL, Key, Root, check_identified, read_keys, read_level
from storage.query.matching import Target, build_condition
from storage.query.moments import match_combined
from storage.query.visibility import visible

_BATCH = 64
_SEVERAL = frozenset({"ImageType", "ConvolutionKernel"})
_TABLES: dict[Level, type[StudyRow | SeriesRow | InstanceRow]] = {
    "PATIENT": StudyRow,
    "STUDY": StudyRow,
    "SERIES": SeriesRow,
    "IMAGE": InstanceRow,
}


@dataclass(frozen=True, slots=True)
class Search:
    """A parsed identifier.

    `repertoire` is what its Specific Character Set can express beyond ASCII, `offset` the time zone of its dates and
    times; None where it says nothing. With `combined` a date and a time are matched as one (PS3.4 C.2.2.2.5.4).
    """

    root: Root
    level: Level
    keys: tuple[Key, ...]
    repertoire: Repertoire | None = None
    offset: timedelta | None = None
    combined: bool = False

    @classmethod
    def parse(cls, root: Root, identifier: Dataset, *, relational: bool = True, combined: bool = False) -> Self:
        """Parse an identifier.

        Args:
            root: the information model.
            identifier: the data set of the request.
            relational: whether relational queries were negotiated.
            combined: whether combined date-time matching was negotiated.

        Raises:
            IdentifierError: the level is missing or not of this root, a key has too many or too long values, or a
                query names no entity and is not relational.
        """
        level = read_level(root, identifier)
        keys = read_keys(root, level, identifier)
        if not relational:
            check_identified(level, keys)
        return cls(
            root,
            level,
            keys,
            find_repertoire(read_text(identifier, CHARACTER_SET, "CS")),
            parse_offset(read_text(identifier, TIMEZONE.tag, TIMEZONE.vr)),
            combined,
        )

    @property
    def unsupported(self) -> tuple[str, ...]:
        """Keys that are not matched by themselves; with any of them the status is 0xFF01 instead of 0xFF00."""
        return tuple(key.keyword or f"{key.tag:08X}" for key in self.keys if not key.supported)

    def encode_matches(
        self, db: Database, *, implicit: bool, source: Mapping[str, str] | None = None
    ) -> Generator[bytes]:
        """Yield the matches as they are read, each as an encoded data set in Little Endian; close it to stop early.

        Text that is not ASCII is in the character sets of the identifier where they can express a match, else in
        ISO_IR 192 (PS3.4 C.4.1.1.3.2).

        Args:
            db: the database.
            implicit: Implicit VR, else Explicit VR.
            source: where and how the objects can be retrieved, by keyword; every match says it, asked for or not
                (PS3.4 C.4.1.1.3.2).

        Raises:
            Transient: the database did not answer, or the matches were taken too slowly.
        """
        statement, columns = self.build_statement(db.engine.dialect.name)
        slots = self._list_slots(columns, source or {})
        encoder = Encoder(slots, implicit=implicit, preferred=self.repertoire)
        with closing(db.rows(statement, batch=_BATCH)) as batches:
            for batch in batches:
                yield from map(encoder.encode, batch)

    def _list_slots(self, columns: list[str], source: Mapping[str, str]) -> list[Slot]:
        answered = [
            Slot(
                key.tag,
                key.vr,
                varies=key.supported and key.keyword in columns,
                optional=key.tag == TIMEZONE.tag,  # never sent without a value (C.4.1.1.3.2)
            )
            for key in self.keys
            if key.keyword not in source and (key.supported or key.matched_as)
        ]
        told = [
            Slot(tag_for_keyword(keyword) or 0, dictionary_VR(keyword), varies=False, value=value)
            for keyword, value in source.items()
        ]
        return [Slot(LEVEL, "CS", varies=False, value=self.level), *answered, *told]

    def build_statement(self, dialect: str) -> tuple[Select[Any], list[str]]:
        """Build the SELECT of the matches for a database, and list the keywords of its columns."""
        columns: dict[str, ColumnElement[Any] | InstrumentedAttribute[Any]] = {}
        together, conditions = self._match_together()
        for key in self.keys:
            if key.matched_as and (in_any := in_study(key.matched_as, key.text, dialect)) is not None:
                conditions.append(in_any)
            if not key.supported or key.keyword in FROM_OUTSIDE:
                continue
            if key.tag == TIMEZONE.tag:
                columns[key.keyword] = self._find_zone()
                continue
            columns[key.keyword] = COMPUTED[key.keyword]() if key.keyword in COMPUTED else _find_column(key.keyword)
            if key.keyword in together:
                continue
            if (matched := _build_condition(key, dialect, self.offset)) is not None:
                conditions.append(matched)
        named = any(key.keyword == "SOPInstanceUID" and key.text for key in self.keys)
        conditions.append(visible(self.level, named=named))
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

    def _match_together(self) -> tuple[set[str], list[ColumnElement[bool]]]:
        """Match pairs of a date and a time as one, where that was negotiated; return their keywords and conditions."""
        keys = {key.keyword: key for key in self.keys if key.supported and key.text} if self.combined else {}
        together: set[str] = set()
        conditions: list[ColumnElement[bool]] = []
        for date, time in TIME_OF_DATE.items():
            if date in keys and time in keys:
                texts = keys[date].text, keys[time].text
                matched = match_combined(
                    _find_target(keys[date]).moment, _find_target(keys[time]).moment, texts, self.offset
                )
                if matched is not None:
                    together |= {date, time}
                    conditions.append(matched)
        return together, conditions

    def _find_zone(self) -> ColumnElement[str]:
        """Find the time zone of the dates and times of a match; "" when its levels are of different zones."""
        levels = {ATTRIBUTES[key.keyword].level for key in self.keys if key.has_zone} or {self.level}
        zone, *others = (_zone_of(level) for level in sorted(levels, key=LEVELS.index))
        return case((and_(*(zone == other for other in others)), zone), else_="") if others else zone

    def _link_parent(self, table: type[StudyRow | SeriesRow], *below: str, dialect: str) -> ColumnElement[int]:
        """Return the parent key for a join; SQLite starts from the parent unless a unique key is given `below`.

        Without statistics SQLite assumes that scanning a million objects costs less than a few studies with all their
        contents. The sign keeps it from using the key's own index.
        """
        column: ColumnElement[int] = table.id.expression
        if dialect != "sqlite" or any(key.text and key.keyword in below for key in self.keys):
            return column
        return UnaryExpression(column, operator=custom_op("+"), type_=Integer())


def _find_column(keyword: str) -> InstrumentedAttribute[str]:
    attribute = ATTRIBUTES[keyword]
    column: InstrumentedAttribute[str] = getattr(_TABLES[attribute.level], attribute.column)
    return column


def _zone_of(level: Level) -> ColumnElement[str]:
    column: ColumnElement[str] = getattr(_TABLES[level], TIMEZONE.column).expression
    return column


def _find_target(key: Key) -> Target:
    attribute = ATTRIBUTES[key.keyword]
    folded, time, zone = None, None, None
    if attribute.column in FOLDED:
        folded = getattr(_TABLES[attribute.level], FOLDED[attribute.column]).expression
    if key.has_zone:
        zone = _zone_of(attribute.level)
        time = _find_column(TIME_OF_DATE[key.keyword]).expression if key.vr == "DA" else None
    column = _find_column(key.keyword).expression
    return Target(column, key.vr, folded, key.keyword in _SEVERAL, time, zone)


def _build_condition(key: Key, dialect: str, offset: timedelta | None) -> ColumnElement[bool] | None:
    if key.keyword in ("ModalitiesInStudy", "SOPClassesInStudy"):
        return in_study(key.keyword, key.text, dialect)
    if key.keyword in COMPUTED:
        return None
    return build_condition(_find_target(key), key.text, dialect, offset)
