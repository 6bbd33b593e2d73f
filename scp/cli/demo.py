"""`coronode demo`: a node, a scanner and a PACS on this machine, and one synthetic patient."""

from __future__ import annotations

import signal
import socket
import threading
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from config.errors import CoronodeError
from config.settings import Settings
from scp.cli.command import Command
from scp.cli.terminal.output import say

if TYPE_CHECKING:
    from scoring.phantom import Truth
    from scoring.result import Score
    from scp.cli.demo_pacs import DemoPacs
    from scp.node import Node

_WAIT_SECONDS: Final = 300
_PEER: Final = "PACS"
_LOOK_SECONDS: Final = 1.0


@click.command(cls=Command, examples=("coronode demo", "coronode demo --serve", "coronode demo --seed 3"))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder  [default: coronode-demo]")
@click.option("--seed", default=0, show_default=True, help="Another seed is another patient.")
@click.option("--serve", is_flag=True, help="Then show it all in a browser, until Ctrl-C.")
def demo(out: Path | None, seed: int, *, serve: bool) -> None:
    """Run everything once: a synthetic patient is scanned, sent and scored, and a PACS receives the result.

    Nothing leaves this machine; all files stay in one folder.
    """
    from scp import logs
    from scp.cli.demo_pacs import DemoPacs
    from scp.node import Node

    logs.configure("warning")
    folder = _choose_folder(out)
    say(f"1  making a synthetic chest CT (seed {seed}) ...")
    truth, images = _make_patient(folder / "scanner", seed)
    with DemoPacs(folder / "pacs") as pacs:
        settings = _make_settings(folder, pacs.port)
        node = Node(settings)
        try:
            node.start()
            say(f"2  node CORONODE listens on 127.0.0.1:{node.server.port}; sending {len(images)} slices ...")
            _send(settings, node.server.port, images)
            say("3  sent; waiting until the series is complete, scored and delivered ...")
            score = _wait_for_result(node, pacs)
            say("4  the PACS has the result", "")
            _print(score, truth)
            _list_documents(pacs)
            if serve:
                _serve_pages(settings, node)
            else:
                say("", "coronode demo --serve shows such a result in a browser")
        finally:
            node.stop()


def _choose_folder(out: Path | None) -> Path:
    if out is not None:
        if out.exists() and any(out.iterdir()):
            raise CoronodeError(f"{out}: is not empty; give a new or an empty folder")
        return out
    names = (Path("coronode-demo" if number == 1 else f"coronode-demo-{number}") for number in count(1))
    return next(path for path in names if not path.exists())


def _make_patient(folder: Path, seed: int) -> tuple[Truth, list[Path]]:
    from scoring.phantom import PhantomSpec, make_phantom, write_series

    phantom = make_phantom(PhantomSpec(seed=seed))
    return phantom.truth, write_series(phantom, folder)


def _make_settings(folder: Path, pacs_port: int) -> Settings:
    return Settings.model_validate(
        {
            "node": {
                "port": 0,
                "data_dir": folder / "node",
                "accept_unknown_peers": True,
                "reserve_mb": 0,
                "log_level": "warning",
            },
            "peers": {_PEER: {"ae_title": "DEMOPACS", "host": "127.0.0.1", "port": pacs_port}},
            "completion": {"quiet_seconds": 2},
            "results": {"destinations": [_PEER], "documents": ["sr", "overlay"]},
            "web": {"port": _find_free_port()},
        }
    )


def _find_free_port() -> int:
    """Let the system choose a port; the web process, another one, opens it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _list_documents(pacs: DemoPacs) -> None:
    say("", f"structured report   {pacs.reports[0]}")
    for picture in pacs.pictures:
        say(f"picture             {picture}")


def _serve_pages(settings: Settings, node: Node) -> None:
    """Serve the pages until the process is told to end."""
    from scp import metrics
    from scp.web.process import WebProcess

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    web = WebProcess(settings, {"metrics": metrics.render, "scorer": node.can_score})
    web.start()
    try:
        say("", f"5  open {settings.web.address} in a browser on this machine; Ctrl-C ends the demo")
        while not stop.wait(_LOOK_SECONDS):
            pass
    finally:
        web.stop()


def _send(settings: Settings, port: int, images: list[Path]) -> None:
    """Send as a scanner does, over a real association."""
    from config.settings import PeerSettings
    from scp.scu.storage import Sending, open_for, store

    node = PeerSettings(ae_title=settings.node.ae_title, host="127.0.0.1", port=port)
    scanner = settings.node.model_copy(update={"ae_title": "DEMOSCANNER"})
    objects = [Sending.from_file(path) for path in images]
    with open_for(scanner, node, objects) as association:
        for item in objects:
            store(association, item, node)


def _wait_for_result(node: Node, pacs: DemoPacs) -> Score:
    from scoring.result import Score
    from storage.series import results
    from storage.series.states import State, list_series

    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        for item in list_series(node.database):
            if item.state in (State.NOT_SCORABLE, State.UNDELIVERABLE):
                raise CoronodeError(f"the demo's series is {item.state}: {item.reason}")
            result = results.get(node.database, item.series_instance_uid)
            if item.state == State.DELIVERED and result is not None and pacs.reports:
                return Score.from_json(result.score_json)
        time.sleep(0.2)
    raise CoronodeError(f"no result after {_WAIT_SECONDS} s; the node's files are kept")


def _print(score: Score, truth: Truth) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="Agatston score", title_justify="left")
    for column in ("", "truth", "found"):
        table.add_column(column, justify="right" if column else "left")
    for name in ("LM", "LAD", "LCX", "RCA", "total"):
        measured = "-" if score.agatston is None else f"{getattr(score.agatston, name):.1f}"
        table.add_row(name, f"{getattr(truth.agatston, name):.1f}", measured)
    table.add_row("category", truth.category, score.category or "-")
    Console(width=60).print(table)
    for flag in score.flags:
        say(f"{flag.severity}: {flag.message}")
