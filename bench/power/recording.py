"""What programs ask of the disk and what they send, in order, recorded by strace."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from bench.killing.waiting import wait_for

MARK: Final = "mark:"
"""What a mark of `Recorder.mark` begins with."""

_CALLS: Final = (
    "open,openat,openat2,creat,lseek,write,pwrite64,writev,pwritev,pwritev2,truncate,ftruncate,fallocate,fsync,fdatasync,"
    "rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,mkdir,mkdirat,rmdir,"
    "copy_file_range,sendfile,splice,sendto,sendmsg"
)
_LONGEST: Final = 64 * 1024 * 1024
_BEGUN: Final = " <unfinished ...>"
_LINE: Final = re.compile(r"(\d+) +(.*)")
_RESUMED: Final = re.compile(r"<\.\.\. \w+ resumed>(.*)")
_CALL: Final = re.compile(r"(\w+)\((.*)\) += (-?\d+)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Call:
    """A system call that succeeded: the moments at which it began and ended, its arguments as strace writes them.

    A moment is a line of the recording. Every program is held at both until the line is written, so that what one does
    because of another's call comes later.
    """

    began: int
    ended: int
    name: str
    arguments: str
    result: int
    place: str
    """What the result stands for, where it is a descriptor."""


class Recorder:
    """A shell whose programs are recorded, with all of their processes and threads; ends with the block.

    `log` takes what they print.
    """

    def __init__(self, file: Path, log: Path) -> None:
        strace = shutil.which("strace")
        if strace is None:
            raise FileNotFoundError("strace is not installed (Debian: apt-get install strace)")
        self.file, self._log, self._size = file, log, -1
        options = ["-f", "--seccomp-bpf", "-qq", "-yy", "-xx", "-s", str(_LONGEST), "-o", str(file)]
        self._shell = subprocess.Popen(
            [strace, *options, "-e", f"trace={_CALLS}", "-e", "signal=none", "/bin/sh"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the shell end, and the recording with it; after an error everything that was started is killed."""
        if kind is not None:
            os.killpg(self._shell.pid, signal.SIGKILL)
        self._pipe(self._shell.stdin).close()
        self._shell.wait(60)
        self._pipe(self._shell.stdout).close()

    def start(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> int:
        """Start a program and return its process ID."""
        return int(self._ask(f"{self._line(command, environment)} & echo $!"))

    def run(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> int:
        """Run a program to its end and return its exit status."""
        return int(self._ask(f"{self._line(command, environment)}; echo $?"))

    def end(self, pid: int, signal: str) -> int:
        """Send a signal to a program, wait for its end and return its exit status as a shell tells it."""
        return int(self._ask(f"kill -{signal} {pid}; wait {pid} 2>/dev/null; echo $?"))

    def kill(self, pid: int) -> None:
        """End a process with SIGKILL between its system calls: of each is known whether it happened."""
        os.kill(pid, signal.SIGSTOP)
        wait_for("every thread to be held", lambda: self._is_held(pid), seconds=60)
        self._ask(f"kill -KILL {pid}; wait {pid} 2>/dev/null; echo $?")

    def mark(self, name: str) -> None:
        """Put a mark into the recording, which is a `write` to /dev/null."""
        self._ask(f"echo {MARK}{name} >/dev/null; echo done")

    def _is_held(self, pid: int) -> bool:
        """Return whether the threads of a process are stopped and none is in the middle of a call."""
        tasks = [
            task.joinpath("stat").read_text().rpartition(")")[2].split()[0]
            for task in Path(f"/proc/{pid}/task").iterdir()
        ]
        size = self.file.stat().st_size
        held, self._size = size == self._size and set(tasks) <= {"t", "T"}, size
        return held

    def _line(self, command: Sequence[str], environment: Mapping[str, str] | None) -> str:
        variables = [f"{name}={shlex.quote(value)}" for name, value in (environment or {}).items()]
        return f"env {' '.join(variables)} {shlex.join(command)} </dev/null >>{shlex.quote(str(self._log))} 2>&1"

    def _ask(self, line: str) -> str:
        stdin = self._pipe(self._shell.stdin)
        stdin.write(f"{line}\n")
        stdin.flush()
        return self._pipe(self._shell.stdout).readline().strip()

    @staticmethod
    def _pipe(stream: IO[str] | None) -> IO[str]:
        if stream is None:
            raise ValueError("the shell has no pipes")
        return stream


def read_calls(file: Path) -> list[Call]:
    """Read the successful calls of a recording, in the order in which they began."""
    return sorted(_read_calls(file), key=lambda call: call.began)


def _read_calls(file: Path) -> Iterator[Call]:
    begun: dict[str, tuple[int, str]] = {}
    with file.open(encoding="ascii") as lines:
        for number, line in enumerate(lines):
            found = _LINE.match(line.rstrip("\n"))
            if found is None:
                raise ValueError(f"line {number + 1} of the recording cannot be read: {line[:200]!r}")
            process, words = found.groups()
            if words.endswith(_BEGUN):
                begun[process] = number, words.removesuffix(_BEGUN)
                continue
            start = number
            if resumed := _RESUMED.match(words):
                start, head = begun.pop(process)
                words = head + resumed[1]
            call = _CALL.fullmatch(words)
            if call is not None and not call[3].startswith("-"):
                yield Call(start, number, call[1], call[2], int(call[3]), call[4])
