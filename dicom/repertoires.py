"""Writing text in the character sets that Specific Character Set (0008,0005) names (PS3.3 C.12.1.1.2, PS3.5 6.1.2).

The counterpart of `character_sets`, and stricter: what a set cannot express is an error, never a substitute. Sets with
code extensions are written as ISO 2022 has it: a set is designated to G0 or G1 by its escape sequence, and the initial
sets are active again before each delimiter and at the end of a value (PS3.5 6.1.2.5.3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from dicom.character_sets import spell_term

_ESCAPE: Final = b"\x1b"
_DELIMITERS: Final = frozenset("\\\t\n\f\r")
_NAME_DELIMITERS: Final = _DELIMITERS | frozenset("^=")
_FIRST_GRAPHIC, _FIRST_RIGHT, _DELETE = 0x20, 0xA0, 0x7F
_PAIR, _TRIPLE = 2, 3
_JIS_X_0212, _JIS_X_0201 = 0x8F, 0x8E  # single shifts of EUC-JP


class Repertoire(Protocol):
    """One or more character sets that a data set may declare together."""

    @property
    def terms(self) -> str:
        """The value of Specific Character Set (0008,0005)."""

    def encode(self, text: str, vr: str) -> bytes:
        """Encode the values of an element, separated by backslashes; unpadded.

        Raises UnicodeEncodeError where the repertoire lacks a character.
        """


@dataclass(frozen=True, slots=True)
class _StandAlone:
    """A set without code extensions that has every delimiter as one byte (PS3.3 table C.12-5)."""

    terms: str
    codec: str

    def encode(self, text: str, vr: str) -> bytes:  # noqa: ARG002  # needs no state
        return text.encode(self.codec)


@dataclass(frozen=True, slots=True)
class _Element:
    """A set as code element G0 (left half of the byte) or G1; `write` returns None for what it lacks."""

    escape: bytes
    is_right: bool
    write: Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True)
class _Extended:
    """Sets of ISO 2022: `left` and `right` are active at first, `elements` are all, most preferred first.

    Many readers take whatever follows an escape sequence for text of that set alone. So nothing relies on a set that
    was designated to the other half before: it is designated again.
    """

    terms: str
    left: _Element
    right: _Element | None
    elements: tuple[_Element, ...]

    def encode(self, text: str, vr: str) -> bytes:
        delimiters = _NAME_DELIMITERS if vr == "PN" else _DELIMITERS
        encoded = bytearray()
        first = self.right or self.left
        current = first
        for place, char in enumerate(text):
            if char in delimiters:
                encoded += self._restore(current) + char.encode("ascii")
                current = first
                continue
            element, content = self._find(char, current, text, place)
            if element is not current:
                restored = self._restore(current)
                encoded += restored if restored == element.escape else restored + element.escape
                current = element
            encoded += content
        return bytes(encoded + self._restore(current))

    def _find(self, char: str, current: _Element, text: str, place: int) -> tuple[_Element, bytes]:
        """Find the element to write a character with: the current one, else the first that has it."""
        if current.is_right and (content := self.left.write(char)) is not None:
            return current, content  # the left half is the initial one
        for element in (current, *self.elements):
            if (content := element.write(char)) is not None:
                return element, content
        raise UnicodeEncodeError(self.terms, text, place, place + 1, "not in these character sets")

    def _restore(self, current: _Element) -> bytes:
        """Make the initial elements active again; an empty right half needs no escape sequence."""
        if not current.is_right:
            return b"" if current is self.left else self.left.escape
        return b"" if self.right is None or current is self.right else self.right.escape


def _write_ascii(char: str) -> bytes | None:
    return char.encode("ascii") if _FIRST_GRAPHIC <= ord(char) < _DELETE else None


def _write_roman(char: str) -> bytes | None:
    """Write a character of JIS X 0201 romaji, which has a yen sign and an overline where ASCII has two others."""
    return None if char in "\\~" else _write_ascii(char)


def _write_katakana(char: str) -> bytes | None:
    written = _encode(char, "euc_jp")
    return written[1:] if len(written) == _PAIR and written[0] == _JIS_X_0201 else None


def _write_jis_x_0208(char: str) -> bytes | None:
    written = _encode(char, "euc_jp")
    return _to_left(written) if len(written) == _PAIR and written[0] >= _FIRST_RIGHT else None


def _write_jis_x_0212(char: str) -> bytes | None:
    written = _encode(char, "euc_jp")
    return _to_left(written[1:]) if len(written) == _TRIPLE and written[0] == _JIS_X_0212 else None


def _write_pairs(codec: str) -> Callable[[str], bytes | None]:
    """Write the double-byte characters of an EUC codec; Hangul composed of four of them is not in KS X 1001."""

    def write(char: str) -> bytes | None:
        written = _encode(char, codec)
        return written if len(written) == _PAIR and min(written) > _FIRST_RIGHT else None

    return write


def _write_right(codec: str, lacking: bytes = b"") -> Callable[[str], bytes | None]:
    """Write the right half of a single-byte codec without the bytes that the registered set lacks."""

    def write(char: str) -> bytes | None:
        written = _encode(char, codec)
        return written if len(written) == 1 and written[0] >= _FIRST_RIGHT and written not in lacking else None

    return write


def _encode(char: str, codec: str) -> bytes:
    try:
        return char.encode(codec)
    except UnicodeEncodeError:
        return b""


def _to_left(written: bytes) -> bytes:
    return bytes(byte & 0x7F for byte in written)


_ASCII: Final = _Element(_ESCAPE + b"(B", is_right=False, write=_write_ascii)
_ROMAN: Final = _Element(_ESCAPE + b"(J", is_right=False, write=_write_roman)
# PS3.3 tables C.12-3 and C.12-4. Python's Greek and Hebrew are later editions with characters more.
_RIGHT: Final = {
    "100": _Element(_ESCAPE + b"-A", is_right=True, write=_write_right("latin_1")),
    "101": _Element(_ESCAPE + b"-B", is_right=True, write=_write_right("iso8859_2")),
    "109": _Element(_ESCAPE + b"-C", is_right=True, write=_write_right("iso8859_3")),
    "110": _Element(_ESCAPE + b"-D", is_right=True, write=_write_right("iso8859_4")),
    "144": _Element(_ESCAPE + b"-L", is_right=True, write=_write_right("iso8859_5")),
    "127": _Element(_ESCAPE + b"-G", is_right=True, write=_write_right("iso8859_6")),
    "126": _Element(_ESCAPE + b"-F", is_right=True, write=_write_right("iso8859_7", lacking=b"\xa4\xa5\xaa")),
    "138": _Element(_ESCAPE + b"-H", is_right=True, write=_write_right("iso8859_8", lacking=b"\xfd\xfe")),
    "148": _Element(_ESCAPE + b"-M", is_right=True, write=_write_right("iso8859_9")),
    "166": _Element(_ESCAPE + b"-T", is_right=True, write=_write_right("tis_620")),
    "13": _Element(_ESCAPE + b")I", is_right=True, write=_write_katakana),
}
# without code extensions alone: pydicom does not know the escape sequence in what we read
_LATIN_9: Final = _Element(_ESCAPE + b"-b", is_right=True, write=_write_right("iso8859_15"))
_MULTI_BYTE: Final = {
    "87": _Element(_ESCAPE + b"$B", is_right=False, write=_write_jis_x_0208),
    "159": _Element(_ESCAPE + b"$(D", is_right=False, write=_write_jis_x_0212),
    "149": _Element(_ESCAPE + b"$)C", is_right=True, write=_write_pairs("euc_kr")),
    "58": _Element(_ESCAPE + b"$)A", is_right=True, write=_write_pairs("gb2312")),
}
_PLAIN, _WITH_EXTENSIONS = "ISO IR ", "ISO 2022 IR "

UTF_8: Final[Repertoire] = _StandAlone("ISO_IR 192", "utf-8")
_STAND_ALONE: Final[dict[str, Repertoire]] = {
    "ISO IR 203": _Extended("ISO_IR 203", _ASCII, _LATIN_9, (_ASCII, _LATIN_9)),
    "ISO IR 192": UTF_8,
    "UTF 8": UTF_8,
    "UTF8": UTF_8,
    "GB18030": _StandAlone("GB18030", "gb18030"),
    "GBK": _StandAlone("GBK", "gbk"),
}


@lru_cache(maxsize=64)
def find_repertoire(declared: str) -> Repertoire | None:
    r"""Find what `declared`, the terms of Specific Character Set separated by backslashes, can express beyond ASCII.

    Terms are recognised in any spelling, as `character_sets.find_codecs` does. None for the default repertoire alone,
    and for terms that are unknown or may not stand together.
    """
    terms = [spell_term(term) for term in declared.split("\\")]
    if len(terms) == 1:
        (term,) = terms
        if term in _STAND_ALONE:
            return _STAND_ALONE[term]
        number = term.removeprefix(_PLAIN)
        if term.startswith(_PLAIN) and number in _RIGHT:
            return _extend(f"ISO_IR {number}", number, ())
    numbers = [term.removeprefix(_WITH_EXTENSIONS) if term else "6" for term in terms]
    if not all(not term or term.startswith(_WITH_EXTENSIONS) for term in terms):
        return None
    known = all(number == "6" or number in _RIGHT or number in _MULTI_BYTE for number in numbers)
    if not known or numbers == ["6"]:
        return None
    canonical = "\\".join(f"ISO 2022 IR {number}" if term else "" for number, term in zip(numbers, terms, strict=True))
    return _extend(canonical, numbers[0], tuple(numbers[1:]))


def _extend(terms: str, first: str, others: tuple[str, ...]) -> Repertoire:
    """Combine sets; a multi-byte set in the first place, which the Standard does not allow, follows ASCII."""
    if first in _MULTI_BYTE:
        first, others = "6", (first, *others)
    left = _ROMAN if first == "13" else _ASCII
    further = [_ASCII if number == "6" else (_RIGHT | _MULTI_BYTE)[number] for number in others]
    right = _RIGHT.get(first)
    initial = (left,) if right is None else (left, right)
    return _Extended(terms, left, right, tuple(dict.fromkeys((*initial, *further))))
