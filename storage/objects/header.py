"""The indexed part of an object: the query keys of four levels and the slice geometry."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final, Self

from pydicom.dataset import Dataset

from config.errors import Rejected
from dicom import status
from dicom.dates import normalise_offset
from dicom.sop_classes import IMAGE_STORAGE
from dicom.text import decode_text, fold, read_text
from dicom.uids import is_keepable_uid
from storage.objects.attributes import FOLDED, TIMEZONE, Attribute, list_attributes

_LONGEST_UID = 64
_CHARACTER_SET = 0x00080005
_STUDY: Final = (*list_attributes("PATIENT", "STUDY"), TIMEZONE)
_SERIES: Final = (*list_attributes("SERIES"), TIMEZONE)
_IMAGE: Final = (*list_attributes("IMAGE"), TIMEZONE)
_FRAME_OF_REFERENCE: Final = "frame_of_reference_uid"
_MOST_KEPT: Final = 64
_IDENTITY = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")


def instance_name(study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str, digest: str) -> str:
    """Return a relative path made of hashes, so that no UID can point outside the store.

    The digest is part of it: two objects under one SOP Instance UID never share a file.
    """
    study, series, sop = (
        hashlib.sha256(uid.encode()).hexdigest() for uid in (study_instance_uid, series_instance_uid, sop_instance_uid)
    )
    return f"instances/{study[:2]}/{study[:32]}/{series[:32]}/{sop[:32]}-{digest[:16]}.dcm"


@dataclass(frozen=True, slots=True)
class InstanceHeader:
    """The indexed part of one object; the three mappings are from column to text as in the object."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    modality: str
    study: Mapping[str, str]
    series: Mapping[str, str]
    image: Mapping[str, str]

    @property
    def is_ct_image(self) -> bool:
        """Whether the object is part of a scan that can be scored; Modality may be blank, the SOP class says it."""
        return self.sop_class_uid in IMAGE_STORAGE and self.modality in ("CT", "")

    @classmethod
    def from_dataset(cls, dataset: Dataset, transfer_syntax_uid: str = "") -> Self:
        """Read a data set's header as far as it can be read.

        Args:
            dataset: the object, pixel data not needed.
            transfer_syntax_uid: how it is encoded; "" takes it from the file meta information.

        Raises:
            Rejected: 0xA900 when a UID that identifies the object is absent or empty, 0xC000 when one has more than 64
                characters, several values, or a character that no identifier may hold (PS3.4 B.2.3).
        """
        study, series, image = (
            _complete({item.column: read_text(dataset, item.tag, item.vr) for item in attributes})
            for attributes in (_STUDY, _SERIES, _IMAGE)
        )
        return cls._from_columns(study, series, image, transfer_syntax_uid or _read_transfer_syntax(dataset))

    @classmethod
    def from_values(cls, values: Mapping[int, bytes], transfer_syntax_uid: str) -> Self:
        """Make it from encoded values by tag, as read by `storage.objects.head`; raises as `from_dataset` does."""
        character_set = values.get(_CHARACTER_SET, b"")
        study, series, image = (
            decode(tuple([values.get(item.tag, b"") for item in attributes]), character_set)
            for attributes, decode in ((_STUDY, _decode_study), (_SERIES, _decode_series), (_IMAGE, _decode_image))
        )
        return cls._from_columns(study, series, image, transfer_syntax_uid)

    @classmethod
    def _from_columns(
        cls, study: Mapping[str, str], series: Mapping[str, str], image: Mapping[str, str], transfer_syntax_uid: str
    ) -> Self:
        for keyword, value in zip(
            _IDENTITY,
            (
                study["study_instance_uid"],
                series["series_instance_uid"],
                image["sop_instance_uid"],
                image["sop_class_uid"],
            ),
            strict=True,
        ):
            _check_uid(keyword, value)
        return cls(
            study_instance_uid=study["study_instance_uid"],
            series_instance_uid=series["series_instance_uid"],
            sop_instance_uid=image["sop_instance_uid"],
            sop_class_uid=image["sop_class_uid"],
            transfer_syntax_uid=transfer_syntax_uid,
            modality=series["modality"],
            study=study,
            series=series,
            image=image,
        )

    def file_name(self, digest: str) -> str:
        """Return the object's path relative to the store, made of hashes only, never of a sender's UID."""
        return instance_name(self.study_instance_uid, self.series_instance_uid, self.sop_instance_uid, digest)


def _check_uid(keyword: str, value: str) -> None:
    if not value:
        raise Rejected(status.DOES_NOT_MATCH, f"{keyword} is missing")
    if len(value) > _LONGEST_UID or "\\" in value:
        raise Rejected(status.UNABLE_TO_PROCESS, f"{keyword} is not one UID of at most 64 characters")
    if not is_keepable_uid(value):
        raise Rejected(status.UNABLE_TO_PROCESS, f"{keyword} has a character that is not allowed")


def _complete(texts: dict[str, str]) -> Mapping[str, str]:
    """Add what is made of the texts of a level."""
    for column in FOLDED.keys() & texts.keys():
        texts[FOLDED[column]] = fold(texts[column])
    texts[TIMEZONE.column] = normalise_offset(texts[TIMEZONE.column]) or ""
    # one that identifies no object is left out: the object need not go
    if _FRAME_OF_REFERENCE in texts and not is_keepable_uid(texts[_FRAME_OF_REFERENCE]):
        texts[_FRAME_OF_REFERENCE] = ""
    return MappingProxyType(texts)


def _decode(attributes: tuple[Attribute, ...], values: tuple[bytes, ...], character_set: bytes) -> Mapping[str, str]:
    return _complete(
        {
            item.column: decode_text(value, item.vr, character_set) if value else ""
            for item, value in zip(attributes, values, strict=True)
        }
    )


# the slices of a series have the same values of study and series: they are decoded once


@lru_cache(_MOST_KEPT)
def _decode_study(values: tuple[bytes, ...], character_set: bytes) -> Mapping[str, str]:
    return _decode(_STUDY, values, character_set)


@lru_cache(_MOST_KEPT)
def _decode_series(values: tuple[bytes, ...], character_set: bytes) -> Mapping[str, str]:
    return _decode(_SERIES, values, character_set)


def _decode_image(values: tuple[bytes, ...], character_set: bytes) -> Mapping[str, str]:
    return _decode(_IMAGE, values, character_set)


def _read_transfer_syntax(dataset: Dataset) -> str:
    meta = getattr(dataset, "file_meta", None)
    return str(meta.get("TransferSyntaxUID", "")) if meta is not None else ""
