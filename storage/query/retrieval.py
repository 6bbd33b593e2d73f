"""C-MOVE and C-GET: the unique keys of an identifier, and the objects that they select (PS3.4 C.4.2.1.4, C.4.3.1.3).

A selection holds the row IDs of its objects alone, because a patient may have tens of thousands of them; what is needed
to send them is read a page at a time, so that no reading transaction lasts as long as the sending.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self, TypeVar

from pydicom.dataset import Dataset
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from config.errors import Rejected
from dicom import status
from dicom.text import read_text
from storage.database.engine import Database
from storage.database.models import InstanceRow, SeriesRow, StudyRow
from storage.objects.attributes import ATTRIBUTES, LEVELS, Level
from storage.query.keys import UNIQUE_KEYS, Root, read_level
from storage.query.visibility import visible

MOST_OBJECTS: Final = 100_000
"""Of one retrieval."""

_MOST_UIDS: Final = 10_000
_WILD: Final = frozenset("*?")
_PAGE: Final = 500
_SERIES_AT_ONCE: Final = 200

_Item = TypeVar("_Item")
Kind = tuple[str, str]
"""SOP Class and Transfer Syntax UID."""
Group = tuple[int, str]
"""Row ID of a series, and SOP Class UID."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as it lies in the store: `path` is relative to it, `size` that of the file in bytes.

    Series and study are those under which it is indexed, also where its data set names none.
    """

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    path: str
    size: int
    series_instance_uid: str = ""
    study_instance_uid: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """The `count` selected objects of one class in one series."""

    study_instance_uid: str
    series_instance_uid: str
    sop_class_uid: str
    count: int


@dataclass(frozen=True, slots=True)
class Selection:
    """The selected objects in the order in which they were received, series by series.

    `kinds` counts them by kind, `groups` by series and class.
    """

    ids: array[int]
    kinds: Mapping[Kind, int]
    groups: Mapping[Group, int]

    def __len__(self) -> int:
        return len(self.ids)

    def read_objects(self, db: Database) -> Iterator[StoredObject]:
        """Yield the objects, without those that have been deleted meanwhile. Raises Transient."""
        for start in range(0, len(self.ids), _PAGE):
            page = list(self.ids[start : start + _PAGE])
            with db.reading() as session:
                rows = session.execute(_select_objects().where(InstanceRow.id.in_(page))).all()
            found = {row[0]: StoredObject(*row[1:]) for row in rows}
            yield from (found[row_id] for row_id in page if row_id in found)

    def list_parts(self, db: Database) -> list[Part]:
        """List what was selected by study, series and class, in its order. Raises Transient."""
        columns = select(SeriesRow.id, StudyRow.study_instance_uid, SeriesRow.series_instance_uid).join(StudyRow)
        named: dict[int, tuple[str, str]] = {}
        with db.reading() as session:
            for some in _cut(list({row_id: None for row_id, _ in self.groups}), _SERIES_AT_ONCE):
                for row_id, *uids in session.execute(columns.where(SeriesRow.id.in_(some))):
                    named[row_id] = uids[0], uids[1]
        return [
            Part(*named[row_id], sop_class_uid, count)
            for (row_id, sop_class_uid), count in self.groups.items()
            if row_id in named
        ]


@dataclass(frozen=True, slots=True)
class Retrieval:
    """A parsed identifier: the values of the unique keys, and the issuer of the Patient ID where it is given."""

    level: Level
    keys: Mapping[Level, tuple[str, ...]]
    issuer: str = ""

    @classmethod
    def parse(cls, root: Root, identifier: Dataset, *, relational: bool = False) -> Self:
        """Parse an identifier.

        Args:
            root: the information model.
            identifier: the data set of the request; attributes other than the unique keys are ignored.
            relational: whether relational retrieval was negotiated, so that keys of the levels above may be missing.

        Raises:
            Rejected: 0xA900, a level or key is missing or has a value that the model does not allow.
        """
        level = read_level(root, identifier)
        levels = LEVELS if root == "patient" else LEVELS[1:]
        keys: dict[Level, tuple[str, ...]] = {}
        for each in levels[: levels.index(level) + 1]:
            values = _read_key(identifier, each)
            if values is not None:
                _check_values(each, values, several=relational or each == level)
                keys[each] = values
            elif each == level or not relational:
                raise Rejected(status.DOES_NOT_MATCH, f"{UNIQUE_KEYS[each]} is missing")
        if keys.get(level) == ("",):
            raise Rejected(status.DOES_NOT_MATCH, f"{UNIQUE_KEYS[level]} is empty")
        issuer = ATTRIBUTES["IssuerOfPatientID"]
        return cls(level, keys, read_text(identifier, issuer.tag, issuer.vr))

    def select(self, db: Database) -> Selection:
        """Select the objects.

        Raises Rejected (0xA701) when they are more than `MOST_OBJECTS`, Transient when the database does not answer.
        """
        ids, kinds, groups = array("q"), Counter[Kind](), Counter[Group]()
        with db.reading() as session:
            for statement in self._build_statements(session):
                found = session.execute(statement, execution_options={"yield_per": _PAGE})
                for row_id, sop_class_uid, transfer_syntax_uid, series_id in found:
                    ids.append(row_id)
                    kinds[sop_class_uid, transfer_syntax_uid] += 1
                    groups[series_id, sop_class_uid] += 1
                    if len(ids) > MOST_OBJECTS:
                        raise Rejected(status.CANNOT_COUNT_MATCHES, f"more than {MOST_OBJECTS} objects match")
        return Selection(ids, kinds, groups)

    def _build_statements(self, session: Session) -> Iterator[Select[int, str, str, int]]:
        """Build the SELECTs of the objects, each of which one index serves."""
        columns = select(
            InstanceRow.id, InstanceRow.sop_class_uid, InstanceRow.transfer_syntax_uid, InstanceRow.series_id
        )
        columns = columns.where(visible("IMAGE", named=self.level == "IMAGE"))
        above = self._match_above()
        if self.level == "IMAGE":
            joined = columns.join(SeriesRow, InstanceRow.series_id == SeriesRow.id).join(StudyRow)
            for uids in _cut(list(dict.fromkeys(self.keys["IMAGE"])), _PAGE):
                yield joined.where(InstanceRow.sop_instance_uid.in_(uids), *above).order_by(
                    InstanceRow.series_id, InstanceRow.id
                )
            return
        series = list(session.scalars(select(SeriesRow.id).join(StudyRow).where(*above).order_by(SeriesRow.id)))
        for some in _cut(series, _SERIES_AT_ONCE):
            yield columns.where(InstanceRow.series_id.in_(some)).order_by(InstanceRow.series_id, InstanceRow.id)

    def _match_above(self) -> list[ColumnElement[bool]]:
        """Match patient, study and series."""
        columns: dict[Level, ColumnElement[str]] = {
            "PATIENT": StudyRow.patient_id.expression,
            "STUDY": StudyRow.study_instance_uid.expression,
            "SERIES": SeriesRow.series_instance_uid.expression,
        }
        conditions: list[ColumnElement[bool]] = [
            column.in_(self.keys[level]) for level, column in columns.items() if level in self.keys
        ]
        if self.issuer:
            conditions.append(StudyRow.issuer_of_patient_id.expression == self.issuer)
        return conditions


def find_object(
    db: Database, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str
) -> StoredObject | None:
    """Find one object by its UIDs and those above, None where it is not there or not shown. Raises Transient."""
    statement = _select_objects().where(
        InstanceRow.sop_instance_uid == sop_instance_uid,
        SeriesRow.series_instance_uid == series_instance_uid,
        StudyRow.study_instance_uid == study_instance_uid,
        visible("IMAGE", named=True),
    )
    with db.reading() as session:
        row = session.execute(statement).one_or_none()
    return None if row is None else StoredObject(*row[1:])


def _select_objects() -> Select[int, str, str, str, str, int, str, str]:
    """Select row ID and the fields of StoredObject in their order."""
    return (
        select(
            InstanceRow.id,
            InstanceRow.sop_class_uid,
            InstanceRow.sop_instance_uid,
            InstanceRow.transfer_syntax_uid,
            InstanceRow.path,
            InstanceRow.size,
            SeriesRow.series_instance_uid,
            StudyRow.study_instance_uid,
        )
        .join(SeriesRow, InstanceRow.series_id == SeriesRow.id)
        .join(StudyRow, SeriesRow.study_id == StudyRow.id)
    )


def _read_key(identifier: Dataset, level: Level) -> tuple[str, ...] | None:
    """Read the values of a unique key; None where it is absent.

    Patient ID may be empty, as after de-identification; an empty UID is an absent one.
    """
    attribute = ATTRIBUTES[UNIQUE_KEYS[level]]
    if attribute.tag not in identifier:
        return None
    text = read_text(identifier, attribute.tag, attribute.vr, longest=None)
    if not text:
        return ("",) if level == "PATIENT" else None
    return tuple(value for value in text.split("\\") if value) or None


def _check_values(level: Level, values: Sequence[str], *, several: bool) -> None:
    keyword = UNIQUE_KEYS[level]
    most = _MOST_UIDS if several and level != "PATIENT" else 1
    if len(values) > most:
        raise Rejected(status.DOES_NOT_MATCH, f"{keyword}: {len(values)} values, at most {most} allowed")
    if any(_WILD & set(value) for value in values):
        raise Rejected(status.DOES_NOT_MATCH, f"{keyword}: a wildcard selects nothing for retrieval")


def _cut(items: Sequence[_Item], size: int) -> Iterator[Sequence[_Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))
