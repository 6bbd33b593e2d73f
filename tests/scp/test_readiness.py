"""The words of sd_notify."""

import socket

import pytest

from scp.readiness import tell_manager


@pytest.fixture
def manager(tmp_path):
    """A service manager's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.settimeout(5)
        yield listener


def test_a_manager_hears_that_the_node_serves_and_stops(manager, tmp_path, monkeypatch):
    manager.bind(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    tell_manager("READY")
    assert manager.recv(64) == b"READY=1"
    tell_manager("STOPPING")
    assert manager.recv(64) == b"STOPPING=1"


def test_an_abstract_socket_begins_with_an_at_sign(manager, tmp_path, monkeypatch):
    name = f"coronode-{tmp_path.name}"
    manager.bind(f"\0{name}")
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
    tell_manager("READY")
    assert manager.recv(64) == b"READY=1"


def test_without_a_manager_nothing_happens(monkeypatch, tmp_path):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    tell_manager("READY")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    tell_manager("READY")
