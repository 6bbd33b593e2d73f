"""A PostgreSQL cluster of its own for tests, on a Unix socket: it takes no port and outlives no test run."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from itertools import count
from pathlib import Path

import psycopg

_DEBIAN = Path("/usr/lib/postgresql")
_USER = "postgres"


def find_programs() -> Path | None:
    """Find the folder with initdb and pg_ctl: in PATH, or where Debian keeps them."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    versions = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None


class Cluster:
    """A server with its data in a folder of its own, from `start` to `close`; a database for whoever asks."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path has at most 107 characters
        self._data = self.folder / "data"
        self._numbers = count(1)
        if os.geteuid() == 0:  # the server refuses to run as root
            owner = pwd.getpwnam(_USER)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        self._run("initdb", "-D", self._data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C.UTF-8")

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = (
            f"-k {self.folder} -c listen_addresses='' -c fsync=off -c shared_buffers=32MB -c max_connections=300 "
            "-c log_min_messages=fatal"
        )
        self._run("pg_ctl", "start", "-w", "-t", "60", "-D", self._data, "-l", self.folder / "log", "-o", options)

    def stop(self) -> None:
        """End every session and stop the server; `start` begins it anew with the same data."""
        self._run("pg_ctl", "stop", "-w", "-m", "fast", "-D", self._data)

    def kill(self) -> None:
        """End the server as a crash does; `start` recovers."""
        process = int((self._data / "postmaster.pid").read_text().split()[0])
        os.kill(process, signal.SIGQUIT)  # all of its processes end at once and write nothing more

    def make_database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        with psycopg.connect(host=str(self.folder), user=_USER, dbname="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://{_USER}@/{name}?host={self.folder}"

    def drop_database(self, url: str) -> None:
        """Drop a database, whoever is still connected."""
        name = url.rpartition("/")[0].rpartition("@/")[2].partition("?")[0]
        with psycopg.connect(host=str(self.folder), user=_USER, dbname="postgres", autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def close(self) -> None:
        """Stop the server and delete its data."""
        subprocess.run(
            [self._programs / "pg_ctl", "stop", "-m", "immediate", "-D", self._data],
            user=_USER if os.geteuid() == 0 else None,
            check=False,
            capture_output=True,
        )
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str | Path) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments],
            user=_USER if os.geteuid() == 0 else None,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # the server would keep a pipe open
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=120,
        )
        if done.returncode:
            log = self.folder / "log"
            raise RuntimeError(f"{program} failed: {log.read_text() if log.exists() else done.returncode}")
