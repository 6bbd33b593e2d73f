"""`coronode echo` and `coronode send`: test a configured peer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from config.errors import CoronodeError, Permanent
from config.load import load
from scp.cli.command import Command
from scp.cli.options import config_option, find_peer
from scp.cli.terminal.output import say


@click.command(cls=Command, examples=("coronode echo PACS",))
@click.argument("peer")
@config_option
def echo(peer: str, config_file: Path | None) -> None:
    """Test the connection to PEER, a name from the configuration, with C-ECHO, or a search at its web service."""
    from scp.scu import verification, web_service
    from scp.scu.association import name_peer

    settings = load(config_file)
    target = find_peer(settings, peer)
    verify = verification.verify if target.url is None else web_service.verify
    verify(settings.node, target)
    say(f"{name_peer(target)} answers")


@click.command(cls=Command, examples=("coronode send PACS series/ more/image.dcm",))
@click.argument("peer")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@config_option
def send(peer: str, paths: tuple[Path, ...], config_file: Path | None) -> None:
    """Send DICOM files, or folders of them, to PEER by C-STORE, or by STOW-RS to its web service."""
    from dicom.process import configure_process
    from scp.delivery.association import associate_as
    from scp.delivery.web import connect_as
    from scp.scu.association import name_peer
    from scp.scu.storage import Sending

    configure_process()
    settings = load(config_file)
    target = find_peer(settings, peer)
    objects: list[Sending] = []
    for path, named in _list_files(paths):
        try:
            objects.append(Sending.from_file(path))
        except Permanent:
            if named:
                raise
            say(f"skipped, not DICOM: {path}", err=True)
    if not objects:
        raise Permanent("no DICOM files to send")
    sent = 0
    connect = connect_as(settings.node, associate_as(settings.node))
    with connect(target, objects) as association:
        for item in objects:
            try:
                association.store(item)
                sent += 1
            except CoronodeError as error:
                say(f"{item.path}: {error}", err=True)
                if not association.is_established:
                    break
    say(f"{sent} of {len(objects)} sent to {name_peer(target)}")
    if sent < len(objects):
        raise SystemExit(1)


def _list_files(paths: tuple[Path, ...]) -> Iterator[tuple[Path, bool]]:
    """List the files, each with whether it was named itself rather than found in a folder."""
    for path in paths:
        if path.is_dir():
            yield from ((file, False) for file in sorted(path.rglob("*")) if file.is_file())
        else:
            yield path, True
