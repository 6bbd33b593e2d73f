"""`coronode conformance`: the conformance statement of this version."""

from __future__ import annotations

from pathlib import Path

import click

from config.errors import CoronodeError
from scp.cli.command import Command
from scp.cli.terminal.output import say


@click.command(cls=Command, examples=("coronode conformance", "coronode conformance --out conformance.md"))
@click.option("--out", "path", type=click.Path(path_type=Path), help="Write it to this file instead of printing it.")
def conformance(path: Path | None) -> None:
    """Print the DICOM conformance statement (PS3.2) of this version, in Markdown."""
    from dicom.process import configure_process
    from scp.conformance.statement import write_statement

    configure_process()
    statement = write_statement()
    if path is None:
        say(*statement.splitlines())
        return
    try:
        path.write_text(statement, encoding="utf-8")
    except OSError as error:
        raise CoronodeError(f"{path}: cannot be written: {error.strerror}") from error
    say(f"wrote {path}")
