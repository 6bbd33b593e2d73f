"""`coronode validate`: readers' values against ours, and the decisions made on the figures."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from scp.cli import deciding
from scp.cli.command import Group
from scp.cli.options import config_option, json_option

if TYPE_CHECKING:
    from scoring.validation.pair import By
    from scp.cli.validation_run import Wanted

_BY: Final[tuple[By, ...]] = ("scanner", "kernel", "kvp", "thickness", "month")


@click.group(
    cls=Group,
    invoke_without_command=True,
    examples=(
        "coronode validate --readings week-1.csv --dry-run",
        'coronode validate --readings week-1.csv --reader "Dr. A. Weber" --pdf validation.pdf',
        "coronode validate --from PACS --json",
        "coronode validate --results results --readings readings.csv --by kernel",
        'coronode validate go-live --name "Dr. A. Weber" --reason "kappa 0.91 in 120 scans, no false zero above 10"',
    ),
)
@click.option(
    "--readings",
    type=click.Path(dir_okay=False, path_type=Path),
    help="CSV file of readers' values: series_instance_uid, study_instance_uid or accession_number; "
    "total, or LM, LAD, LCX, RCA; reader, date.",
)
@click.option(
    "--results",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Without a node: files or folders with the JSON of `coronode score --json`; a row of --readings may name the "
    "file as its case.",
)
@click.option("--from", "peer", help="Fetch verified reports of the studies that are here from this peer.")
@click.option("--unverified", is_flag=True, help="With --from: take reports that nobody has verified, too.")
@click.option("--dry-run", is_flag=True, help="Record nothing; say what would be recorded.")
@click.option("--reader", help="Only this reader's values; with --readings, the reader of rows that name none.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only readings recorded on this day (UTC) or later.")
@click.option("--by", type=click.Choice(_BY), multiple=True, help="Groups of scans to tell apart  [default: all]")
@click.option("--pdf", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures as a PDF, too.")
@json_option
@config_option
@click.pass_context
def validate(
    context: click.Context,
    readings: Path | None,
    results: tuple[Path, ...],
    peer: str | None,
    since: datetime | None,
    reader: str | None,
    by: tuple[By, ...],
    pdf: Path | None,
    config_file: Path | None,
    *,
    unverified: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Compare readers' values with ours; decide to go live."""
    if context.invoked_subcommand is not None:
        return
    if results and (peer or readings is None):
        raise click.UsageError("--results needs --readings, and no --from: nothing is recorded, no node is asked")
    if unverified and not peer:
        raise click.UsageError("--unverified belongs to --from")
    from scp.cli import validation_run

    wanted: Wanted = validation_run.Wanted(
        readings, results, peer, reader, since and since.replace(tzinfo=UTC), by or _BY, pdf,
        unverified=unverified, dry_run=dry_run, as_json=as_json,
    )  # fmt: skip
    if not validation_run.run(wanted, config_file):
        raise SystemExit(1)


for _command in (deciding.go_live, deciding.withdraw, deciding.release, deciding.forget):
    validate.add_command(_command)
