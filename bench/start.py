"""How long a command takes until it has answered, and how much memory: --version, --help and `series list`.

The interpreter alone (`python -c pass`) is run beside them, and the commands of another installation if one is named,
in alternating rounds. Medians over the rounds; ratios are of the same round. Compile both first: python -m compileall.
A process that needs less memory than this one is shown with what this one has, about 18 MiB.

    python bench/start.py
    python bench/start.py --data coronode-demo/node --other /opt/coronode-0.1.0/.venv/bin/coronode

`series list` reads a copy of the index in the data folder that --data names (of the older installation), else an empty
index.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from table import machine, median, number, ratio, table, write

_COMMANDS: Final = (("--version",), ("--help",), ("series", "list"))
_BARE: Final = "python -c pass"
_OTHER: Final = "other"


@dataclass(frozen=True)
class Run:
    """One process from start to exit: wall clock and processor seconds, peak resident memory in MiB."""

    seconds: float
    cpu_seconds: float
    peak_mib: float


@dataclass(frozen=True)
class Program:
    """A command line, and the folder that it runs in."""

    title: str
    words: tuple[str, ...]
    folder: Path


def run(program: Program) -> Run:
    """Run a program with its output thrown away. Raises CalledProcessError when it does not exit with 0."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CORONODE_")}
    began = time.perf_counter()
    process = subprocess.Popen(program.words, cwd=program.folder, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, program.words)
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def installed(title: str, coronode: Path, data: Path | None, folder: Path) -> list[Program]:
    """The commands of an installation, in a folder with an index of its own version."""
    (folder / "coronode-data").mkdir(parents=True)
    for path in () if data is None else data.glob("coronode.sqlite*"):
        shutil.copy(path, folder / "coronode-data")
    # it opens the index, which makes it or brings it to this version; it exits with 1, for no peer is configured
    subprocess.run([coronode, "doctor"], cwd=folder, capture_output=True, check=False)
    return [Program(f"{title} {' '.join(words)}", (str(coronode), *words), folder) for words in _COMMANDS]


def measure(programs: Sequence[Program], rounds: int) -> dict[str, dict[int, Run]]:
    """Runs of each program by round, one round before them to warm the file cache."""
    runs: dict[str, dict[int, Run]] = {program.title: {} for program in programs}
    for number_of_round in range(-1, rounds):
        for program in programs:
            result = run(program)
            if number_of_round >= 0:
                runs[program.title][number_of_round] = result
    return runs


def report(runs: dict[str, dict[int, Run]]) -> str:
    """A row for each program: medians, ratio to the bare interpreter, and to the other installation's same command."""
    seconds = {title: {key: item.seconds for key, item in found.items()} for title, found in runs.items()}
    rows = []
    for title, found in runs.items():
        counterpart = f"{_OTHER} {title.partition(' ')[2]}"
        rows.append(
            [
                title,
                number(median(item.seconds for item in found.values()), 3),
                number(median(item.cpu_seconds for item in found.values()), 3),
                number(median(item.peak_mib for item in found.values()), 1),
                number(ratio(seconds[title], seconds[_BARE]), 1),
                number(ratio(seconds[title], seconds[counterpart]), 2) if counterpart in seconds else "-",
            ]
        )
    return table(["Program", "s", "CPU s", "peak MiB", f"/ {_BARE}", f"/ {_OTHER}"], rows)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--coronode", type=Path, default=Path(sys.executable).parent / "coronode", help="the command")
    parser.add_argument("--other", type=Path, help="the command of another installation")
    parser.add_argument("--data", type=Path, help="data folder of a node that is stopped")
    parser.add_argument("--out", type=Path, help="write the table there too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coronode-start-") as name:
        folder = Path(name)
        programs = [Program(_BARE, (sys.executable, "-c", "pass"), folder)]
        programs += installed("coronode", options.coronode.absolute(), options.data, folder / "this")
        if options.other is not None:
            programs += installed(_OTHER, options.other.absolute(), options.data, folder / "other")
        runs = measure(programs, options.rounds)
    write(f"{report(runs)}\n{options.rounds} rounds; {machine()}\n", options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
