"""What `coronode fetch` was asked for, from its options."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import click

from scp.fetching.table import count_requests, read_table
from scp.fetching.wanted import Wanted, list_days


@dataclass(frozen=True, slots=True)
class Requests:
    """How many requests there are, and each of them, made as it is needed."""

    count: int
    make: Callable[[], Iterator[Wanted]]


def list_requests(
    studies: Sequence[str],
    accessions: Sequence[str],
    patients: Sequence[str],
    days: str | None,
    since: date | None,
    table: Path | None,
) -> Requests:
    """Return the requests of one kind of option.

    Raises UsageError when there is none, or more than one kind, ConfigurationError when the table cannot be used.
    """
    if days and since:
        raise click.UsageError("give --date or --since, not both")
    when = f"{since:%Y%m%d}-" if since else days or ""
    kinds = [bool(kind) for kind in (studies, accessions, patients, table)]
    if sum(kinds) > 1 or (when and (studies or accessions or table)):
        raise click.UsageError(
            "give --study, --accession, --patient (with --date or --since), --date, --since or --csv"
        )
    if table is not None:
        return Requests(count_requests(table), lambda: read_table(table))
    wanted = [
        *(Wanted(study_instance_uid=uid) for uid in studies),
        *(Wanted(accession_number=number) for number in accessions),
        *(Wanted(patient_id=patient, study_date=when) for patient in patients),
    ]
    if wanted:
        return Requests(len(wanted), lambda: iter(wanted))
    if not when:
        raise click.UsageError("say what to fetch: --study, --accession, --patient, --date, --since or --csv")
    return _list_days(when)


def _list_days(when: str) -> Requests:
    today = datetime.now(UTC).astimezone().date()
    try:
        count = sum(1 for _ in list_days(when, today))
    except ValueError as error:
        raise click.BadParameter(f"{error}, which it needs without --patient", param_hint="--date") from error
    return Requests(count, lambda: list_days(when, today))
