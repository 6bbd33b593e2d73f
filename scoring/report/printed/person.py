"""The person a printed report is about, according to the header of the images, in readable form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydicom.dataset import Dataset

from dicom.dates import format_date
from dicom.elements import text, texts
from dicom.legal import read_sex
from scoring.report.typeset.faces import Faces

_GROUPS: Final = 3
_COMPONENTS: Final = 5
_SEPARATOR: Final = " / "


@dataclass(frozen=True, slots=True)
class Person:
    """Names and numbers ready to print. `named` is "" when the header has no name, None when no font shows it.

    `called` is the name as it is spoken; `patient_id` as `named`. Dates are YYYY-MM-DD or "". `sex` is F, M, O or "".
    """

    named: str | None
    called: str | None
    patient_id: str | None
    born: str
    sex: str


def read_person(header: Dataset, faces: Faces) -> Person:
    """The patient of a header (PS3.3 C.7.1.1)."""
    return Person(
        named=format_names(header, "PatientName", faces),
        called=format_names(header, "PatientName", faces, spoken=True),
        patient_id=_keep_legible(read_all(header, "PatientID"), faces),
        born=format_date(text(header, "PatientBirthDate")),
        sex=read_sex(read_all(header, "PatientSex")),
    )


def read_all(header: Dataset, keyword: str) -> str:
    """Every value of an element that should have one: no page chooses between two patients."""
    return _SEPARATOR.join(dict.fromkeys(value for value in texts(header, keyword) if value))


def format_names(header: Dataset, keyword: str, faces: Faces, *, spoken: bool = False) -> str | None:
    """Every name of an element as `format_name`, side by side; None where one of them is not legible."""
    names = [format_name(name, faces, spoken=spoken) for name in dict.fromkeys(texts(header, keyword))]
    legible = [name for name in names if name is not None]
    return _SEPARATOR.join(filter(None, legible)) if len(legible) == len(names) else None


def format_name(name: str, faces: Faces, *, spoken: bool = False) -> str | None:
    """A person name (PS3.5 6.2.1) as "Family, Given" or, `spoken`, "Given Family"; "" for none, None when not legible.

    The alphabetic group comes first, the ideographic and phonetic ones in parentheses; spoken it stands alone. Where no
    font shows it the next one takes its place.
    """
    groups = [*name.split("="), "", ""][:_GROUPS]
    if not any(group.strip("^ ") for group in groups):
        return ""
    alphabetic = faces.legible(_alphabetic(groups[0], spoken=spoken))
    others = [faces.legible(_order_parts(group)) for group in groups[1:]]
    if alphabetic and any(others):
        return alphabetic if spoken else f"{alphabetic} ({', '.join(form for form in others if form)})"
    return next((form for form in (alphabetic, *others) if form), None)


def _keep_legible(value: str, faces: Faces) -> str | None:
    return (faces.legible(value) or None) if value else ""


def _parts(group: str) -> list[str]:
    return [part.strip() for part in [*group.split("^"), "", "", "", "", ""][:_COMPONENTS]]


def _alphabetic(group: str, *, spoken: bool) -> str:
    """Family, given, middle, prefix, suffix in the order of western names; of one in another script, as it is."""
    family, given, middle, prefix, suffix = _parts(group)
    first = " ".join(part for part in (prefix, given, middle) if part)
    if family and not _is_western(group):
        return _order_parts(group)
    if spoken:
        return ", ".join(part for part in (" ".join(part for part in (first, family) if part), suffix) if part)
    return ", ".join(part for part in (family, first, suffix) if part)


def _order_parts(group: str) -> str:
    return " ".join(part for part in _parts(group)[:3] if part)


def _is_western(group: str) -> bool:
    """True if all letters are Latin, Greek or Cyrillic, which Unicode places before the eastern scripts."""
    return all(ord(char) < 0x0590 or 0x1E00 <= ord(char) < 0x2000 for char in group)
