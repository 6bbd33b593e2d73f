"""A configured peer, as the place that studies are asked of and fetched from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal

from pydicom.dataset import Dataset

from config.errors import Permanent, Transient
from config.settings import NodeSettings, PeerSettings
from dicom import status
from dicom.dates import normalise_date
from dicom.decimals import parse_decimals
from dicom.uids import is_keepable_uid
from scp.fetching.receiver import RECEIVED
from scp.fetching.selection import SeriesOffer
from scp.fetching.wanted import Wanted
from scp.network.requestor import Requestor
from scp.scu import query, retrieve
from scp.scu.association import associate, name_peer
from scp.scu.identifier import get_text

Method = Literal["auto", "get", "move"]

MOST_MATCHES: Final = 20_000
"""Of one query; an archive that has more is asked for less at a time."""
_MOST_DIGITS: Final = 12
"""Of an integer string (PS3.5 6.2, IS)."""
LONGEST_SECONDS: Final = 6 * 3600.0
"""Of one association."""


class NotNow(Transient):
    """Nothing can be fetched for now, whatever the study: the archive cannot be reached, or there is no room."""


class NotFromThere(Permanent):
    """Nothing can be fetched from this archive, whatever the study."""


@dataclass(frozen=True, slots=True)
class ImageOffer:
    """An object as the archive describes it; `frames` is None where it does not say."""

    sop_instance_uid: str
    sop_class_uid: str
    frames: int | None


@dataclass(frozen=True, slots=True)
class Archive:
    """A peer with the ways to fetch from it: `method` is how, `node` who asks and where C-MOVE sends to."""

    node: NodeSettings
    peer: PeerSettings
    method: Method = "auto"
    seconds: float = LONGEST_SECONDS

    @contextmanager
    def open(self, *, retrieving: bool = True) -> Iterator[Channel]:
        """Open an association for queries, and for retrieval unless told otherwise.

        Raises NotNow, or NotFromThere when the peer refuses it for good.
        """
        proposals = [query.QUERY]
        if retrieving and self.method != "move":
            proposals += [retrieve.GET, *RECEIVED]
        if retrieving and self.method != "get":
            proposals += [retrieve.MOVE]
        try:
            association = associate(self.node, self.peer, proposals, seconds=self.seconds)
        except Transient as error:
            raise NotNow(str(error)) from error
        except Permanent as error:
            raise NotFromThere(str(error)) from error
        try:
            yield Channel(self, association)
        except BaseException:  # it may still be sending: a release would wait for the end of that
            association.abort()
            raise
        finally:
            association.release()

    @property
    def name(self) -> str:
        """AE title and address, for messages."""
        return name_peer(self.peer)


class Channel:
    """An open association with an archive; for one thread. Queries raise as `scp.scu.query.find` does."""

    def __init__(self, archive: Archive, association: Requestor) -> None:
        self._archive = archive
        self._association = association

    def choose_method(self) -> Literal["get", "move"]:
        """Choose how to fetch from what the peer has accepted: C-GET if possible. Raises NotFromThere."""
        if self._archive.method != "move" and retrieve.can_get(self._association):
            return "get"
        if self._archive.method != "get" and retrieve.can_move(self._association):
            return "move"
        ways = {"auto": "neither C-GET (with role selection) nor C-MOVE", "get": "no C-GET (with role selection)"}
        raise NotFromThere(f"{self._archive.name} accepts {ways.get(self._archive.method, 'no C-MOVE')}, Study Root")

    def find_studies(self, wanted: Wanted) -> list[str]:
        """Find the studies that match, as the archive lists them; those that it lists against the keys are dropped."""
        keys = {
            "AccessionNumber": wanted.accession_number,
            "PatientID": wanted.patient_id,
            "StudyDate": wanted.study_date,
            "ModalitiesInStudy": "" if wanted.names_study else "CT",
        }
        asked = {name: value for name, value in keys.items() if value}
        found = self._query("STUDY", asked | {"StudyInstanceUID": wanted.study_instance_uid})
        exact = {
            "StudyInstanceUID": wanted.study_instance_uid,
            "AccessionNumber": wanted.accession_number,
            "PatientID": wanted.patient_id,
        }
        fitting = (
            match for match in found if _agrees(match, exact) and _has_ct(match, asked) and _is_of(match, wanted)
        )
        uids = dict.fromkeys(get_text(match, "StudyInstanceUID") for match in fitting)
        return [uid for uid in uids if is_keepable_uid(uid)]

    def list_series(self, study_instance_uid: str) -> list[SeriesOffer]:
        """List the series of a study."""
        names = ("SeriesInstanceUID", "Modality", "SeriesNumber", "SeriesDescription", "NumberOfSeriesRelatedInstances")
        keys = {"StudyInstanceUID": study_instance_uid} | dict.fromkeys((*names, "SliceThickness"), "")
        offers = {}
        for match in self._query("SERIES", keys):
            uid, images = get_text(match, "SeriesInstanceUID"), _read_count(match, "NumberOfSeriesRelatedInstances")
            thickness = parse_decimals([get_text(match, "SliceThickness")], 1)
            offers[uid] = SeriesOffer(
                uid,
                get_text(match, "Modality"),
                get_text(match, "SeriesNumber"),
                get_text(match, "SeriesDescription"),
                images,
                images,
                thickness[0] if thickness else None,
            )
        return [offer for uid, offer in offers.items() if is_keepable_uid(uid)]

    def find_count(self, study_instance_uid: str, series_instance_uid: str) -> int | None:
        """Return Number of Series Related Instances of a series; None where the archive does not say or have it."""
        keys = {"StudyInstanceUID": study_instance_uid, "SeriesInstanceUID": series_instance_uid}
        for match in self._query("SERIES", keys | {"NumberOfSeriesRelatedInstances": ""}):
            if _agrees(match, {"SeriesInstanceUID": series_instance_uid}):
                return _read_count(match, "NumberOfSeriesRelatedInstances")
        return None

    def list_images(self, study_instance_uid: str, series_instance_uid: str) -> list[ImageOffer]:
        """List the objects of a series; none where the archive answers no such query."""
        keys = {"StudyInstanceUID": study_instance_uid, "SeriesInstanceUID": series_instance_uid}
        found = self._query("IMAGE", keys | {"SOPInstanceUID": "", "SOPClassUID": "", "NumberOfFrames": ""})
        offers = (
            ImageOffer(
                get_text(match, "SOPInstanceUID"), get_text(match, "SOPClassUID"), _read_count(match, "NumberOfFrames")
            )
            for match in found
        )
        return [
            offer for uid, offer in {offer.sop_instance_uid: offer for offer in offers}.items() if is_keepable_uid(uid)
        ]

    def fetch(
        self,
        study_instance_uid: str,
        series_instance_uid: str,
        sop_instance_uids: Sequence[str],
        receive: retrieve.Receive,
        tell: retrieve.Tell,
    ) -> None:
        """Fetch a series, or those of its objects that are named; `receive` takes what comes by C-GET.

        Raises Permanent when the peer refuses, Transient when it fails or the association ends. That some
        sub-operations failed is no error: look at what has come.
        """
        keys = {"StudyInstanceUID": study_instance_uid, "SeriesInstanceUID": series_instance_uid}
        if not sop_instance_uids:
            self._ask("SERIES", keys, receive, tell)
        for start in range(0, len(sop_instance_uids), retrieve.MOST_UIDS):
            part = "\\".join(sop_instance_uids[start : start + retrieve.MOST_UIDS])
            self._ask("IMAGE", keys | {"SOPInstanceUID": part}, receive, tell)

    def _ask(self, level: str, keys: Mapping[str, str], receive: retrieve.Receive, tell: retrieve.Tell) -> None:
        subject = self._archive.name
        if self.choose_method() == "get":
            answer = retrieve.get(self._association, level, keys, receive, subject=subject, tell=tell)
            retrieve.require_success(answer, "C-GET", subject)
            return
        destination = self._archive.node.ae_title
        answer = retrieve.move(self._association, level, keys, destination, subject=subject, tell=tell)
        if answer.status == status.MOVE_DESTINATION_UNKNOWN:
            raise NotFromThere(
                f"{subject} does not know {destination} as a destination of C-MOVE: add this node's AE title, host and "
                "port there, or fetch by C-GET"
            )
        retrieve.require_success(answer, "C-MOVE", subject)

    def _query(self, level: str, keys: Mapping[str, str]) -> list[Dataset]:
        found: list[Dataset] = []
        for match in query.find(self._association, level, keys, subject=self._archive.name):
            found.append(match)
            if len(found) > MOST_MATCHES:
                self._association.abort()
                raise Permanent(f"{self._archive.name} has more than {MOST_MATCHES} matches; ask for less at a time")
        return found


def _agrees(match: Dataset, exact: Mapping[str, str]) -> bool:
    """Return whether a match has the values that were asked for: some archives pass over keys that they do not know."""
    return all(not value or get_text(match, name).strip() in {"", value} for name, value in exact.items())


def _has_ct(match: Dataset, asked: Mapping[str, str]) -> bool:
    modalities = get_text(match, "ModalitiesInStudy")
    return "ModalitiesInStudy" not in asked or not modalities or "CT" in modalities.split("\\")


def _is_of(match: Dataset, wanted: Wanted) -> bool:
    """Return whether a match is of the days that were asked for."""
    day = normalise_date(get_text(match, "StudyDate"))
    if not wanted.study_date or day is None:
        return True
    first, is_range, last = wanted.study_date.partition("-")
    return first <= day <= (last or "99999999") if is_range else day == first


def _read_count(match: Dataset, keyword: str) -> int | None:
    text = get_text(match, keyword).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None
