"""Whatever is written to standard error of a process that logs JSON comes out as JSON, in whole lines."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

PROGRAM = """
import os, subprocess, sys, threading, warnings
from scp import logs
from scp.stray_lines import StrayLines

logs.configure("info", "json", target=StrayLines().lead("json"))
logs.capture_last_words()
import logging, structlog
structlog.get_logger("ours").info("of ours", long="x" * 100_000)
logging.getLogger("a.library").warning("of a library %d\\nin two lines", 7)
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("a.library").exception("with a trace")
os.write(2, b"of a library in C\\n")
os.write(2, b"not text \\xff, not a line" + b"\\n")
warnings.warn("something is old", DeprecationWarning)
thread = threading.Thread(target=lambda: [][0], name="worker")
thread.start()
thread.join()
child = "import sys; print('{\\"event\\": \\"a log line of a child\\"}', file=sys.stderr); 1/0"
subprocess.run([sys.executable, "-c", child])
print("no newline at the end", end="", file=sys.stderr)
print(file=sys.stderr)
raise ValueError("the last words")
"""


def run(program: str) -> tuple[int, list[dict[str, Any]]]:
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, [json.loads(line) for line in done.stderr.splitlines()]


def test_every_line_is_json_and_none_is_lost():
    code, lines = run(PROGRAM)
    assert code == 1
    events = [line["event"] for line in lines]
    for expected in (
        "of ours",
        r"of a library 7\nin two lines",
        "with a trace",
        "of a library in C",
        r"not text \xff, not a line",
        "Python warns",
        "a thread ended with an error",
        "a log line of a child",
        "ZeroDivisionError: division by zero",
        "no newline at the end",
        "the process ends with an error",
    ):
        assert expected in events, expected
    found = {line["event"]: line for line in lines}
    assert "something is old" in found["Python warns"]["reason"]
    assert "ZeroDivisionError" in found["with a trace"]["exception"]
    assert found["a thread ended with an error"]["thread"] == "worker"
    assert "the last words" in found["the process ends with an error"]["exception"]
    assert found["of a library in C"]["level"] == "warning"


def test_the_end_is_not_waited_for_where_a_child_goes_on():
    program = """
import os, subprocess, sys
from scp.stray_lines import StrayLines
StrayLines().lead("json")
subprocess.Popen([sys.executable, "-c", "input()"], stdin=0, stdout=subprocess.DEVNULL)
os.write(2, b"one line\\n")
"""
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert json.loads(process.stderr.readline())["event"] == "one line"
        assert process.wait(60) == 0


def test_a_log_that_becomes_text_again_is_left_as_it_is():
    program = """
import os
from scp.stray_lines import StrayLines
strays = StrayLines()
strays.lead("json")
strays.lead("text").write("of the log\\n")
os.write(2, b"of a library\\n")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr.splitlines() == ["of the log", "of a library"]
