"""The one way of the commands to standard output and standard error: lines in which outside text is escaped."""

from __future__ import annotations

import click

from scp.outside_text import escape


def say(*lines: object, err: bool = False) -> None:
    """Print lines; a line break inside one of them comes from outside and is escaped, too. No line: an empty one."""
    click.echo("\n".join(escape(str(line)) for line in lines), err=err)
