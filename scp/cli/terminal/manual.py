"""The manual page of the command line in the format of man(7), made from the commands themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import click

from scp.cli.command import Command, Group

_HEAD: Final = """\
.TH CORONODE 1 "" "coronode {version}" "User Commands"
.SH NAME
coronode \\- DICOM node that scores coronary artery calcium
.SH SYNOPSIS
.B coronode
.I COMMAND
[\\fIOPTION\\fR ...] [\\fIARGUMENT\\fR ...]
.SH DESCRIPTION
{summary}
.SH COMMANDS
"""
_TAIL: Final = """\
.SH EXIT STATUS
.TP
.B 0
Done.
.TP
.B 1
Failed; the last line on standard error says why.
.TP
.B 2
Wrong usage or configuration.
.SH ENVIRONMENT
.TP
.B CORONODE_CONFIG
The configuration file, where \\-\\-config is not given.
.TP
.B CORONODE_SECTION__KEY
Any key of the configuration, for instance CORONODE_NODE__PORT; it goes before the file.
.SH FILES
.TP
.I coronode.toml
The configuration in the working folder, where none is named;
.B coronode config init
writes one that explains every key.
"""


def format_manual(root: Group, version: str) -> str:
    """Return the manual page of a command with all commands under it."""
    with click.Context(root, info_name="coronode") as context:
        parts = [_HEAD.format(version=_escape(version), summary=_escape(root.help or ""))]
        parts += _format_below(root, context)
    return "".join([*parts, _TAIL])


def _format_below(group: Group, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        with click.Context(command, info_name=name, parent=context) as inner:
            if isinstance(command, Group):
                yield from _format_below(command, inner)
            else:
                yield from _format_command(command, inner)


def _format_command(command: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f'.SS "{_escape(context.command_path)}"\n.B {_escape(usage)}\n.PP\n'
    for paragraph in re.split(r"\n\s*\n", command.help or ""):
        yield f"{_escape(' '.join(paragraph.split()))}\n.PP\n"
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and "--help" not in parameter.opts:
            yield f".TP\n.B {_escape(record[0])}\n{_escape(record[1])}\n"
    if isinstance(command, Command) and command.examples:
        examples = "\n".join(_escape(line) for line in command.examples)
        yield f".PP\nExamples:\n.PP\n.nf\n{examples}\n.fi\n"


def _escape(text: str) -> str:
    """Escape what has a meaning in roff: backslashes, hyphens of options, and a dot or quote that begins a line."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    return re.sub(r"^(?=[.'])", r"\\&", escaped, flags=re.MULTILINE)
