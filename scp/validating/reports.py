"""Readers' values from structured reports that a PACS holds of the studies that are here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import structlog
from pydicom.dataset import Dataset

from dicom import elements
from dicom.dates import format_date, parse_date
from scoring.report.common.catalogue import sentence
from scoring.report.common.texts import load_english
from scoring.report.sr import reading
from scoring.report.sr.tree import read_sequence
from scp.installation import Installation
from scp.priors.retrieve import Fetched, Wanted, fetch
from storage.database import audit
from storage.intake.instances import find_instance
from storage.series import priors, states
from storage.series.priors import Person
from storage.series.states import State
from storage.validation import readings
from storage.validation.readings import Reading

log = structlog.get_logger(__name__)

_MOST_SERIES: Final = 100_000
_OWN_SOFTWARE: Final = "coronode"


@dataclass(frozen=True, slots=True)
class Found:
    """How many readings were recorded, and remarks for whoever asked, without names of patients."""

    recorded: int
    notes: tuple[str, ...]


def take_reports(installation: Installation, peer: str, *, unverified: bool = False, dry_run: bool = False) -> Found:
    """Ask a peer for the reports of each scored series' study, and record the totals that they hold.

    Reports of this software do not count, nor, unless `unverified`, those whose Verification Flag is not VERIFIED
    (PS3.3 C.17.2). Recorded study by study: what an interruption leaves is taken up by the next call.
    """
    name = next(key for key in installation.settings.peers if key.lower() == peer.lower())
    database = installation.database
    recorded, notes = 0, []
    known = {one.source for one in readings.list_readings(database) if one.origin == "report"}
    for state in states.list_series(database, State.SCORED, limit=_MOST_SERIES) + states.list_series(
        database, State.DELIVERED, limit=_MOST_SERIES
    ):
        uid = state.series_instance_uid
        patient = priors.find(database, uid, ())
        scanned = parse_date(patient.study_date)
        if not patient.person.patient_id or scanned is None:
            notes.append(f"series {uid}: no Patient ID or Study Date, so its reports cannot be asked for")
            continue
        found = _fetch(installation, name, patient.person, scanned)
        notes += [f"series {uid}: {sentence(remark, load_english())}" for remark in found.notes]
        new = [
            one
            for one in _read(found.reports, state.study_instance_uid, uid, installation, unverified=unverified)
            if one.source not in known
        ]
        known |= {one.source for one in new}
        recorded += len(new)
        if new and not dry_run:
            readings.add(database, new)
    if recorded and not dry_run:
        audit.record(database, installation.clock(), "readings", f"{recorded} from reports", peer_ae=name)
    return Found(recorded, tuple(notes))


def _fetch(installation: Installation, name: str, person: Person, scanned: date) -> Fetched:
    settings, database = installation.settings, installation.database
    wanted = Wanted(
        person,
        scanned + timedelta(days=1),  # the day of the scan included
        "",
        lambda uid: find_instance(database, uid) is not None,
    )
    return fetch(settings.node, name, settings.peers[name], wanted, seconds=settings.priors.timeout_seconds)


def _read(
    reports: Sequence[Dataset], study_instance_uid: str, uid: str, installation: Installation, *, unverified: bool
) -> Iterator[Reading]:
    replaced = frozenset[str]().union(*(reading.replaced(dataset) for dataset in reports))
    for dataset in reports:
        earlier = reading.read(dataset, "")
        if earlier is None or earlier.study_instance_uid != study_instance_uid or earlier.sop_instance_uid in replaced:
            continue
        verified = elements.text(dataset, "VerificationFlag") == "VERIFIED"
        if (earlier.software or "").lower().startswith(_OWN_SOFTWARE) or not (verified or unverified):
            continue
        yield Reading(
            series_instance_uid=uid,
            origin="report",
            source=earlier.sop_instance_uid,
            reader=_name_reader(dataset) or earlier.software or "",
            read_on=format_date(elements.text(dataset, "ContentDate")),
            total=earlier.agatston,
            LM=None,
            LAD=None,
            LCX=None,
            RCA=None,
            recorded_at=installation.clock(),
            recorded_by="",
        )


def _name_reader(dataset: Dataset) -> str:
    """The Verifying Observer Name (0040,A075) of a verified report."""
    for observer in read_sequence(dataset, "VerifyingObserverSequence"):
        name = elements.text(observer, "VerifyingObserverName").replace("^", " ")
        if name.strip():
            return " ".join(name.split())
    return ""
