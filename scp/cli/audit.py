"""`coronode audit`: read, export and verify the audit log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from config.errors import CoronodeError
from config.load import load
from scp.cli.command import Group
from scp.cli.options import config_option, json_option
from scp.cli.terminal.listing import print_json
from scp.cli.terminal.output import say

if TYPE_CHECKING:
    from config.settings import Settings
    from storage.auditing.chain import Fault, Head
    from storage.auditing.trail import Entry
    from storage.database.engine import Database

_AT_ONCE: Final = 1000
_MOST_SHOWN: Final = 20
_HEAD: Final = re.compile(r"(\d{1,18}):([0-9a-f]{64})")
_WORDS: Final = {
    "changed": "was changed after it was sealed",
    "missing": "was removed",
    "gap": "follows a link that was removed",
    "unsealed": "was slipped in, or no node has run since to seal it",
    "head": "the chain does not contain this head any more: its end was removed, or it was made anew",
}


@click.group(
    cls=Group,
    examples=("coronode audit list --since 2026-01-31", "coronode audit export audit.xml", "coronode audit verify"),
)
def audit() -> None:
    """Read, export and verify the audit log: who received, saw, changed, sent and deleted what."""


def _since_option(function: click.decorators.FC) -> click.decorators.FC:
    return click.option("--since", type=click.DateTime(("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S")), help="From then on, UTC.")(
        function
    )


@audit.command("list", examples=("coronode audit list", "coronode audit list --since 2026-01-31 --json"))
@_since_option
@json_option
@config_option
def list_(config_file: Path | None, since: datetime | None, *, as_json: bool) -> None:
    """List the sealed events, oldest first; UIDs and AE titles, no names and no identifiers of patients."""
    from storage.auditing.statements import describe

    with _opened(load(config_file)) as database:
        entries = _list_entries(database, since)
        if as_json:
            print_json(_describe(entry) for entry in entries)
            return
        for entry in entries:
            event = entry.event
            who = event.person or event.peer_ae or "-"
            text = describe(event.kind, event.text)
            words = " ".join(filter(None, (event.series_instance_uid, event.sop_instance_uid, text)))
            say(f"{entry.position:>8}  {event.at:%Y-%m-%d %H:%M:%S}  {event.kind:20}  {who:16}  {words}")


@audit.command(examples=("coronode audit export audit.xml", "coronode audit export audit.log --format syslog"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, writable=True))
@click.option(
    "--format", "form", type=click.Choice(("xml", "syslog")), default="xml", show_default=True, help="Form of the file."
)
@_since_option
@config_option
def export(config_file: Path | None, file: Path, form: str, since: datetime | None) -> None:
    """Write the events to FILE as audit messages of DICOM PS3.15 A.5, one a line in the form of syslog."""
    from scp.auditing.auditor import make_origin
    from scp.auditing.message import format_message
    from scp.auditing.syslog import format_line
    from scp.privacy import create_closed

    create_closed()
    settings = load(config_file)
    origin = make_origin(settings)
    count = 0
    with _opened(settings) as database, file.open("w", encoding="utf-8") as out:
        if form == "xml":
            out.write('<?xml version="1.0" encoding="UTF-8"?>\n<AuditMessages>\n')
        for entry in _list_entries(database, since):
            message = format_message(entry, origin)
            if form == "syslog":
                message = format_line(message, entry.event.at, entry.position, origin.host)
            out.write(f"{message}\n")
            count += 1
        if form == "xml":
            out.write("</AuditMessages>\n")
        _note_reading(database, f"{count} events exported")
    say(f"{count} events written to {file}")


@audit.command(examples=("coronode audit verify", f"coronode audit verify --head 1042:{'3f' * 32}"))
@click.option("--head", "noted", metavar="POSITION:DIGEST", help="A head that an earlier call printed, or a collector.")
@json_option
@config_option
def verify(config_file: Path | None, noted: str | None, *, as_json: bool) -> None:
    """Verify that no event was changed, removed or slipped in; exit 1 and where if one was.

    Prints the head of the chain: keep it elsewhere, and give it back next time, and a chain that was made anew shows.
    """
    from scp.installation import utc_now
    from storage.auditing import chain

    head = _read_head(noted)
    with _opened(load(config_file)) as database:
        # what was entered a moment ago is sealed by the node, or now
        chain.seal(database, utc_now())
        faults = list(chain.verify(database, utc_now(), head=head))
        last = chain.find_head(database)
    if as_json:
        print_json([{"head": f"{last.position}:{last.digest}", "faults": [asdict(fault) for fault in faults]}])
    else:
        _say_faults(faults)
        say(f"head {last.position}:{last.digest}")
    if faults:
        raise SystemExit(1)


def _say_faults(faults: list[Fault]) -> None:
    for fault in faults[:_MOST_SHOWN]:
        what = f"event {fault.event} " if fault.event else ""
        say(f"BAD place {fault.position}: {what}{_WORDS[fault.kind]}")
    if len(faults) > _MOST_SHOWN:
        say(f"... and {len(faults) - _MOST_SHOWN} more")
    if faults:
        say("somebody has written to the database: compare it with the collector's copy, or with a backup")
    else:
        say("ok  every event is as it was entered, and none is missing")


def _read_head(text: str | None) -> Head | None:
    from storage.auditing.chain import Head

    if text is None:
        return None
    found = _HEAD.fullmatch(text.strip())
    if found is None:
        raise click.BadParameter("a head has the form POSITION:DIGEST, as verify prints it", param_hint="--head")
    return Head(int(found[1]), found[2])


@contextmanager
def _opened(settings: Settings) -> Iterator[Database]:
    from storage.database.opening import open_database

    database = open_database(settings)
    try:
        yield database
    finally:
        database.close()


def _list_entries(database: Database, since: datetime | None) -> Iterator[Entry]:
    from storage.auditing import trail

    after = 0
    start = None if since is None else since.replace(tzinfo=UTC)
    while entries := trail.list_entries(database, after=after, limit=_AT_ONCE):
        after = entries[-1].position
        yield from (entry for entry in entries if start is None or entry.event.at >= start)


def _describe(entry: Entry) -> dict[str, object]:
    event = entry.event
    return {
        "position": entry.position,
        "digest": entry.digest,
        "at": event.at.isoformat(),
        "kind": event.kind,
        "person": event.person,
        "peer": event.peer_ae,
        "study_instance_uid": entry.study_instance_uid,
        "series_instance_uid": event.series_instance_uid,
        "sop_instance_uid": event.sop_instance_uid,
        "text": event.text,
    }


def _note_reading(database: Database, text: str) -> None:
    """Record that somebody has read the log (PS3.15 A.5.3.2)."""
    from scp.installation import utc_now
    from storage.database import audit as audit_log

    try:
        audit_log.record(database, utc_now(), "audit-read", text)
    except CoronodeError as error:
        say(f"not recorded in the audit log: {error}", err=True)
