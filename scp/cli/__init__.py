"""The command line: `coronode COMMAND`. Exit status 0 done, 1 failed, 2 usage or configuration."""

from __future__ import annotations

import sys

import click

from config.errors import ConfigurationError, CoronodeError, describe_fault, is_fault
from scp.cli.command import Entry, LazyGroup
from scp.cli.terminal.output import say

_ENTRIES = {
    "serve": Entry("serve", "Run the node."),
    "demo": Entry("demo", "Try everything once on a synthetic patient."),
    "score": Entry("score", "Score CT series on disk."),
    "report": Entry("report", "Recreate the documents of a stored result."),
    "phantom": Entry("phantom", "Write a synthetic chest CT with a known score."),
    "echo": Entry("peers", "Test the connection to a peer (C-ECHO)."),
    "send": Entry("peers", "Send DICOM files to a peer (C-STORE)."),
    "fetch": Entry("fetch", "Fetch CT series from a peer, to score an archive."),
    "series": Entry("series", "List, show, rescore, restore or delete received series."),
    "outbox": Entry("outbox", "List, retry or discard deliveries."),
    "quarantine": Entry("quarantine", "List, release or delete objects that contradict stored ones."),
    "group": Entry("group", "List the processes that work on the index."),
    "retention": Entry("retention", "Show what is due for deletion, or delete it now."),
    "validate": Entry("validate", "Compare readers' values with ours; decide to go live."),
    "account": Entry("account", "Manage who may use the web pages."),
    "calibrate": Entry("calibrate", "Refit the judgement to this site's own readings."),
    "audit": Entry("audit", "Read, export and verify the audit log."),
    "config": Entry("configure", "Check, show, write or reload the configuration."),
    "setup": Entry("setup", "Print a systemd unit, shell completion or the manual page."),
    "ready": Entry("ready", "Ask the running node whether it can work."),
    "doctor": Entry("doctor", "Check this installation and suggest repairs."),
    "backup": Entry("backup", "Copy index and objects while the node works."),
    "restore": Entry("restore", "Put a backup in place on a fresh machine."),
    "verify": Entry("verify", "Check that index and objects agree."),
    "database": Entry("database", "Check or upgrade the tables of the index."),
    "conformance": Entry("conformance", "Print the DICOM conformance statement."),
}


@click.group(
    cls=LazyGroup,
    entries=_ENTRIES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    examples=(
        "coronode demo",
        "coronode config init && coronode serve",
        "coronode score FOLDER",
    ),
)
@click.version_option(package_name="coronode", prog_name="coronode")
def cli() -> None:
    """Coronode receives CT series, scores coronary calcium and sends the result back to the PACS."""


def main() -> None:
    """Run the command line; our own errors become one line on standard error."""
    try:
        cli.main(standalone_mode=True)
    except ConfigurationError as error:
        say(f"coronode: {error}", err=True)
        sys.exit(2)
    except CoronodeError as error:
        say(f"coronode: {error}", err=True)
        sys.exit(1)
    except OSError as error:
        if not is_fault(error):
            raise
        say(f"coronode: {describe_fault(error)}", err=True)
        sys.exit(1)
