"""Whether a node comes up after a power cut with everything that it had acknowledged, and goes on as ever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from bench.killing.index import Rows, open_sqlite
from bench.power.replay import Replay
from bench.power.session import DELETING, REPEATING
from config.errors import CoronodeError
from config.settings import Settings
from scp.installation import utc_now
from scp.reception.incoming import IncomingObject, StoreRequest
from storage.backup.verifying import verify
from storage.database.engine import Database
from storage.database.opening import open_database
from storage.intake.group_commit import Intake
from storage.objects.files import Files
from storage.series.store import open_store

Images: TypeAlias = Mapping[str, bytes]
"""The images of a series as transmitted, by SOP Instance UID."""

_OBJECTS: Final = "data/objects/"


@dataclass(frozen=True)
class Expected:
    """What must be there after a cut: objects with their bytes, by SOP Instance UID; and what must not.

    `images` as transmitted, `documents` as whole files, `removed` the files whose deletion had begun, by their names in
    the store. `series` are those that are sent again, each with all of its images: once images are being deleted none,
    and later the first alone.
    """

    images: Images
    documents: Mapping[str, bytes]
    removed: frozenset[str]
    series: Mapping[str, Images]


def expect(replay: Replay, moment: int, series: Mapping[str, Images], documents: Mapping[str, bytes]) -> Expected:
    """Return what must be there after a cut at a moment, of all images and all documents that there ever were."""
    marks = {mark.about: mark.moment for mark in replay.marks if mark.moment < moment}
    if REPEATING in marks:
        series = dict(list(series.items())[:1])
    elif DELETING in marks:
        series = {}
    images = {uid: data for each in series.values() for uid, data in each.items()}
    stored = {told.about for told in replay.stored if marks.get(REPEATING, -1) < told.moment < moment}
    offered = {told.about for told in replay.offered if told.moment < moment}
    removed = (name.removeprefix(_OBJECTS) for name in replay.list_removed(moment) if name.startswith(_OBJECTS))
    return Expected(
        {uid: data for uid, data in images.items() if uid in stored},
        {uid: documents[uid] for uid in offered},
        frozenset(removed),
        series,
    )


def find_faults(data: Path, expected: Expected) -> Iterator[str]:
    """Open a data folder as a node does, and yield everything that is wrong with it; then send the images again."""
    # what is done from here on need not survive another cut
    settings = Settings.model_validate({"node": {"data_dir": data}, "storage": {"durability": "relaxed"}})
    try:
        with closing(open_database(settings)) as database:
            files = open_store(settings, database)
            files.sweep()
            for finding in verify(database, files):
                yield f"verify: {finding.kind} {finding.about}: {finding.words}"
            with open_sqlite(data) as rows:
                yield from find_missing(rows, files.root, expected)
            yield from _send_again(database, files, expected.series)
            with open_sqlite(data) as rows:
                yield from _find_incomplete(rows, files.root, expected.series)
            files.close()
    except CoronodeError as error:
        yield f"the node does not come up: {error}"


def find_missing(rows: Rows, store: Path, expected: Expected) -> Iterator[str]:
    """Yield what is missing, has other bytes, or has come back."""
    paths: dict[str, str] = dict(rows("SELECT sop_instance_uid, path FROM instances"))
    for uid, data in (*expected.images.items(), *expected.documents.items()):
        if uid not in paths:
            yield f"{uid}: acknowledged or sent, and not in the index"
        elif not _holds(store / paths[uid], data):
            yield f"{uid}: acknowledged or sent, and its file is missing or has other bytes"
    yield from (f"{path}: deleted, and a row names it" for path in expected.removed & set(paths.values()))


def _send_again(database: Database, files: Files, series: Mapping[str, Images]) -> Iterator[str]:
    intake = Intake(database, files)
    for uid, data in (item for images in series.values() for item in images.items()):
        request = StoreRequest(CTImageStorage, uid, ExplicitVRLittleEndian, "SCANNER")
        incoming = IncomingObject(request, files, intake, clock=utc_now)
        incoming.write(data)
        if incoming.finish().outcome == "conflict":
            yield f"{uid}: sent again, and put aside as another object"


def _find_incomplete(rows: Rows, store: Path, series: Mapping[str, Images]) -> Iterator[str]:
    for series_instance_uid, images in series.items():
        found = rows(
            "SELECT i.sop_instance_uid, i.path, s.instance_count FROM instances i JOIN series s ON s.id = i.series_id"
            " WHERE s.series_instance_uid = ?",
            series_instance_uid,
        )
        counts = {count for *_, count in found}
        if {uid for uid, *_ in found} != images.keys() or counts != {len(images)}:
            yield f"{series_instance_uid}: sent again, and has {len(found)} images, counted as {counts}"
        for uid, path, _ in found:
            if not _holds(store / path, images.get(uid, b"")):
                yield f"{uid}: sent again, and its file is missing or has other bytes"


def _holds(file: Path, data: bytes) -> bool:
    """Return whether a file ends with these bytes: an image as transmitted, or a whole document."""
    return file.is_file() and file.read_bytes().endswith(data)
