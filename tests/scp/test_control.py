"""Commands speak to the node through a socket in its data folder."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.errors import CoronodeError
from scp.control import FILE_NAME, ControlSocket, ask


def explode() -> None:
    raise RuntimeError("a fault of ours")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Deeper than the address of a socket is long (108 bytes)."""
    deep = tmp_path / ("deep" * 30)
    deep.mkdir()
    return deep


@pytest.fixture
def node(folder: Path) -> Iterator[ControlSocket]:
    control = ControlSocket(folder, {"state": lambda: {"words": "ü"}, "large": lambda: "x" * 500_000, "wrong": explode})
    control.start()
    yield control
    control.stop()


def test_an_answer_is_json_and_the_socket_is_for_its_user_alone(node, folder):
    assert ask(folder, "state") == {"words": "ü"}
    assert ask(folder, "large") == "x" * 500_000
    assert stat.S_IMODE((folder / FILE_NAME).stat().st_mode) == 0o600
    node.stop()
    assert not (folder / FILE_NAME).exists()


def test_what_is_not_known_and_what_fails_is_said_and_the_next_is_answered(node, folder):
    assert ask(folder, "other") == {"error": "this node knows no 'other'"}
    assert ask(folder, "wrong") == {"error": "internal error, see the node's log"}
    assert ask(folder, "state") == {"words": "ü"}


@pytest.mark.parametrize("said", [b"", b"\xff\0" * 5000])
def test_a_caller_that_leaves_or_talks_nonsense_harms_nobody(node, folder, said):
    place = os.open(folder, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.connect(f"/proc/self/fd/{place}/{FILE_NAME}")
        caller.send(said)
    os.close(place)
    assert ask(folder, "state") == {"words": "ü"}


def test_without_a_node_it_is_said(folder):
    with pytest.raises(CoronodeError, match=r"no node runs on .* \(node\.data_dir\)"):
        ask(folder, "state")
    with pytest.raises(CoronodeError, match="no node runs on"):
        ask(folder / "none", "state")


def test_the_socket_of_a_killed_node_is_replaced(folder):
    left = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    place = os.open(folder, os.O_RDONLY)
    left.bind(f"/proc/self/fd/{place}/{FILE_NAME}")
    os.close(place)
    left.close()
    with pytest.raises(CoronodeError, match="no node runs on"):
        ask(folder, "state")
    control = ControlSocket(folder, {"state": lambda: 1})
    control.start()
    assert ask(folder, "state") == 1
    control.stop()


def test_a_folder_that_takes_no_socket_leaves_a_node_without_one(tmp_path, caplog):
    control = ControlSocket(tmp_path / "none", {})
    control.start()
    control.stop()
