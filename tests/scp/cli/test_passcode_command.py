"""`coronode config passcode`: what it prints stands in a configuration; what it is given is seen nowhere."""

import os
import pty
import subprocess
import sys

import pytest

from config.passcodes import HashedPasscode
from config.settings import PeerSettings

COMMAND = [sys.executable, "-c", "from scp.cli import main; main()", "config", "passcode"]


def run(given: bytes) -> subprocess.CompletedProcess:
    return subprocess.run(COMMAND, input=given, capture_output=True, check=False, timeout=60)


@pytest.mark.parametrize("given", [b"correct horse\n", b"correct horse\r\nsecond line", b"correct horse"])
def test_the_first_line_of_standard_input(given):
    done = run(given)
    assert (done.returncode, done.stderr) == (0, b"")
    printed = done.stdout.decode().strip()
    assert HashedPasscode.parse(printed).is_of(b"correct horse")
    assert PeerSettings(ae_title="A", host="h", users={"alice": printed}).users == {"alice": printed}


@pytest.mark.parametrize("given", [b"", b"\n", b"x" * 1025, "ü".encode() * 513])
def test_a_passcode_that_is_none(given):
    done = run(given)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"1 to 1024 bytes" in done.stderr


def test_at_a_terminal_it_is_typed_twice_and_not_echoed():
    terminal, end = pty.openpty()
    running = subprocess.Popen(COMMAND, stdin=end, stdout=subprocess.PIPE, stderr=end, start_new_session=True)
    os.close(end)
    shown = b""
    for prompt in (b"passcode:", b"again:"):
        while prompt not in shown:
            shown += os.read(terminal, 100)
        os.write(terminal, b"correct horse\n")
    printed = running.communicate(timeout=60)[0].decode().strip()
    os.close(terminal)
    assert HashedPasscode.parse(printed).is_of(b"correct horse")
    assert b"horse" not in shown
