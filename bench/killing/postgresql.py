"""A PostgreSQL server on a free port that can be killed and started again.

Its files are not synchronised: what is killed here are processes, and what they have written stays with the system.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Final, Literal

from bench.killing.waiting import free_port, wait_for

Ending = Literal["fast", "immediate", "kill"]
START_SECONDS: Final = 60.0
_PLACES: Final = tuple(str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))
_NOBODY: Final = 65534
_OPTIONS: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "400",
    "shared_buffers": "64MB",
    "jit": "off",
    "lc_messages": "C",
}


class PostgresServer:
    """A cluster in a folder of its own below `folder`; raises FileNotFoundError where PostgreSQL is not installed."""

    def __init__(self, folder: Path | None = None) -> None:
        self.port = free_port()
        # the server refuses to run as root, and others may not enter the folders of our tests
        self._user = _NOBODY if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="coronode-postgresql-", dir=folder))
        if self._user is not None:
            os.chown(self.folder, self._user, self._user)
        self._process: subprocess.Popen[bytes] | None = None
        self._run("initdb", "-D", str(self._data), "-U", "coronode", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")

    @property
    def url(self) -> str:
        """The URL of the database, as `storage.database_url`."""
        return f"postgresql+psycopg://coronode@127.0.0.1:{self.port}/postgres"

    @property
    def pid(self) -> int | None:
        """The server's first process, which leads the session of the others; None while it is not running."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = [part for name, value in _OPTIONS.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_find("postgres"), "-D", str(self._data), "-p", str(self.port), *options],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
                user=self._user,
                group=self._user,
                extra_groups=[] if self._user is not None else None,
            )
        wait_for("PostgreSQL to answer", self._answers, seconds=START_SECONDS, pause=0.05)

    def end(self, ending: Ending) -> None:
        """End the server: in order, at once as by `pg_ctl stop -m immediate`, or with SIGKILL to all its processes."""
        process, self._process = self._process, None
        if process is None:
            return
        if ending == "kill":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.send_signal(signal.SIGINT if ending == "fast" else signal.SIGQUIT)
        process.wait(60)

    def close(self) -> None:
        """End the server and remove its files."""
        self.end("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            log = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
            raise RuntimeError(f"PostgreSQL has ended; its log:\n{log[-2000:]}")
        asked = subprocess.run(
            [_find("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False, timeout=20
        )
        return asked.returncode == 0

    def _run(self, name: str, *options: str) -> None:
        subprocess.run(
            [_find(name), *options],
            check=True,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            user=self._user,
            group=self._user,
            extra_groups=[] if self._user is not None else None,
        )


def _find(name: str) -> str:
    """Find a program of PostgreSQL, which Debian keeps off the PATH."""
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(_PLACES))
    if found is None:
        raise FileNotFoundError(f"{name} is not installed (Debian: apt-get install postgresql)")
    return found
