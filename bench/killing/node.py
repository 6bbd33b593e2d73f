"""A real `coronode serve` that can be killed and started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from bench.killing.waiting import listens, wait_for

START_SECONDS: Final = 90.0
_COMMAND: Final = (sys.executable, "-c", "from scp.cli import main; main()", "serve", "--config")


def configure(pacs_port: int, quiet_seconds: float) -> str:
    """Return the configuration of a node with one destination, beside its section `[node]`."""
    return f"""
[peers.PACS]
ae_title = "PACS"
host = "127.0.0.1"
port = {pacs_port}
[completion]
quiet_seconds = {quiet_seconds}
[results]
destinations = ["PACS"]
documents = ["sr"]
retry_first_seconds = 0.5
"""


class NodeProcess:
    """`coronode serve` in a session of its own, its log in a file; `sections` are added to its configuration.

    `folder` holds configuration and log, `data` the data folder (`folder`/data unless several share one); `options`
    follow on the command line, and `environment` is added to ours. It runs this code, or that in the folder `code`.
    """

    def __init__(
        self,
        folder: Path,
        port: int,
        sections: str,
        *,
        data: Path | None = None,
        options: Sequence[str] = (),
        environment: dict[str, str] | None = None,
        code: Path | None = None,
    ) -> None:
        self.folder, self.port = folder, port
        self.data = data or folder / "data"
        self._log = folder / "log.jsonl"
        self._config = folder / "coronode.toml"
        self._options = tuple(options)
        self.environment = (environment or {}) | ({} if code is None else {"PYTHONPATH": str(code)})
        self._code = code
        self._config.write_text(
            f"""
[node]
port = {port}
data_dir = {json.dumps(str(self.data))}
accept_unknown_peers = true
reserve_mb = 0
log_format = "json"
[web]
port = 0
{sections}""",
            encoding="utf-8",
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._read = 0
        self._events: set[tuple[str, str]] = set()

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self._config

    @property
    def pid(self) -> int | None:
        """The process, which leads the session of its children; None while it is not running."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start the node and wait until it listens."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start the node without waiting."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*_COMMAND, str(self._config), *self._options],
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=os.environ | self.environment,
                cwd=self._code,
            )

    def take_exit_code(self) -> int | None:
        """Return the exit code of a node that has ended by itself, once; None while it runs or was ended by us."""
        if self._process is None or self._process.poll() is None:
            return None
        process, self._process = self._process, None
        return process.returncode

    @property
    def is_listening(self) -> bool:
        """Whether it accepts connections."""
        return self.pid is not None and listens(self.port)

    def wait(self) -> None:
        """Wait until the node listens. Raises RuntimeError when it has ended, and TimeoutError."""
        wait_for("the node to listen", self._listens, seconds=START_SECONDS, pause=0.05)

    def kill(self) -> None:
        """Send SIGKILL to the node alone: its child processes must end by themselves."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        return self._end(signal.SIGTERM)

    def has_logged(self, event: str, series_instance_uid: str) -> bool:
        """Return whether the log contains an event of a series."""
        self._read_events()
        return (event, series_instance_uid) in self._events

    def log(self) -> str:
        """Return everything that the node has logged since its first start."""
        return self._log.read_text(encoding="utf-8")

    def _end(self, number: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(number)
        try:
            return process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def _read_events(self) -> None:
        """Read the lines that have been written since the last time."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                with suppress(ValueError, AttributeError):  # a line of another program
                    fields = json.loads(line)
                    self._events.add((str(fields.get("event")), str(fields.get("series"))))

    def _listens(self) -> bool:
        if self.pid is None:
            raise RuntimeError(f"the node ended by itself; its log:\n{self.log()[-4000:]}")
        return listens(self.port)


@contextmanager
def started(node: NodeProcess) -> Iterator[NodeProcess]:
    """Start a node, and kill it at the end."""
    node.start()
    try:
        yield node
    finally:
        node.kill()
