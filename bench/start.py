"""Measure time and memory of commands from start to exit: --version, --help and `series list`.

The bare interpreter (`python -c pass`) runs alongside, and so do the commands of another installation if one is named,
in alternating rounds. Medians over the rounds; ratios are within a round. Compile both first: python -m compileall.
A process that needs less memory than this one is reported with this one's, about 18 MiB.

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
    """A command line and its working folder."""

    title: str
    words: tuple[str, ...]
    folder: Path


def run(program: Program) -> Run:
    """Run a program, discarding its output. Raises CalledProcessError when it does not exit with 0."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CORONODE_")}
    began = time.perf_counter()
    process = subprocess.Popen(program.words, cwd=program.folder, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, program.words)
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def list_programs(title: str, coronode: Path, data: Path | None, folder: Path) -> list[Program]:
    """List the commands of an installation, in a folder with an index of its own version."""
    (folder / "coronode-data").mkdir(parents=True)
    for path in () if data is None else data.glob("coronode.sqlite*"):
        shutil.copy(path, folder / "coronode-data")
    # both open the index: an account makes it, `doctor` did so in earlier versions
    for words in (("doctor",), ("account", "add", "bench", "--role", "view")):
        subprocess.run([coronode, *words], cwd=folder, capture_output=True, check=False)
    return [Program(f"{title} {' '.join(words)}", (str(coronode), *words), folder) for words in _COMMANDS]


def measure(programs: Sequence[Program], rounds: int) -> dict[str, dict[int, Run]]:
    """Run each program once per round, after one round to warm the file cache."""
    runs: dict[str, dict[int, Run]] = {program.title: {} for program in programs}
    for number_of_round in range(-1, rounds):
        for program in programs:
            result = run(program)
            if number_of_round >= 0:
                runs[program.title][number_of_round] = result
    return runs


def format_report(runs: dict[str, dict[int, Run]]) -> str:
    """Format a row per program: medians, ratio to the bare interpreter and to the other installation's command."""
    seconds = {title: {key: item.seconds for key, item in by_round.items()} for title, by_round in runs.items()}
    rows = []
    for title, by_round in runs.items():
        counterpart = f"{_OTHER} {title.partition(' ')[2]}"
        rows.append(
            [
                title,
                number(median(item.seconds for item in by_round.values()), 3),
                number(median(item.cpu_seconds for item in by_round.values()), 3),
                number(median(item.peak_mib for item in by_round.values()), 1),
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
    parser.add_argument("--data", type=Path, help="data folder of a stopped node")
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coronode-start-") as name:
        folder = Path(name)
        programs = [Program(_BARE, (sys.executable, "-c", "pass"), folder)]
        programs += list_programs("coronode", options.coronode.absolute(), options.data, folder / "this")
        if options.other is not None:
            programs += list_programs(_OTHER, options.other.absolute(), options.data, folder / "other")
        runs = measure(programs, options.rounds)
    write(f"{format_report(runs)}\n{options.rounds} rounds; {machine()}\n", options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
