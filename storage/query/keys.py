"""The keys of a C-FIND identifier (PS3.4 C.2.2.1, C.4.1.1.3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_for_tag
from pydicom.dataset import Dataset

from config.errors import Rejected
from dicom import status
from dicom.text import read_text
from storage.objects.attributes import ATTRIBUTES, LEVELS, TIME_OF_DATE, TIMEZONE, Level
from storage.query.computed import COMPUTED_LEVELS

Root = Literal["study", "patient"]
LEVEL, CHARACTER_SET, _VIEW = 0x00080052, 0x00080005, 0x00080053
UNIQUE_KEYS: Final[dict[Level, str]] = {
    "PATIENT": "PatientID",
    "STUDY": "StudyInstanceUID",
    "SERIES": "SeriesInstanceUID",
    "IMAGE": "SOPInstanceUID",
}
"""PS3.4 C.6.1.1, C.6.2.1."""
_IDENTIFYING: Final = frozenset({*UNIQUE_KEYS.values(), "AccessionNumber"})
_NEVER_MATCHED = frozenset({LEVEL, CHARACTER_SET, _VIEW, TIMEZONE.tag})
_MOST_UIDS = 10_000
# Each becomes several comparisons, and SQLite bounds the depth of an expression.
_MOST_VALUES = 50
# The longest values of the Standard have 324 characters, three groups of a name; both databases bound a pattern.
_LONGEST_VALUE = 1024


class IdentifierError(Rejected):
    """The identifier is invalid: 0xA900, Identifier does not match SOP Class (PS3.4 C.4.1.1.4)."""

    def __init__(self, reason: str) -> None:
        super().__init__(status.DOES_NOT_MATCH, reason)


@dataclass(frozen=True, slots=True)
class Key:
    """One element of the identifier; `text` is empty for universal matching.

    One that is not supported at this level is left out of the answers (PS3.4 C.2.2.1.3); `matched_as` names what it is
    matched as all the same, and is then returned empty.
    """

    tag: int
    keyword: str
    vr: str
    text: str
    supported: bool
    matched_as: str = ""

    @property
    def has_zone(self) -> bool:
        """Whether the meaning of its answers depends on a time zone; that of a date without a time does not."""
        return self.supported and (self.vr in ("TM", "DT") or self.keyword in TIME_OF_DATE)


def read_level(root: Root, identifier: Dataset) -> Level:
    """Read the level of a query. Raises IdentifierError when it is missing or not of this root."""
    allowed = LEVELS if root == "patient" else LEVELS[1:]
    name = read_text(identifier, LEVEL, "CS")
    if name not in get_args(Level) or name not in allowed:
        raise IdentifierError(f"Query/Retrieve Level must be {', '.join(allowed)}"[:64])
    return next(level for level in LEVELS if level == name)


def read_keys(root: Root, level: Level, identifier: Dataset) -> tuple[Key, ...]:
    """Read the keys in tag order, like the elements of the responses.

    The time zone is among them where it is asked for, or where answers have a date or time of one (C.4.1.1.3.2).

    Raises:
        IdentifierError: a key has too many or too long values.
    """
    tags = sorted(tag for tag in identifier.keys() if tag.element != 0)  # noqa: SIM118
    keys = [_parse_key(identifier, tag, level, root) for tag in tags if tag not in _NEVER_MATCHED]
    if TIMEZONE.tag in identifier or any(key.has_zone for key in keys):
        keys.append(Key(TIMEZONE.tag, TIMEZONE.keyword, TIMEZONE.vr, "", supported=True))
    return tuple(sorted(keys, key=lambda key: key.tag))


def check_identified(level: Level, keys: Sequence[Key]) -> None:
    """Check that a query below the first level names a patient, study, series or object.

    The Standard asks for the unique keys of all levels above unless relational queries were negotiated (PS3.4
    C.4.1.2.1). Many callers give one of them or the accession number, or in the Patient Root begin with studies; none
    needs all the series or objects of a node.

    Raises:
        IdentifierError: it names none.
    """
    if level in ("PATIENT", "STUDY"):
        return
    if not any(key.keyword in _IDENTIFYING and key.text.strip("*?\\") for key in keys):
        raise IdentifierError("no unique key, and relational queries are not negotiated")


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
