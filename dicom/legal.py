"""Values of others in the form that the Standard allows (PS3.5 6.2): the meaning stays, and nothing is guessed.

What is written in another form but can only mean one thing is rewritten: dots in dates, colons in times, a decimal
comma, lower-case codes, control characters. What can mean several things, or none, has no legal form. What is too long
is cut where it describes something, never where it identifies: a part of an identifier is another identifier.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from dicom.character_sets import SINGLE_VALUE_VRS
from dicom.dates import normalise_date, normalise_date_time, normalise_offset, normalise_time
from dicom.decimals import parse_decimal
from dicom.legible import clean_line, clean_paragraphs
from dicom.names import fit_name

LONGEST: Final[Mapping[str, int]] = {"SH": 16, "LO": 64, "ST": 1024, "LT": 10240}
"""Characters, not bytes, of a value that may be cut; PN has its own rule."""
LONGEST_UID: Final = 64

_CODE: Final = re.compile(r"[A-Z0-9 _]{1,16}")
_AGE: Final = re.compile(r"0*([0-9]{1,3}) ?([DWMY])")
_WHOLE: Final = re.compile(r"([+-]?)0*([0-9]{1,11})(?:[.,]0*)?")
_UID: Final = re.compile(r"[0-9]+(?:\.[0-9]+)+")
_URI: Final = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_ENTITY: Final = re.compile(r"[ -\[\]-~]{1,16}")
_LONGEST_DECIMAL: Final = 16
_PLACEHOLDER: Final = re.compile(r"[0.:/ -]*")
_WIDTHS: Final = {"US": (0, 1 << 16), "SS": (-(1 << 15), 1 << 15), "UL": (0, 1 << 32), "SL": (-(1 << 31), 1 << 31)}
_JOINED: Final = " / "

_SEXES: Final = {
    "M": ("M", "MALE", "MAN", "MÄNNLICH", "MAENNLICH", "MASCULIN", "MASCULINO", "HOMBRE", "HOMME", "MASCHIO"),
    "F": ("F", "FEMALE", "WOMAN", "WEIBLICH", "FÉMININ", "FEMININ", "FEMENINO", "MUJER", "FEMME", "FEMMINA"),
    "O": ("O", "OTHER", "DIVERS"),
}
_SEX_OF: Final = {word: sex for sex, words in _SEXES.items() for word in words}
# Enumerated Values of PS3.3 C.7.1.1, C.7.2.2, C.12.1.1 and Table 10-18; "" says that nothing is known
_ENUMERATED: Final[Mapping[str, frozenset[str]]] = {
    "PatientIdentityRemoved": frozenset({"YES", "NO"}),
    "QualityControlSubject": frozenset({"YES", "NO"}),
    "PatientSexNeutered": frozenset({"ALTERED", "UNALTERED"}),
    "SmokingStatus": frozenset({"YES", "NO", "UNKNOWN"}),
    "TypeOfPatientID": frozenset({"TEXT", "RFID", "BARCODE"}),
    "UniversalEntityIDType": frozenset({"DNS", "EUI64", "ISO", "URI", "UUID", "X400", "X500"}),
}


@dataclass(frozen=True, slots=True)
class Legal:
    """The values of an element that may be written, and whether something of what was there is missing in them."""

    values: tuple[str, ...]
    lossy: bool = False


def make_legal(vr: str, text: str, *, keyword: str = "", most: int | None = 1, identifies: bool = False) -> Legal:
    r"""Make the values of an element legal; `text` is decoded, values separated by backslashes.

    `most` is the greatest multiplicity (None: any number). Of several values where one is allowed, equal ones are one;
    they are joined when they describe (`LO`, `SH`). Of names and, with `identifies`, of identifiers the first stays, by
    which archives file the images; of all else there is none. With `identifies` no value is cut.
    """
    parts = (text,) if vr in SINGLE_VALUE_VRS else tuple(text.split("\\"))
    made = [_make_one(vr, part, keyword, identifies=identifies) for part in parts]
    values = tuple(one.values[0] if one.values else "" for one in made)
    lossy = any(one.lossy for one in made)
    if not any(values):
        return Legal((), lossy)
    if most is None or len(values) <= most:
        return Legal(values, lossy)
    if most > 1 or lossy:
        return Legal((), lossy=True)
    return _make_single(vr, tuple(dict.fromkeys(filter(None, values))), identifies=identifies)


def _make_single(vr: str, several: tuple[str, ...], *, identifies: bool) -> Legal:
    """Make one value of several different ones, or of one."""
    if len(several) == 1:
        return Legal(several)
    if identifies or vr == "PN":
        return Legal(several[:1], lossy=True)
    return _cut(_JOINED.join(several), LONGEST[vr]) if vr in LONGEST else Legal((), lossy=True)


def read_sex(text: str) -> str:
    """Read Patient's Sex (PS3.3 C.7.1.1): F, M, O, or "" where the text is no word for one of them."""
    word = clean_line(text).strip().upper()
    # codes are no text for the Standard, and have been read as Latin-1
    return _SEX_OF.get(word) or _SEX_OF.get(_read_as_utf_8(text).strip().upper(), "")


def _make_one(vr: str, text: str, keyword: str, *, identifies: bool) -> Legal:
    line = clean_paragraphs(text).rstrip(" ") if vr in SINGLE_VALUE_VRS else clean_line(text).strip()
    if not line:
        return Legal(())
    if vr == "PN":
        name, cut = fit_name(line)
        return Legal((name,) if name else (), cut)
    if keyword in _OWN_RULES or vr in _RULES:
        value = (_OWN_RULES.get(keyword) or _RULES[vr])(line)
        allowed = _ENUMERATED.get(keyword)
        if value is not None and (allowed is None or value in allowed):
            return Legal((value,))
        return Legal((), lossy=vr not in {"DA", "TM", "DT"} or _PLACEHOLDER.fullmatch(line) is None)
    longest = LONGEST.get(vr)
    if longest is None or len(line) <= longest:
        return Legal((line,))
    return Legal((), lossy=True) if identifies else _cut(line, longest)


def _cut(text: str, longest: int) -> Legal:
    return Legal((text[:longest].rstrip(),), lossy=len(text) > longest)


def _read_as_utf_8(text: str) -> str:
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return ""


def _make_code(line: str) -> str | None:
    code = line.upper()
    # an upper-case letter may be two others
    return code if line.isascii() and _CODE.fullmatch(code) else None


def _make_age(line: str) -> str | None:
    parts = _AGE.fullmatch(line.upper())
    return f"{int(parts[1]):03d}{parts[2]}" if parts else None


def _make_decimal(line: str) -> str | None:
    number = _make_float(line)
    return number if number is None or len(number) <= _LONGEST_DECIMAL else _shorten(float(number))


def _shorten(number: float) -> str:
    """Write a number with as many digits as its longest form has characters for."""
    shorter = (f"{number:.{digits}g}" for digits in range(_LONGEST_DECIMAL, 0, -1))
    return next(text for text in shorter if len(text) <= _LONGEST_DECIMAL)


def _make_whole(lowest: int, beyond: int) -> Callable[[str], str | None]:
    def make(line: str) -> str | None:
        parts = _WHOLE.fullmatch(line)
        if parts is None or not lowest <= int(parts[1] + parts[2]) < beyond:
            return None
        return f"{parts[1]}{parts[2]}"

    return make


def _make_float(line: str) -> str | None:
    return None if parse_decimal(line) is None else line.replace(",", ".")


def _make_uid(line: str) -> str | None:
    """Keep a UID that others may know, also one with leading zeros (PS3.5 9.1 forbids them)."""
    return line if len(line) <= LONGEST_UID and _UID.fullmatch(line) else None


def _make_uri(line: str) -> str | None:
    return line if _URI.fullmatch(line) else None


def _make_entity(line: str) -> str | None:
    return line if _ENTITY.fullmatch(line) else None


_RULES: Final[Mapping[str, Callable[[str], str | None]]] = {
    "AE": _make_entity,
    "AS": _make_age,
    "CS": _make_code,
    "DA": normalise_date,
    "DS": _make_decimal,
    "DT": normalise_date_time,
    "FD": _make_float,
    "FL": _make_float,
    "IS": _make_whole(-(1 << 31), 1 << 31),
    "TM": normalise_time,
    "UI": _make_uid,
    "UR": _make_uri,
    **{vr: _make_whole(lowest, beyond) for vr, (lowest, beyond) in _WIDTHS.items()},
}
_OWN_RULES: Final[Mapping[str, Callable[[str], str | None]]] = {
    "PatientSex": lambda line: read_sex(line) or None,
    "TimezoneOffsetFromUTC": normalise_offset,
}
