"""`coronode serve`: run the node."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from config.load import load
from scp import lasting
from scp.cli.command import Command
from scp.cli.options import config_option
from scp.cli.terminal.output import say

if TYPE_CHECKING:
    from config.settings import Settings

_LOOK_SECONDS: Final = 1.0


@click.command(
    cls=Command,
    examples=("coronode serve --config /etc/coronode.toml", "coronode serve --roles score,deliver"),
)
@config_option
@click.option("--roles", metavar="ROLE,...", help="Do only this: receive, score, deliver, web. [default: group.roles]")
def serve(config_file: Path | None, roles: str | None) -> None:
    """Run the node: receive, score, report, deliver, answer queries, until SIGTERM or Ctrl-C.

    On SIGHUP it reads its configuration again, as on: coronode config reload.
    """
    from scp import logs, privacy
    from scp.cli.checking import check_named
    from scp.control import ControlSocket
    from scp.group.roles import choose_roles
    from scp.node import Node
    from scp.readiness import tell_manager
    from scp.reloading import Reloading
    from scp.stray_lines import StrayLines
    from scp.web.process import WebProcess

    privacy.create_closed()
    settings = choose_roles(load(config_file), roles)
    strays = StrayLines()
    logs.configure(settings.node.log_level, settings.node.log_format, target=strays.lead(settings.node.log_format))
    logs.capture_last_words()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    reload = threading.Event()
    signal.signal(signal.SIGHUP, lambda *_: reload.set())
    node = Node(settings)
    web = WebProcess(settings, {"metrics": node.render_metrics, "scorer": node.can_score})

    def adopt(new: Settings) -> None:
        node.adopt(new)
        web.adopt(new)
        logs.configure(new.node.log_level, new.node.log_format, target=strays.lead(new.node.log_format))

    reloading = Reloading(
        settings,
        read=lambda: choose_roles(load(config_file), roles),
        check=check_named,
        adopt=adopt,
        note=node.note_configuration,
    )
    answers = {"reload": lambda: reloading().to_json(), "compare": lambda: reloading.compare().to_json()}
    control = ControlSocket(settings.node.data_dir, answers)
    try:
        node.start()
        if "web" in settings.group.roles:
            web.start()
        control.start()
        lasting.freeze()
        tell_manager("READY")
        if settings.node.log_format == "text":  # a log of JSON has JSON in every line
            where = f" listens on {', '.join(node.server.addresses)}" if node.receives else " is running"
            say(f"coronode: {settings.node.ae_title}{where}", err=True)
        # Python runs a handler in this thread, which a signal that the system hands to another one does not wake
        while not stop.wait(_LOOK_SECONDS):
            if reload.is_set():
                reload.clear()
                reloading()
    finally:
        tell_manager("STOPPING")
        control.stop()
        web.stop()
        node.stop()
