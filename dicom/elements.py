"""Reading headers as they come: files with and without a preamble, elements with invalid values.

De-identified and converted images often break the Standard in ways that do not touch the score (empty or
malformed UIDs, another SOP Instance UID in the file meta). `dicom.process` keeps pydicom silent about them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydicom import dcmread
from pydicom.datadict import dictionary_has_tag, dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from config.errors import is_fault
from dicom.binary import BINARY_VRS, BYTES_VRS, unpack_numbers
from dicom.character_sets import (
    DEFAULT_REPERTOIRE,
    SINGLE_VALUE_VRS,
    STRING_VRS,
    Codecs,
    decode_value,
    find_declared_codecs,
)
from dicom.decimals import parse_decimals
from dicom.deflated import InflatesTooFarError, read_deflated, seems_deflated
from dicom.legible import clean_text
from dicom.stored import DAMAGE, stored_element

# of files without preamble: the first group is identifying (0008) or file meta (0002), little endian
_FIRST_GROUPS = (b"\x08\x00", b"\x02\x00")


def find(paths: Iterable[Path]) -> list[Path]:
    """List every file in `paths` once, sorted; folders are searched to any depth.

    Raises FileNotFoundError when a path does not exist, another OSError when it cannot be looked at.
    """
    files: set[Path] = set()
    for path in paths:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            for folder, _, names in os.walk(path):
                files.update(file for name in names if (file := Path(folder, name)).is_file())
        elif stat.S_ISREG(mode):
            files.add(path)
    return sorted(files)


def opened(path: Path, *, pixels: bool = False, tags: Sequence[str] | None = None) -> Dataset | None:
    """Read the data set of a DICOM file, without Pixel Data unless asked for; None when the file is not DICOM.

    `tags` (keywords) limits what is read. The result always has a `file_meta` with a Transfer Syntax UID.

    Raises OSError when the system does not let it be read: an image must not seem to be missing because the disk is
    away; InflatesTooFarError for pixels of a deflated file that is longer than its header promises.
    """
    try:
        with path.open("rb") as file:
            start = file.read(1024)
            preamble = start[128:132] == b"DICM"
            if not preamble and start[:2] not in _FIRST_GROUPS:
                return None
            if seems_deflated(start):
                dataset = read_deflated(file, preamble=preamble, pixels=pixels, tags=tags)
                if dataset is not None:
                    return dataset
        dataset = dcmread(
            path,
            force=not preamble,
            stop_before_pixels=not pixels,
            specific_tags=None if tags is None else list(tags),
        )
        if not hasattr(dataset, "file_meta"):
            dataset.file_meta = FileMetaDataset()
        if not dataset.file_meta.get("TransferSyntaxUID"):
            implicit, little = dataset.original_encoding
            explicit = ExplicitVRLittleEndian if little is not False else ExplicitVRBigEndian
            dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    except InflatesTooFarError:
        raise
    except DAMAGE as error:
        if is_fault(error):
            raise
        return None
    return dataset


def value(dataset: Dataset, keyword: str) -> Any:
    """Return the element's value as pydicom converts it; None when it is absent, empty or unreadable."""
    try:
        converted = dataset.get(keyword)
    except DAMAGE:
        return None
    return None if converted is None or converted == "" else converted


def text(dataset: Dataset, keyword: str) -> str:
    """Return the element's first value as text without surrounding space, "" when there is none."""
    return next(iter(texts(dataset, keyword)), "")


def texts(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """Return every value of the element as text without surrounding space."""
    tag = tag_for_keyword(keyword)
    vr = "UN" if tag is None else known_vr(None, tag)
    return tuple(clean_text(str(item), vr) for item in _values(dataset, keyword))


def numbers(dataset: Dataset, keyword: str, count: int | None = None) -> tuple[float, ...] | None:
    """Return the element's values, or None unless they are exactly `count` finite numbers."""
    # binary numbers (FD, US) come as numbers; their text is exact
    parts = [_as_text(item) for item in _values(dataset, keyword)]
    return parse_decimals(parts, count)


def number(dataset: Dataset, keyword: str) -> float | None:
    """Return the element's first value, or None unless all its values are finite numbers."""
    converted = numbers(dataset, keyword)
    return converted[0] if converted else None


def inner(dataset: Dataset, *keywords: str) -> Dataset | None:
    """Return the first item of a sequence, of a sequence within it, and so on; None where one is absent or empty."""
    item = dataset
    for keyword in keywords:
        sequence = value(item, keyword)
        if not isinstance(sequence, Sequence) or not len(sequence):
            return None
        item = sequence[0]
    return item


def known_vr(vr: str | None, tag: int) -> str:
    """Return the stored value representation; the dictionary's where it was implicit, unknown or plain bytes."""
    if vr is None or vr in BYTES_VRS:
        return dictionary_VR(tag).split(" or ")[0] if dictionary_has_tag(tag) else vr or "UN"
    return vr


def _values(dataset: Dataset, keyword: str) -> Sequence[Any]:
    """Return the element's values; they are read from the bytes, without validation or warnings."""
    tag = tag_for_keyword(keyword)
    stored = None if tag is None else stored_element(dataset, tag)
    if tag is None or stored is None:
        return ()
    if isinstance(stored, RawDataElement) and isinstance(stored.value, bytes):
        vr = known_vr(stored.VR, tag)
        if vr in STRING_VRS:
            return _split(decode_value(stored.value, vr, _codecs(dataset)), tag)
        if vr in BINARY_VRS:
            return unpack_numbers(stored.value, vr, little=stored.is_little_endian)
    converted = value(dataset, keyword)
    if converted is None or isinstance(converted, Items):
        return ()
    if isinstance(converted, str):
        return _split(converted, tag)
    return converted if isinstance(converted, Sequence) and not isinstance(converted, bytes) else (converted,)


def _split(whole: str, tag: int) -> Sequence[str]:
    """Return the values in a text; whether a backslash separates them is the attribute's, not the stored text's."""
    whole = whole.strip(" \x00")
    return () if not whole else (whole,) if known_vr(None, tag) in SINGLE_VALUE_VRS else whole.split("\\")


def _codecs(dataset: Dataset) -> Codecs:
    """Find the codecs of a data set; an item that declares none inherits those of its data set."""
    read_with = dataset.original_character_set
    inherited = (read_with,) if isinstance(read_with, str) else tuple(read_with)
    return find_declared_codecs(dataset, inherited if inherited and all(inherited) else DEFAULT_REPERTOIRE)


def _as_text(item: object) -> str:
    return item.decode("latin-1") if isinstance(item, bytes) else str(item)
